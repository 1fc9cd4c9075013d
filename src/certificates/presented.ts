import { isIP, type Socket } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';
import { TransferError } from '../errors.js';
import type { CertificateFacts } from './facts.js';
import { askForTls } from './mysql-tls.js';
import { connectFailure, tlsFailure } from './probe-failure.js';
import { peerChain } from './probe.js';

/** What a TLS server shows to whoever connects. */
export interface Presented {
  /** Its certificate, then those that it sent along. */
  readonly chain: readonly CertificateFacts[];
  /** `TLSv1.3` */
  readonly protocol: string;
  readonly cipher: string;
  /** Of a database server. */
  readonly version?: string | undefined;
}

export interface PresentedRequest {
  readonly host: string;
  readonly port: number;
  /** `mysql`: TLS begins after the server's greeting. */
  readonly speaks: 'tls' | 'mysql';
  readonly timeoutMs: number;
  /** What this side shows, protocol versions, ciphers. */
  readonly options?: Pick<ConnectionOptions, 'cert' | 'key' | 'minVersion' | 'maxVersion' | 'ciphers'>;
}

/** Shakes hands with any TLS server without judging its certificate. */
export async function fetchPresented(request: PresentedRequest): Promise<Presented> {
  const { host, port } = request;
  const where = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const signal = AbortSignal.timeout(request.timeoutMs);
  if (request.speaks === 'tls') return handshake(request, undefined, signal, where);
  const { socket, greeting } = await askForTls(request, signal);
  if (!greeting.offersTls) {
    socket.destroy();
    throw new TransferError('CLEAR_TEXT_REFUSED', `the server ${where} (${greeting.version}) offers no TLS`, {
      hint: 'set ssl_cert, ssl_key and ssl_ca in [mysqld] there and restart it (MariaDB 11.4 and newer makes a certificate by itself)',
    });
  }
  return { ...(await handshake(request, socket, signal, where)), version: greeting.version };
}

function handshake(
  { host, port, options }: PresentedRequest,
  socket: Socket | undefined,
  signal: AbortSignal,
  where: string,
): Promise<Presented> {
  const secure = connect({
    ...(socket === undefined ? { host, port } : { socket }),
    // RFC 6066 allows no IP addresses in SNI
    servername: isIP(host) === 0 ? host : '',
    ...options,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  return new Promise((resolve, reject) => {
    const fail = (
      code: 'PEER_UNREACHABLE' | 'PEER_PROTOCOL' | 'TIMED_OUT',
      reason: string,
      cause?: unknown,
    ): void => {
      secure.destroy();
      const what = code === 'PEER_UNREACHABLE' ? 'cannot connect to' : 'no TLS with';
      reject(new TransferError(code, `${what} ${where}: ${reason}`, { cause, hint: hints[code] }));
    };
    signal.addEventListener('abort', () => fail('TIMED_OUT', 'it does not answer'), { once: true });
    secure.on('error', (error: NodeJS.ErrnoException) => {
      const isTls = error.code?.startsWith('ERR_SSL_') === true;
      if (isTls) fail('PEER_PROTOCOL', tlsFailure(error.code ?? ''), error);
      else fail('PEER_UNREACHABLE', connectFailure(error.code ?? error.message), error);
    });
    secure.once('close', () => fail('PEER_PROTOCOL', 'it closed the connection'));
    secure.once('secureConnect', () => {
      secure.removeAllListeners('close');
      try {
        const chain = peerChain(secure);
        resolve({ chain, protocol: secure.getProtocol() ?? 'unknown', cipher: secure.getCipher().name });
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
      secure.end();
      secure.destroySoon();
    });
  });
}

const hints = {
  PEER_UNREACHABLE: 'check host, port and firewall, and whether anything listens there',
  PEER_PROTOCOL: 'does it speak TLS there, in a version and with a cipher that this side allows?',
  TIMED_OUT: 'check the network, and whether it speaks TLS there',
} as const;
