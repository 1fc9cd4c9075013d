import { connect, isIP, type Socket } from 'node:net';
import { errnoOf, TransferError } from '../errors.js';
import { connectFailure } from './probe-failure.js';

/** What a MariaDB or MySQL server says before anything is asked. */
export interface ServerGreeting {
  /** `10.11.19-MariaDB-…` */
  readonly version: string;
  /** It would go on with TLS. */
  readonly offersTls: boolean;
}

/** Capabilities of the client/server protocol: CLIENT_LONG_PASSWORD, PROTOCOL_41, SSL, SECURE_CONNECTION, PLUGIN_AUTH. */
const clientSsl = 0x0800;
const wanted = 0x0001 | 0x0200 | clientSsl | 0x8000 | 0x80000;

/**
 * Connects to a database server and, when it offers TLS, asks for it (SSLRequest): the socket is then ready for a TLS
 * handshake. MariaDB 5.5 and newer, MySQL 5.5 and newer.
 * @throws TransferError PEER_UNREACHABLE, PEER_PROTOCOL, TIMED_OUT.
 */
export async function askForTls(
  { host, port }: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<{ readonly socket: Socket; readonly greeting: ServerGreeting }> {
  const server = `the server ${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const socket = connect({ host, port });
  try {
    const packet = await firstPacket(socket, signal);
    const greeting = readGreeting(packet, server);
    if (greeting.offersTls) socket.write(sslRequest());
    return { socket, greeting };
  } catch (cause) {
    socket.destroy();
    if (cause instanceof TransferError) throw cause;
    if (signal.aborted) throw new TransferError('TIMED_OUT', `${server} does not greet`, { cause });
    const reason = errnoOf(cause) ?? (cause instanceof Error ? cause.message : String(cause));
    throw new TransferError('PEER_UNREACHABLE', `cannot connect to ${server}: ${connectFailure(reason)}`, {
      cause,
      hint: 'check host, port, firewall and bind_address of that server (ss -tlnp, over there, shows where it listens)',
    });
  }
}

/** The payload of the first packet: three bytes of length, one of sequence. */
function firstPacket(socket: Socket, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const finish = (act: () => void): void => {
      socket.removeAllListeners('data').removeAllListeners('close');
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const onAbort = (): void => finish(() => reject(signal.reason as Error));
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', (error) => finish(() => reject(error)));
    socket.on('close', () => finish(() => reject(new Error('it closed the connection'))));
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const length = bytes.length < 4 ? Infinity : bytes.readUIntLE(0, 3);
      if (length !== Infinity && length > 4096)
        finish(() => reject(new TransferError('PEER_PROTOCOL', 'what answers there is no MariaDB server')));
      else if (bytes.length >= length + 4) {
        socket.pause();
        finish(() => resolve(bytes.subarray(4, length + 4)));
      }
    });
  });
}

function readGreeting(packet: Buffer, server: string): ServerGreeting {
  if (packet[0] === 0xff) {
    const text = packet
      .subarray(3)
      .toString('latin1')
      .replace(/^#.{5}/, '');
    throw new TransferError('PEER_PROTOCOL', `${server} refuses connections: ${JSON.stringify(text)}`, {
      hint: 'grant this host access, or run mariadb-admin flush-hosts (FLUSH HOSTS) there if it is blocked',
    });
  }
  const end = packet.indexOf(0, 1);
  // version, then thread id, 8 bytes of scramble, a zero
  const capabilitiesAt = end + 1 + 4 + 8 + 1;
  if (packet[0] !== 10 || end === -1 || packet.length < capabilitiesAt + 2)
    throw new TransferError(
      'PEER_PROTOCOL',
      `what answers at ${server.replace('the server ', '')} is no MariaDB server`,
    );
  return {
    version: packet
      .subarray(1, end)
      .toString('latin1')
      .replace(/^5\.5\.5-/, ''),
    offersTls: (packet.readUInt16LE(capabilitiesAt) & clientSsl) !== 0,
  };
}

/** Capabilities, largest packet (16 MiB), character set utf8mb4, 23 zeros; the second packet of the conversation. */
function sslRequest(): Buffer {
  const packet = Buffer.alloc(36);
  packet.writeUIntLE(32, 0, 3);
  packet[3] = 1;
  packet.writeUInt32LE(wanted, 4);
  packet.writeUInt32LE(1 << 24, 8);
  packet[12] = 45;
  return packet;
}
