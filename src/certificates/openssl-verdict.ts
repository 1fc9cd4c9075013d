import { createHash } from 'node:crypto';
import { duplexPair } from 'node:stream';
import {
  connect,
  createSecureContext,
  createServer,
  DEFAULT_CIPHERS,
  type SecureContextOptions,
} from 'node:tls';
import type { TlsLimits } from '../config/tls-limits.js';
import { chainOf, type Identity } from './identity.js';
import { objectionOf, type Objection } from './objection.js';
import { securityLevel, trustNobody } from './secure-limits.js';
import type { Trust } from './trust.js';

type Shown = Pick<Identity, 'leaf' | 'chain' | 'keyPem'>;

/**
 * Has OpenSSL judge what this node shows, as a peer with the same trust would: by a handshake in this process. It knows rules that
 * the checks here do not: path lengths, name constraints, usages of keys, keys and signatures that are too weak.
 * @param beforeFiles as tryFiles has them
 */
export async function askOpenSsl(
  identity: Shown,
  trust: Pick<Trust, 'certificates'>,
  as: 'server' | 'client',
  limits: TlsLimits = {},
  beforeFiles: TlsLimits = {},
): Promise<Objection | undefined> {
  const unusable = tryFiles(identity, beforeFiles);
  if (unusable !== undefined) return unusable;
  const question = digestOf([filesOf(identity, limits), authoritiesOf(trust), as]);
  if (performance.now() < (agreedUntilMs.get(question) ?? 0)) return undefined;
  // What cannot be loaded at a level, a peer with that level does not take either.
  const unloadable = tryFiles(identity, limits);
  if (unloadable !== undefined) return unloadable;
  const objection = await shakeHands(identity, trust, as, limits);
  if (objection === undefined) remember(question);
  // A server in Node keeps the words to itself; a client hands them on.
  const inWords = objection?.code === 'UNSPECIFIED' && as === 'client';
  return inWords ? ((await shakeHands(identity, trust, 'server', limits)) ?? objection) : objection;
}

/**
 * To what OpenSSL has had no objection, by a digest of it, and until when, on the monotonic clock: an agent asks before each transfer what
 * its last check has asked, and a handshake with oneself takes 25 ms. Of dates and revocations, which change, others take care.
 */
const agreedUntilMs = new Map<string, number>();
const rememberForMs = 3_600_000;
/** More than an agent has servers and roles. */
const rememberAtMost = 64;

function remember(question: string): void {
  const [oldest] = agreedUntilMs.keys();
  if (agreedUntilMs.size >= rememberAtMost && oldest !== undefined) agreedUntilMs.delete(oldest);
  agreedUntilMs.set(question, performance.now() + rememberForMs);
}

function digestOf(question: unknown): string {
  return createHash('sha256').update(JSON.stringify(question)).digest('base64');
}

/**
 * What OpenSSL has against certificate and key before anybody has seen them: no program that uses it starts with those. socat (1.7.4.4)
 * loads them before it hands on a list of ciphers, so that a level of security in that comes too late; MariaDB's server
 * and client library (10.11.19) have set their list by then.
 * @param limits what is set before the files are loaded: the server's own, none of socat's
 */
export function tryFiles(identity: Shown, limits: TlsLimits = {}): Objection | undefined {
  try {
    createSecureContext({ ...filesOf(identity, limits), ca: trustNobody });
    return undefined;
  } catch (error) {
    return objectionOf(error);
  }
}

/** Without what the tunnel's list of ciphers leaves out: which suites a peer has is not known. */
function filesOf(identity: Shown, limits: TlsLimits): SecureContextOptions {
  return {
    cert: chainOf(identity),
    key: identity.keyPem,
    minVersion: 'TLSv1.2',
    ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=${securityLevel(limits)}`,
  };
}

function authoritiesOf({ certificates }: Pick<Trust, 'certificates'>): string[] {
  return certificates.map(({ pem }) => pem);
}

async function shakeHands(
  identity: Shown,
  trust: Pick<Trust, 'certificates'>,
  as: 'server' | 'client',
  limits: TlsLimits,
): Promise<Objection | undefined> {
  const options = { ...filesOf(identity, limits), ca: authoritiesOf(trust) };
  const [left, right] = duplexPair();
  const server = createServer({ ...options, requestCert: true, rejectUnauthorized: false });
  server.emit('connection', left);
  const client = connect({
    ...options,
    socket: right,
    servername: '',
    // Only then the error has OpenSSL's words (Node 20 and 24).
    rejectUnauthorized: as === 'server',
    checkServerIdentity: () => undefined,
  });
  try {
    return await new Promise<Objection | undefined>((resolve) => {
      const refuse = (error: unknown): void => resolve(objectionOf(error));
      // More of them may come when the verdict is there.
      client.on('error', refuse).once('close', () => resolve({ code: 'ECONNRESET' }));
      server.on('tlsClientError', refuse);
      server.on('secureConnection', (socket) => {
        socket.on('error', () => undefined);
        if (as === 'server') return;
        resolve(socket.authorized ? undefined : { code: String(socket.authorizationError) });
      });
      if (as === 'server') client.once('secureConnect', () => resolve(undefined));
    });
  } finally {
    for (const stream of [client, left, right]) stream.destroy();
  }
}
