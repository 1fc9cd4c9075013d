import { errnoOf, TransferError, type ErrorCode, type Finding } from '../errors.js';
import { whose, type Blame } from './checks.js';
import type { CertificateFacts } from './facts.js';

/** What OpenSSL has against a certificate, as Node tells it. */
export interface Objection {
  /** `PATH_LENGTH_EXCEEDED`, `ERR_SSL_EE_KEY_TOO_SMALL`; `UNSPECIFIED` for what Node has no name for. */
  readonly code: string;
  /** OpenSSL's own words, where Node hands them on: `permitted subtree violation`. */
  readonly text?: string | undefined;
}

export function objectionOf(error: unknown): Objection {
  return {
    code: errnoOf(error) ?? 'UNSPECIFIED',
    text: error instanceof Error ? reasonIn(error.message) : undefined,
  };
}

/** Of `THREAD:error:CODE:library:function:REASON:file:line:` and `error:CODE:library:function:REASON`, as Node has them, the reason. */
function reasonIn(message: string): string {
  const reason = /(?:^|:)error:[0-9a-f]+:[^:]*:[^:]*:([^:]+)/i.exec(message)?.[1];
  return (reason ?? message).trim();
}

/** What is wrong with a certificate, for whoever has to put it right. */
export function objectionFinding(objection: Objection, leaf: CertificateFacts, blame: Blame): Finding {
  const { code, message, hint } = explainObjection(objection, whose(leaf, blame));
  return { severity: 'error', code, message, hint, option: blame.option, where: blame.where };
}

/** @param who whose certificate it is: `the joiner's certificate "CN=node1"` */
export function explainObjection(objection: Objection, who: string): TransferError {
  const { code, words, hint } = meaningOf(objection);
  const name = objection.code === 'UNSPECIFIED' ? objection.text : objection.code;
  const reason = name === undefined || name === words ? words : `${name} (${words})`;
  return new TransferError(code, `${who} does not verify: ${reason}`, { hint });
}

interface Meaning {
  readonly code: ErrorCode;
  readonly words: string;
  /** Default: the code's own. */
  readonly hint?: string | undefined;
}

function meaningOf({ code, text }: Objection): Meaning {
  const known = meanings[code];
  if (known !== undefined) return known;
  const said = `${code} ${text ?? ''}`;
  if (/too[_ ](weak|small)/i.test(said)) {
    const isHash = /_MD_|digest/i.test(said);
    return {
      code: 'CERTIFICATE_UNTRUSTED',
      words: isHash
        ? 'it, or a CA above it, was signed with a hash that is too weak, as SHA-1 is'
        : 'its key, or that of a CA above it, is too weak, as RSA with less than 2048 bits is',
      hint: 'issue it again with an EC key, or an RSA key of 2048 bits at least, and signed with SHA-256; its CA as well, if that is what is weak (galera-sst-tunnel certs issue and certs init-ca make none that are)',
    };
  }
  return { code: 'CERTIFICATE_UNTRUSTED', words: text ?? unnamed, hint: askForMore };
}

/** Of a peer's certificate Node (20, 24) says no more than `UNSPECIFIED`. */
const unnamed =
  'it breaks a rule of a CA above it, as name constraints are, or a key or signature is too weak (RSA with less than 2048 bits, SHA-1)';

const askForMore =
  'issue it again without that; openssl verify -purpose sslserver -auth_level 2 -CAfile CAS CERTIFICATE says it, too';

const meanings: Readonly<Partial<Record<string, Meaning>>> = {
  CERT_HAS_EXPIRED: { code: 'CERTIFICATE_EXPIRED', words: 'it, or a CA above it, has expired' },
  CERT_NOT_YET_VALID: {
    code: 'CERTIFICATE_NOT_YET_VALID',
    words: 'it, or a CA above it, is not valid yet',
  },
  INVALID_PURPOSE: {
    code: 'CERTIFICATE_USAGE',
    words: 'its keyUsage or extendedKeyUsage, or that of a CA above it, does not allow this use',
    hint: 'a node is server as joiner and client as donor: issue it with keyUsage digitalSignature (and for RSA keyEncipherment) and extendedKeyUsage serverAuth and clientAuth, as galera-sst-tunnel certs issue does',
  },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: {
    code: 'CERTIFICATE_INTERMEDIATE_MISSING',
    words: 'the certificate of a CA above it is not at hand',
  },
  PATH_LENGTH_EXCEEDED: {
    code: 'CERTIFICATE_UNTRUSTED',
    words: 'more CAs follow one of those above it than its pathlen (basicConstraints) allows',
    hint: 'issue that CA certificate again without pathlen, or the certificate by a CA that stands higher; openssl x509 -in FILE -noout -text shows it',
  },
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: {
    code: 'CERTIFICATE_UNTRUSTED',
    words: 'its key is of a kind or on a curve that TLS does not offer',
    hint: 'issue it again with an EC key on P-256 (prime256v1): galera-sst-tunnel certs issue NODE --key-type ec --force',
  },
  INVALID_CA: {
    code: 'CERTIFICATE_UNTRUSTED',
    words: 'a CA above it may not sign certificates',
    hint: 'issue the CA certificate with basicConstraints CA:TRUE and, if it has a keyUsage, keyCertSign, as galera-sst-tunnel certs init-ca does',
  },
};

/**
 * TLS could not even begin, since OpenSSL (Node's) takes this side's certificate, key or list of ciphers not.
 * @param who whose certificate it is: `this node's certificate`
 */
export function explainOwn(error: unknown, who: string): TransferError {
  const objection = objectionOf(error);
  if (objection.code !== 'ERR_SSL_NO_CIPHER_MATCH') return explainObjection(objection, who);
  return new TransferError('OPTION_INVALID', 'OpenSSL here knows nothing of what the list of ciphers names', {
    cause: error,
    option: 'ssl-cipher',
    hint: 'openssl ciphers lists the names',
  });
}
