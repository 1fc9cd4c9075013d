import { isIP } from 'node:net';
import { TransferError } from '../errors.js';
import type { ProbeRequest } from './probe.js';

/** How far a probe had come. */
export type Phase = 'connecting' | 'handshake' | 'greeting';

/** The peer ended the connection without saying why. */
export class PeerClosed extends Error {
  override name = 'PeerClosed';
}

interface Circumstances {
  readonly request: ProbeRequest;
  readonly phase: Phase;
  readonly timedOut: boolean;
}

/** Says what an error of the socket means, in the phase in which it came. */
export function explainFailure(cause: unknown, { request, phase, timedOut }: Circumstances): TransferError {
  const peer = peerName(request);
  if (request.signal?.aborted === true && !timedOut) {
    const reason: unknown = request.signal.reason;
    if (reason instanceof TransferError) return reason;
    return new TransferError('INTERRUPTED', `interrupted while talking to ${peer}`, { cause });
  }
  if (timedOut) return explainTimeout(peer, phase, request.timeoutMs, cause);
  const code = codeOf(cause);
  if (phase === 'connecting') {
    return new TransferError('PEER_UNREACHABLE', `cannot connect to ${peer}: ${connectFailure(code)}`, {
      cause,
      hint: unresolved.has(code) ? unresolvedHint : undefined,
    });
  }
  const verdict = explainRejection(code);
  if (verdict !== undefined) {
    const subject = JSON.stringify(request.identity.leaf.subject);
    const message = `${peer} rejected this node's certificate ${subject}: ${verdict}`;
    return new TransferError('PEER_REJECTED_US', message, { cause });
  }
  if (code.startsWith('ERR_SSL_')) {
    const what = tlsFailure(code);
    const hint =
      what.includes('wrong version') || what.includes('packet length')
        ? 'the peer does not speak TLS on this port: does it use wsrep_sst_method=rsync_tunnel too? galera-sst-tunnel check, over there, says so'
        : 'compare the cipher and version options in sockopt of both nodes: my_print_defaults sst';
    return new TransferError('PEER_PROTOCOL', `no TLS with ${peer}: ${what}`, { cause, hint });
  }
  return explainClose(peer, phase, code, cause);
}

function explainTimeout(peer: string, phase: Phase, timeoutMs: number, cause: unknown): TransferError {
  const within = `within ${timeoutMs / 1000} s`;
  switch (phase) {
    case 'connecting':
      return new TransferError('PEER_UNREACHABLE', `cannot connect to ${peer}: no answer ${within}`, {
        cause,
      });
    case 'handshake':
      return new TransferError('TIMED_OUT', `${peer} did not finish the TLS handshake ${within}`, { cause });
    case 'greeting':
      return new TransferError('TIMED_OUT', `${peer} accepted TLS, but rsync did not greet ${within}`, {
        cause,
      });
  }
}

function explainClose(peer: string, phase: Phase, code: string, cause: unknown): TransferError {
  const how = cause instanceof PeerClosed ? 'closed the connection' : `broke the connection (${code})`;
  if (phase === 'handshake') {
    return new TransferError('PEER_PROTOCOL', `${peer} ${how} during the TLS handshake`, {
      cause,
      hint: "look into the joiner's log (journalctl -u mariadb, over there): its socat says why",
    });
  }
  return new TransferError(
    'PEER_REJECTED_US',
    `${peer} ${how} after the TLS handshake, before rsync's greeting`,
    {
      cause,
      hint: "the joiner's log (journalctl -u mariadb, over there) says why: its socat did not accept this node's certificate, or its rsync did not start",
    },
  );
}

const unresolved: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN']);
const unresolvedHint =
  "make the joiner's name known on this host (DNS or /etc/hosts), or set wsrep_node_address or wsrep_sst_receive_address of the joiner to one that is: getent hosts NAME";

/** OpenSSL's reason, as Node spells it: `ERR_SSL_WRONG_VERSION_NUMBER`, in words. */
export function tlsFailure(code: string): string {
  return code
    .replace(/^ERR_SSL_/, '')
    .replaceAll('_', ' ')
    .toLowerCase();
}

/** What the code of a failed connection means. */
export function connectFailure(code: string): string {
  const meanings: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused (nothing listens there)',
    EHOSTUNREACH: 'no route to the host',
    ENETUNREACH: 'no route to the network',
    ETIMEDOUT: 'no answer',
    ECONNRESET: 'the connection was reset',
    ENOTFOUND: 'the name cannot be resolved',
    EAI_AGAIN: 'the name server does not answer',
  };
  return meanings[code] ?? code;
}

/** Alerts (RFC 8446 §6.2) with which a server turns down a client's certificate, as OpenSSL spells them. */
const clientAlerts: Readonly<Record<string, string>> = {
  bad_certificate: 'it found it damaged or could not verify its signature',
  unsupported_certificate: "the certificate's kind or its extendedKeyUsage does not allow clients",
  certificate_revoked: 'it is revoked',
  certificate_expired: 'it is expired, or not valid yet by the clock there',
  certificate_unknown: 'it could not accept it for a reason of its own',
  certificate_required: 'it received none',
  unknown_ca: 'it does not trust the CA that signed it',
  access_denied: 'it is valid, but not allowed',
  decrypt_error: 'the proof that this node has its key failed',
};

/** What a server means that turns this side's certificate down; undefined for every other error. */
export function explainRejection(code: string): string | undefined {
  const alert = alertOf(code);
  const meaning = alert === undefined ? undefined : clientAlerts[alert];
  return meaning === undefined ? undefined : `${meaning} (TLS alert ${(alert ?? '').replaceAll('_', ' ')})`;
}

/**
 * `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`, `ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE`, `ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED`;
 * `ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE` with the OpenSSL of Node 22 and 24 (3.5).
 */
function alertOf(code: string): string | undefined {
  return /^ERR_SSL_(?:TLSV1|TLSV13|SSLV3|SSL(?:\/TLS)?)_?\d*_ALERT_(.+)$/.exec(code)?.[1]?.toLowerCase();
}

function codeOf(cause: unknown): string {
  const errors = cause instanceof AggregateError ? (cause.errors as unknown[]) : [cause];
  const first = errors[0];
  if (first instanceof Error && 'code' in first) return String(first.code);
  return first instanceof Error ? first.message : String(first);
}

/** `the joiner node2.my.cluster:4444` */
export function peerName({ host, port }: Pick<ProbeRequest, 'host' | 'port'>): string {
  return `the joiner ${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
