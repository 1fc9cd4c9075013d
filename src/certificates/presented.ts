import { isIP, type Socket } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { TransferError } from '../errors.js';
import type { CertificateFacts } from './facts.js';
import { askForTls } from './mysql-tls.js';
import { explainOwn, type Objection } from './objection.js';
import { connectFailure, explainRejection, tlsFailure } from './probe-failure.js';
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
  /** What OpenSSL has against the certificate, where the request says whom to trust. */
  readonly objection?: Objection | undefined;
  /** Of a database server that turns this side's certificate down: in TLS 1.3 it says so after the handshake. */
  readonly refusal?: TransferError | undefined;
}

export interface PresentedRequest {
  readonly host: string;
  readonly port: number;
  /** `mysql`: TLS begins after the server's greeting. */
  readonly speaks: 'tls' | 'mysql';
  readonly timeoutMs: number;
  /** What this side shows and trusts, protocol versions, ciphers. */
  readonly options?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'minVersion' | 'maxVersion' | 'ciphers'>;
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
      hint: 'set ssl_cert, ssl_key and ssl_ca in [mysqld] there and restart it with systemctl restart mariadb (MariaDB 11.4 and newer makes a certificate by itself)',
    });
  }
  return { ...(await handshake(request, socket, signal, where)), version: greeting.version };
}

/** How long a server may take to say what it thinks of this side's certificate. */
const verdictWithinMs = 1000;

function handshake(
  { host, port, options, speaks }: PresentedRequest,
  socket: Socket | undefined,
  signal: AbortSignal,
  where: string,
): Promise<Presented> {
  const secure = begin({
    ...(socket === undefined ? { host, port } : { socket }),
    // RFC 6066 allows no IP addresses in SNI
    servername: isIP(host) === 0 ? host : '',
    ...options,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  return new Promise((resolve, reject) => {
    const fail = (error: TransferError): void => {
      secure.destroy();
      reject(error);
    };
    signal.addEventListener('abort', () => fail(failure('TIMED_OUT', where, 'it does not answer')), {
      once: true,
    });
    secure.on('error', (error: NodeJS.ErrnoException) => fail(explain(error, where, speaks)));
    secure.once('close', () => fail(failure('PEER_PROTOCOL', where, 'it closed the connection')));
    secure.once('secureConnect', () => {
      secure.removeAllListeners('close').removeAllListeners('error');
      const finish = (refusal?: TransferError): void => {
        secure
          .removeAllListeners('error')
          .removeAllListeners('close')
          .on('error', () => undefined);
        resolve({ ...presented, refusal });
        secure.end();
        secure.destroySoon();
      };
      let presented: Presented;
      try {
        const chain = peerChain(secure);
        presented = {
          chain,
          protocol: secure.getProtocol() ?? 'unknown',
          cipher: secure.getCipher().name,
          objection:
            options?.ca === undefined || secure.authorized
              ? undefined
              : { code: String(secure.authorizationError) },
        };
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
        secure.destroy();
        return;
      }
      if (speaks === 'tls' || options?.cert === undefined || presented.protocol !== 'TLSv1.3') {
        finish();
        return;
      }
      const patience = setTimeout(finish, verdictWithinMs);
      const conclude = (refusal?: TransferError): void => {
        clearTimeout(patience);
        finish(refusal);
      };
      secure.once('error', (error: NodeJS.ErrnoException) => conclude(explain(error, where, speaks)));
      secure.once('close', () => conclude(rejected(where, speaks, 'it closed the connection')));
      // A ticket for another session comes from who has accepted this one.
      secure.once('session', () => conclude());
      secure.resume();
    });
  });
}

/** OpenSSL looks at this side's files before it connects to anybody. */
function begin(options: ConnectionOptions): TLSSocket {
  try {
    return connect(options);
  } catch (error) {
    throw explainOwn(error, "this host's certificate");
  }
}

function explain(
  error: NodeJS.ErrnoException,
  where: string,
  speaks: PresentedRequest['speaks'],
): TransferError {
  const code = error.code ?? error.message;
  const verdict = explainRejection(code);
  if (verdict !== undefined) return rejected(where, speaks, verdict, error);
  return code.startsWith('ERR_SSL_')
    ? failure('PEER_PROTOCOL', where, tlsFailure(code), error)
    : failure('PEER_UNREACHABLE', where, connectFailure(code), error);
}

function rejected(
  where: string,
  speaks: PresentedRequest['speaks'],
  why: string,
  cause?: unknown,
): TransferError {
  return new TransferError('PEER_REJECTED_US', `${where} rejects this host's certificate: ${why}`, {
    cause,
    hint: `${speaks === 'mysql' ? 'ssl_ca' : 'tca'} there must hold the CA of this host's certificate; the log there (journalctl -u mariadb) says more`,
  });
}

function failure(code: keyof typeof hints, where: string, reason: string, cause?: unknown): TransferError {
  const what = code === 'PEER_UNREACHABLE' ? 'cannot connect to' : 'no TLS with';
  return new TransferError(code, `${what} ${where}: ${reason}`, { cause, hint: hints[code] });
}

const hints = {
  PEER_UNREACHABLE: 'check host, port and firewall, and whether anything listens there (ss -tlnp)',
  PEER_PROTOCOL:
    'does it speak TLS there, in a version and with a cipher that this side allows? openssl s_client -connect HOST:PORT shows it',
  TIMED_OUT: 'check the network, and whether it speaks TLS there (openssl s_client -connect HOST:PORT)',
} as const;
