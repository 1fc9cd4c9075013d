import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { ConnectionOptions, DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { errorOf, TransferError } from '../errors.js';
import { checkChain } from './check-chain.js';
import { checkDates, checkNames, checkUsage, whose } from './checks.js';
import type { Blame } from './checks.js';
import { readFacts } from './facts.js';
import type { CertificateFacts } from './facts.js';
import { chainOf, type Identity } from './identity.js';
import { matchName } from './names.js';
import { explainObjection, explainOwn } from './objection.js';
import { explainFailure, PeerClosed, peerName } from './probe-failure.js';
import type { Phase } from './probe-failure.js';
import { checkRevocation, type Revocation } from './revocation.js';
import { asPrograms } from './secure-limits.js';
import type { Trust } from './trust.js';
import type { TlsLimits } from '../config/tls-limits.js';

/** How much of the peer's certificate counts: chain, dates, usage and name; all but the name; nothing. */
export type VerificationMode = 'VERIFY_IDENTITY' | 'VERIFY_CA' | 'REQUIRED';

export interface ProbeRequest {
  /** Where to connect: host name or IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** For SNI; default: `host`, when that is a name. */
  readonly servername?: string | undefined;
  /** What the certificate has to name, as Galera gave it. */
  readonly address: string;
  readonly identity: Pick<Identity, 'leaf' | 'chain' | 'keyPem'>;
  readonly trust: Pick<Trust, 'certificates' | 'by'>;
  readonly revocation?: Revocation | undefined;
  /** Versions and ciphers that the tunnel may use. */
  readonly limits?: TlsLimits | undefined;
  readonly mode: VerificationMode;
  readonly now: Date;
  /** For everything together, from connecting to the greeting. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly family?: 4 | 6 | undefined;
  /** Called once the peer has answered the request to connect. */
  readonly onConnected?: (() => void) | undefined;
}

/** What was learnt of a peer. */
export interface PeerFacts {
  readonly facts: CertificateFacts;
  /** `TLSv1.3` */
  readonly protocol: string;
  readonly cipher: string;
  /** The certificate's entry that names the address; undefined when none does (and the mode lets it pass). */
  readonly matched?: string | undefined;
  /** rsync's first line: `@RSYNCD: 32.0 sha512 …`. */
  readonly greeting: string;
  /** From the request to connect until it was answered, in ms: one round trip and what this process was late. */
  readonly connectMs: number;
}

/**
 * Shakes hands with a listening joiner, checks its certificate and waits for its rsync daemon's greeting: in TLS
 * 1.3 the server's verdict on the client's certificate comes only after the handshake, so only the greeting
 * proves that this node was accepted. Throws a TransferError that names the peer; the socket is closed in any case.
 */
export async function probePeer(request: ProbeRequest): Promise<PeerFacts> {
  // Not AbortSignal.timeout: joined by AbortSignal.any it is collected as garbage and never fires (Node 20.20).
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error('took too long')), request.timeoutMs);
  const signal =
    request.signal === undefined ? limit.signal : AbortSignal.any([limit.signal, request.signal]);
  const course: Course = { phase: 'connecting', askedMs: performance.now(), connectMs: 0 };
  let socket: TLSSocket | undefined;
  try {
    // Throws where OpenSSL refuses this side's files or ciphers.
    socket = open(request, course);
    await handshake(socket, signal);
    const peer = inspect(socket, request);
    course.phase = 'greeting';
    const greeting = await readLine(socket, signal);
    requireRsync(greeting, request);
    return { ...peer, greeting, connectMs: course.connectMs };
  } catch (error) {
    if (error instanceof TransferError) throw error;
    throw explainFailure(error, { request, phase: course.phase, timedOut: limit.signal.aborted });
  } finally {
    clearTimeout(timer);
    if (socket !== undefined) close(socket);
  }
}

interface Course {
  phase: Phase;
  /** When the peer was asked to connect, by performance.now(). */
  askedMs: number;
  connectMs: number;
}

function open(request: ProbeRequest, course: Course): TLSSocket {
  const { host, port, identity, trust } = request;
  const socket = begin(
    {
      host,
      port,
      ...(request.family === undefined ? {} : { family: request.family }),
      // RFC 6066 allows no IP addresses in SNI
      servername: request.servername ?? (isIP(host) === 0 ? host : ''),
      // an empty list, unlike an absent one, keeps Node from trusting the public CAs
      ca: trust.certificates.map((facts) => facts.pem),
      cert: chainOf(identity),
      key: identity.keyPem,
      ...asPrograms(request.limits ?? {}),
      // the checks are made here, to say precisely what is wrong; inspect() then asks for Node's verdict too
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    },
    identity.leaf,
  );
  // A name is looked up first, and has more than one address at times.
  socket.on('connectionAttempt', () => {
    course.askedMs = performance.now();
    stayAwake(course);
  });
  socket.once('connect', () => {
    course.phase = 'handshake';
    course.connectMs = performance.now() - course.askedMs;
    request.onConnected?.();
  });
  // an error may also come between two waits, or after everything is over
  socket.on('error', () => undefined);
  return socket;
}

/**
 * A peer that answers the request to connect within these ms is near: in the same building, town or country. One in the same rack took 0.5 ms, node's
 * own time most of it, beside this project's tests up to 2.3, and with two busy loops besides up to 16 (above 10 in one case of ten; Node 20.20, Linux 6.18).
 */
export const nearMs = 10;

/** Keeps the processor until a near peer would have answered: one that sleeps is woken late where others want it. */
function stayAwake(course: Readonly<Course>): void {
  if (course.phase !== 'connecting' || performance.now() - course.askedMs >= nearMs) return;
  setImmediate(() => stayAwake(course));
}

/** OpenSSL looks at this side's files before it connects to anybody. */
function begin(options: ConnectionOptions, leaf: CertificateFacts): TLSSocket {
  try {
    return connect(options);
  } catch (error) {
    throw explainOwn(error, whose(leaf, { who: "this node's certificate" }));
  }
}

function handshake(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  return settle(socket, signal, (done) => socket.once('secureConnect', done));
}

/** Resolves when `arm` calls back; rejects on the socket's error or end and on abort. */
function settle<T>(
  socket: TLSSocket,
  signal: AbortSignal,
  arm: (done: (value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) {
      abort();
      return;
    }
    if (socket.errored !== null) {
      reject(socket.errored);
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', reject);
    socket.once('end', () => reject(new PeerClosed()));
    socket.once('close', () => reject(new PeerClosed()));
    arm(resolve);
  });
}

function inspect(socket: TLSSocket, request: ProbeRequest): Omit<PeerFacts, 'greeting' | 'connectMs'> {
  const who = `the certificate of ${peerName(request)}`;
  const [leaf, ...issuers] = peerChain(socket);
  if (leaf === undefined) {
    throw new TransferError('PEER_PROTOCOL', `${peerName(request)} showed no certificate`);
  }
  checkPeer(leaf, issuers, request, { who, chainName: 'what the peer sent', known: request.identity.chain });
  if (request.mode !== 'REQUIRED' && !socket.authorized) {
    throw explainObjection({ code: String(socket.authorizationError) }, whose(leaf, { who }));
  }
  return {
    facts: leaf,
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().name,
    matched: matchName(leaf, request.address),
  };
}

function checkPeer(
  leaf: CertificateFacts,
  issuers: readonly CertificateFacts[],
  { mode, now, trust, revocation, address }: ProbeRequest,
  blame: Blame,
): void {
  if (mode === 'REQUIRED') return;
  const findings = [
    ...checkDates(leaf, now, blame),
    ...checkChain(leaf, issuers, trust, now, blame),
    ...checkRevocation(leaf, issuers, trust, revocation, now, blame),
    ...checkUsage(leaf, 'server', blame),
    ...(mode === 'VERIFY_IDENTITY'
      ? checkNames(leaf, [{ address, what: "the joiner's address" }], blame)
      : []),
  ];
  const worst = findings.find((finding) => finding.severity === 'error');
  if (worst !== undefined) throw errorOf(worst);
}

/**
 * Node hands the chain over as certificates linked to their issuers; a root is its own issuer.
 * @throws TransferError PEER_PROTOCOL.
 */
export function peerChain(socket: TLSSocket): readonly CertificateFacts[] {
  const chain: CertificateFacts[] = [];
  const seen = new Set<DetailedPeerCertificate>();
  // empty object when the peer has none
  let next = socket.getPeerCertificate(true) as Partial<DetailedPeerCertificate> | undefined;
  while (next?.raw !== undefined && !seen.has(next as DetailedPeerCertificate)) {
    seen.add(next as DetailedPeerCertificate);
    chain.push(readPresented(next.raw));
    next = next.issuerCertificate;
  }
  return chain;
}

function readPresented(der: Uint8Array): CertificateFacts {
  try {
    return readFacts(der);
  } catch (cause) {
    const message = `the peer showed a certificate that cannot be decoded (${String(cause)})`;
    throw new TransferError('PEER_PROTOCOL', message, {
      cause,
      hint: "issue the peer's certificate again: galera-sst-tunnel certs issue NODE --force",
    });
  }
}

/** rsync's daemon speaks first, so nothing needs to be sent. */
function readLine(socket: TLSSocket, signal: AbortSignal): Promise<string> {
  return settle(socket, signal, (done) => {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end !== -1 || text.length > 1024) done(text.slice(0, end === -1 ? 1024 : end).trimEnd());
    });
  });
}

function requireRsync(greeting: string, request: ProbeRequest): void {
  if (greeting.startsWith('@RSYNCD: ')) return;
  const said = JSON.stringify(greeting.slice(0, 60));
  throw new TransferError(
    'PEER_PROTOCOL',
    `${peerName(request)} greeted with ${said}, expected rsync's "@RSYNCD: …"`,
  );
}

function close(socket: TLSSocket): void {
  // destroySoon would wait for a connection that is still being made, for minutes when a firewall drops it.
  if (socket.connecting) {
    socket.destroy();
    return;
  }
  // close_notify; no waiting for the peer's
  if (socket.writable) socket.end();
  socket.destroySoon();
  setTimeout(() => socket.destroy(), 1000).unref();
}
