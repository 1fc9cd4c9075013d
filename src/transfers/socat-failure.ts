import { asWritten } from '../config/cipher-list.js';
import { setsCongestion, type SocketOptions } from '../config/tls.js';
import { placeOf } from '../config/source.js';
import { TransferError, type ErrorCode } from '../errors.js';

/** What socat (1.7.4.4) complained about, without time and process id: its lines of level E. */
export function socatComplaints(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => /\bsocat\[\d+\] E (.*)/.exec(line)?.[1] ?? []);
}

/**
 * The error for a socat that does not accept what `sockopt` holds; undefined when its complaints are about something
 * else. The rest of its address is this program's own, so whatever it cannot parse is the administrator's.
 */
export function sockoptRejected(
  complaints: readonly string[],
  sockopt: SocketOptions | undefined,
): TransferError | undefined {
  if (sockopt?.source === undefined || sockopt.source.value === '') return undefined;
  const complaint = complaints.find(
    (text) =>
      (aboutOptions.test(text) && (!aboutCongestion.test(text) || setsCongestion(sockopt))) ||
      sockopt.options.some((option) => mentions(text, option)),
  );
  if (complaint === undefined) return undefined;
  const { value, source } = sockopt.source;
  const message = `socat does not accept sockopt=${JSON.stringify(value)}: ${inPlainWords(complaint)}`;
  return new TransferError('SOCKOPT_REJECTED', message, { option: source.name, where: placeOf(source) });
}

/** How socat begins when it cannot parse or apply an option. */
const aboutOptions = new RegExp(
  [
    'parseopts(_table)?\\(\\)',
    'applyopts\\(\\): option',
    'option "[^"]*": ',
    'syntax (error )?in ',
    'unknown protocol family',
    'unknown SSL/TLS version',
    'SSL_(CTX_)?set_',
    'openssl-\\w+="',
    'xioparsenetwork',
    'setsockopt\\(',
    'getpwnam\\(',
    'getgrnam\\(',
  ].join('|'),
  'i',
);

/** socat cannot set TCP's congestion control, which is this program's wish where `sockopt` has none. */
const aboutCongestion = /setsockopt\(\d+, 6, 13,/;

/** Whether the complaint quotes the option's value: `getaddrinfo("999.1.1.1", …` for `bind=999.1.1.1`. */
function mentions(complaint: string, option: string): boolean {
  const equals = option.indexOf('=');
  const value = equals === -1 ? '' : option.slice(equals + 1);
  return value.length > 2 && complaint.split(/[\s"(),{}]+|:\d+(?=\D|$)/).includes(value);
}

/** With a cipher list that it does not understand socat shows an error of before (`PEM routines::no start line`). */
function inPlainWords(complaint: string): string {
  const ciphers = /^SSL_(?:CTX_)?set_cipher_list\([^"]*"([^"]*)"\)/.exec(complaint)?.[1];
  return ciphers === undefined
    ? complaint
    : `OpenSSL knows no cipher in ${JSON.stringify(asWritten(ciphers))}`;
}

/** What kept a donor's socat from reaching the joiner or being accepted; undefined when its words tell nothing. */
export function connectionRefused(complaints: readonly string[]): Omit<Refusal, 'words'> | undefined {
  for (const complaint of complaints) {
    const found = meanings.find(({ words }) => words.test(complaint));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether there was no way to the joiner's host: a cable that is out, a router that starts anew. */
export function hasNoRoute(words: readonly string[]): boolean {
  return socatComplaints(words).some((text) =>
    /^connect\(.*(No route to host|is unreachable|is down)/.test(text),
  );
}

/** The handshake before has succeeded: whatever comes now has changed in between. */
const changed =
  "the joiner's certificate has changed since the handshake a moment ago: try again (galera-sst-tunnel certs show FILE, over there, shows it)";

interface Refusal {
  readonly words: RegExp;
  readonly code: ErrorCode;
  /** What happened, in plain words. */
  readonly says?: string;
  readonly hint?: string;
}

const meanings: readonly Refusal[] = [
  {
    words: /^certificate is valid but its commonName|CN .*(does not|doesn't) match/i,
    code: 'CERTIFICATE_NAME_MISMATCH',
    hint: changed,
  },
  { words: /^SSL_connect\(\).*certificate verify failed/, code: 'CERTIFICATE_UNTRUSTED', hint: changed },
  { words: /alert (unknown ca|bad certificate|certificate|access denied)/i, code: 'PEER_REJECTED_US' },
  // A reset alone is a joiner that went away: the handshake has shown that it accepts this node.
  {
    words: /^connect\(.*Connection refused/,
    code: 'PEER_UNREACHABLE',
    says: 'the joiner no longer listens: its script has ended or was killed',
  },
  {
    words: /^(connect|getaddrinfo)\(/,
    code: 'PEER_UNREACHABLE',
    says: "the joiner's host can no longer be reached",
  },
  {
    words: /^SSL_\w+\(\).*(reset|closed|EOF)/,
    code: 'PEER_UNREACHABLE',
    says: 'the joiner closed the connection',
  },
];
