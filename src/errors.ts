/**
 * Every reason for which a transfer can fail or be warned about: one code per reason, with the exit
 * status that the server is given (errno values, as the server's own scripts use them) and the hint
 * that an administrator can act on.
 */

interface ErrorKind {
  /** The script's exit status: an errno value (Linux), 255 where none fits. */
  readonly exit: number;
  /** What to do, when the place that raises the error knows nothing better. */
  readonly hint: string;
}

const kinds = {
  // options and arguments
  ARGUMENT_INVALID: {
    exit: 22,
    hint: 'see galera-sst-tunnel --help, and galera-sst-tunnel COMMAND --help for what a command expects',
  },
  OPTION_MISSING: {
    exit: 22,
    hint: 'set the option in the [sst] section of an option file that the server reads; my_print_defaults sst shows what is set now',
  },
  OPTION_INVALID: {
    exit: 22,
    hint: 'correct the value in the option file; galera-sst-tunnel check tries it without a transfer',
  },
  OPTION_UNKNOWN: { exit: 22, hint: 'remove the line; man 5 galera-sst-tunnel lists the options of [sst]' },
  OPTION_CONFLICT: {
    exit: 22,
    hint: 'keep the one of the two that is meant; galera-sst-tunnel plan shows which one counts',
  },
  OPTION_FILE_UNREADABLE: {
    exit: 22,
    hint: 'make the option file readable for the user that the server runs as: chgrp mysql and chmod 0640 it',
  },
  OPTION_FILE_INVALID: {
    exit: 22,
    hint: 'correct the line; my_print_defaults shows how the server reads the file',
  },
  CLEAR_TEXT_REFUSED: {
    exit: 22,
    hint: 'remove ssl-mode or set it to VERIFY_IDENTITY (my_print_defaults sst mysqld shows what is set now); for transfers in clear text use wsrep_sst_method=rsync',
  },
  ADDRESS_INVALID: {
    exit: 22,
    hint: 'check wsrep_sst_receive_address, wsrep_node_address and bind_address: my_print_defaults --mysqld shows them',
  },
  ADDRESS_NOT_LOCAL: {
    exit: 22,
    hint: 'that is right behind address translation; otherwise correct wsrep_sst_receive_address or wsrep_node_address (getent hosts NAME, hostname -I)',
  },
  PATH_UNSAFE: {
    exit: 22,
    hint: 'rename the file or directory: ls -lb DIRECTORY shows the characters that cannot be seen',
  },
  SOCKOPT_REJECTED: {
    exit: 22,
    hint: 'correct sockopt; it takes socat OPENSSL options, see the socat manual, or socat -hh',
  },
  // certificates and keys
  CERTIFICATE_UNREADABLE: {
    exit: 22,
    hint: "make the file readable for the user that the server runs as: chown mysql FILE (a node's own; the key of the CA stays closed to him)",
  },
  CERTIFICATE_MISSING: {
    exit: 22,
    hint: 'correct the path or create the file: galera-sst-tunnel certs issue NODE',
  },
  CERTIFICATE_NOT_PEM: {
    exit: 22,
    hint: 'the file must hold PEM blocks (-----BEGIN CERTIFICATE-----); openssl x509 -inform DER -in FILE -out NEWFILE converts a certificate in DER',
  },
  KEY_MISSING: {
    exit: 22,
    hint: 'set tkey, or put the private key into the file that tcert names: galera-sst-tunnel certs bundle NEWFILE CERTIFICATE KEY',
  },
  KEY_MISMATCH: {
    exit: 22,
    hint: 'use the private key that the certificate was issued for, or make both anew: galera-sst-tunnel certs issue NODE --force',
  },
  KEY_ENCRYPTED: {
    exit: 22,
    hint: 'store the key without a passphrase (openssl pkey -in KEY -out NEWKEY), mode 0600',
  },
  KEY_EXPOSED: { exit: 22, hint: 'chmod 0600 the key file' },
  CERTIFICATE_EXPIRED: { exit: 22, hint: 'issue a new certificate: galera-sst-tunnel certs renew NODE' },
  CERTIFICATE_EXPIRES_SOON: {
    exit: 22,
    hint: 'issue a new certificate in time: galera-sst-tunnel certs renew NODE',
  },
  CERTIFICATE_NOT_YET_VALID: {
    exit: 22,
    hint: 'check the clocks of this host and of the one that issued the certificate: timedatectl',
  },
  CERTIFICATE_UNTRUSTED: {
    exit: 22,
    hint: 'tca must hold the CA certificate that signed it; galera-sst-tunnel certs show FILE tells who has',
  },
  CERTIFICATE_INTERMEDIATE_MISSING: {
    exit: 22,
    hint: "append the intermediate CA's certificate to the file that tcert names (galera-sst-tunnel certs bundle), or add it to tca",
  },
  CERTIFICATE_NAME_MISMATCH: {
    exit: 22,
    hint: 'issue the certificate with this address as commonName or as subjectAltName (DNS or IP): galera-sst-tunnel certs issue ADDRESS',
  },
  CERTIFICATE_USAGE: {
    exit: 22,
    hint: 'a node is server as joiner and client as donor: issue it with extendedKeyUsage serverAuth and clientAuth, as galera-sst-tunnel certs issue does',
  },
  CERTIFICATE_REVOKED: {
    exit: 22,
    hint: 'issue a new certificate, with a new key if the old one was lost: galera-sst-tunnel certs issue NODE --force',
  },
  CRL_UNUSABLE: {
    exit: 22,
    hint: 'every CA in the chain needs a list that is valid now: publish a new one (galera-sst-tunnel certs crl)',
  },
  FILE_EXISTS: {
    exit: 17,
    hint: 'see what is there (ls -l FILE, galera-sst-tunnel certs show FILE); name another one, or replace it with --force',
  },
  VERIFICATION_OFF: {
    exit: 22,
    hint: 'remove verify=0 and ssl-mode=REQUIRED once every node has a certificate signed by tca: galera-sst-tunnel certs issue NODE',
  },
  // tools, port, directories
  TOOL_MISSING: {
    exit: 2,
    hint: 'install the package (apt-get install PACKAGE); galera-sst-tunnel check looks for all that is needed',
  },
  TOOL_TOO_OLD: {
    exit: 2,
    hint: 'upgrade the package (apt-get install PACKAGE); galera-sst-tunnel check tells which version is found',
  },
  KTLS_UNAVAILABLE: {
    exit: 2,
    hint: 'load the module where the kernel has it (modprobe tls), or remove ktls from [sst]; galera-sst-tunnel check tells whether it can be had',
  },
  PORT_BUSY: {
    exit: 16,
    hint: 'end that process (ss -tlnp shows it), or name another port in wsrep_sst_receive_address',
  },
  PORT_FORBIDDEN: {
    exit: 13,
    hint: 'name a port from 1024 up in wsrep_sst_receive_address (the default is 4444), or give the server AmbientCapabilities=CAP_NET_BIND_SERVICE (systemctl edit mariadb)',
  },
  DIRECTORY_MISSING: {
    exit: 2,
    hint: 'create the directory, owned by the user that the server runs as: install -d -o mysql -g mysql DIRECTORY',
  },
  DIRECTORY_NOT_WRITABLE: {
    exit: 13,
    hint: 'make the directory writable for the user that the server runs as: namei -l DIRECTORY shows whose it is',
  },
  DATA_DIRECTORY_TABLES: {
    exit: 22,
    hint: 'no rsync method can copy files outside the data directory: move the tables back (CREATE TABLE NEW LIKE OLD leaves DATA DIRECTORY out; INSERT INTO NEW SELECT * FROM OLD), or use mariabackup',
  },
  FILE_UNREADABLE: {
    exit: 13,
    hint: 'make the file readable for the user that the server runs as: namei -l FILE shows where it ends',
  },
  DISK_FULL: { exit: 28, hint: 'make room on the file system (df -h)' },
  LEFTOVERS: {
    exit: 255,
    hint: 'the next transfer cleans up; if none is due and galera-sst-tunnel status shows none, remove what is named: rm -r',
  },
  ALREADY_RUNNING: {
    exit: 114,
    hint: 'wait for the running transfer to end: galera-sst-tunnel status shows it',
  },
  // peers and course of a transfer
  PEER_UNREACHABLE: {
    exit: 32,
    hint: "check network and firewall (galera-sst-tunnel check --peer HOST, while it listens); the joiner's log says why it stopped listening",
  },
  PEER_REJECTED_US: {
    exit: 32,
    hint: "the joiner did not accept this node's certificate: its tca must hold our CA; compare galera-sst-tunnel certs show of both",
  },
  PEER_PROTOCOL: {
    exit: 71,
    hint: 'use the same version of galera-sst-tunnel and rsync on all nodes: galera-sst-tunnel --version, rsync --version',
  },
  PEER_FAILED: {
    exit: 32,
    hint: "look into the peer's log: journalctl -u mariadb, or galera-sst-tunnel history, over there",
  },
  SECRET_REFUSED: {
    exit: 71,
    hint: 'the joiner was restarted since it asked for this transfer; it will ask again (galera-sst-tunnel history, over there)',
  },
  SECRET_MISSING: {
    exit: 71,
    hint: 'if that is a node that still runs the original script (galera-sst-tunnel --version, over there, is not found): set allow-donor-without-secret=1 in [sst] of the joiner while there are such donors; if not, find out who else holds a certificate of your CA',
  },
  COPY_INCOMPLETE: {
    exit: 71,
    hint: 'the next attempt copies again; if it repeats (galera-sst-tunnel history), check the disks of both nodes: dmesg',
  },
  FLUSH_FAILED: {
    exit: 255,
    hint: "the donor's server could not flush its tables: its error log says why, SHOW PROCESSLIST what holds them",
  },
  AGENT_ABSENT: {
    exit: 111,
    hint: 'start the service galera-sst-tunnel (systemctl start galera-sst-tunnel), or name its socket with --socket; only group mysql and root may use it',
  },
  AGENT_UNTRUSTED: {
    exit: 22,
    hint: 'run the agent as the user that the server runs as, with its socket in a directory that only this user may write: namei -l /run/galera-sst-tunnel/agent.sock shows who may',
  },
  AGENT_REFUSED: { exit: 22, hint: 'galera-sst-tunnel status shows the transfers that run' },
  AGENT_GONE: {
    exit: 32,
    hint: "the agent's own log says why (journalctl -u galera-sst-tunnel); the next attempt does without it if it stays away",
  },
  PARENT_GONE: { exit: 32, hint: "the server's own error log says why it ended: journalctl -u mariadb" },
  INTERRUPTED: {
    exit: 3,
    hint: 'somebody or the system ended this script: see what happened then with journalctl -u mariadb -u galera-sst-tunnel',
  },
  TIMED_OUT: {
    exit: 110,
    hint: "look into the peer's log (galera-sst-tunnel history, over there); the limit is an option of [sst]",
  },
  CHILD_FAILED: { exit: 255, hint: 'run the logged command by hand; galera-sst-tunnel show ID has it, too' },
  INTERNAL: {
    exit: 255,
    hint: 'this is a bug: please report it to the maintainers, with the log (galera-sst-tunnel show ID) and galera-sst-tunnel --version',
  },
} as const satisfies Record<string, ErrorKind>;

/** The reason of a failure or a finding. */
export type ErrorCode = keyof typeof kinds;

/** Every code with its exit status and its default hint (documentation and tests walk over it). */
export const errorTable: Readonly<Record<ErrorCode, ErrorKind>> = kinds;

/** What else is known of a failure. */
export interface ErrorDetail {
  /** The option that is to blame, as written, and its place: `tcert (/etc/mysql/my.cnf:12)`. */
  readonly option?: string | undefined;
  readonly where?: string | undefined;
  /** Replaces the code's default hint. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** The one error class: a code, a message that says what was expected and what came, and a hint. */
export class TransferError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly option: string | undefined;
  readonly where: string | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'TransferError';
    this.code = code;
    this.hint = detail.hint ?? errorTable[code].hint;
    this.option = detail.option;
    this.where = detail.where;
  }

  get exitStatus(): number {
    return errorTable[this.code].exit;
  }
}

/**
 * Whatever was thrown, as the one kind of error that is reported: a file that the system refused is the administrator's
 * matter, whatever else is none of ours is a defect.
 */
export function asTransferError(thrown: unknown): TransferError {
  if (thrown instanceof TransferError) return thrown;
  const refused = fileFailure(thrown);
  if (refused !== undefined) return refused;
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  const words = text.split('\n').slice(0, 4).join(' ');
  return new TransferError('INTERNAL', `unexpected: ${words}`, { cause: thrown });
}

/** Whatever was thrown, as what a check has found. */
export function findingOf(thrown: unknown): Finding {
  const { code, message, option, where, hint } = asTransferError(thrown);
  return { severity: 'error', code, message, option, where, hint };
}

/** The code of a failed system call, as Node gives it: `ENOENT`; undefined for anything else. */
export function errnoOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined;
}

/** What is known of a file operation beside what the system said of it. */
export interface FileDetail extends Pick<ErrorDetail, 'option' | 'where' | 'hint'> {
  /** Node leaves it out of what a write to an open file throws. */
  readonly path?: string | undefined;
  /** Told by the system call otherwise; `open` alone counts as writing. */
  readonly use?: 'read' | 'write' | undefined;
  /** What every other answer of the system means there: that a link leads nowhere, for one. */
  readonly otherwise?: ErrorCode | undefined;
}

/** System calls on files, as Node names them: a socket or a program that is refused is another matter. */
const fileCalls = {
  read: /^(scandir|opendir|l?stat|fstat|statfs|access|readlink|realpath|read)$/,
  write:
    /^(open|write|mkdir|mkdtemp|rm|rmdir|unlink|rename|link|symlink|copyfile|f?chmod|l?chown|fchown|[fl]?utimes?|f?truncate|f(data)?sync|close)$/,
};

const refusals: Readonly<Partial<Record<string, 'denied' | 'full'>>> = {
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ENOSPC: 'full',
  EDQUOT: 'full',
};

/** Something of another kind has the name, or stands on the way there. */
const obstacles: Readonly<Partial<Record<string, string>>> = {
  EISDIR: 'a directory is in the way',
  ENOTDIR: 'what should be a directory is none',
  EEXIST: 'something else of that name is in the way',
  ENOTEMPTY: 'a directory that is not empty is in the way',
};

const obstacleHint =
  'see what lies there (ls -ld FILE) and move it away or name another place; a database of that name needs another name';

/** What is true of one cause only. */
const fileHints: Readonly<Partial<Record<string, string>>> = {
  EROFS:
    "the file system is mounted read-only, or has become so after an error: the kernel's log (dmesg) says why",
  EPERM:
    'check owner and mode of the file and its directory (namei -l FILE), and whether one is immutable (lsattr): the user that the server runs as must be able to write there',
  EDQUOT: "raise the quota of the server's user (quota -u mysql), or make room",
};

/**
 * What it means that the system refused an operation on a file: FILE_UNREADABLE, DIRECTORY_NOT_WRITABLE, DISK_FULL, or FILE_EXISTS
 * when something of another kind is in the way; undefined for every other error.
 */
export function fileFailure(thrown: unknown, detail: FileDetail = {}): TransferError | undefined {
  // Node's own rm speaks of ERR_FS_EISDIR (Node 20).
  const errno = errnoOf(thrown)?.replace(/^ERR_FS_/, '');
  if (errno === undefined || !(thrown instanceof Error)) return undefined;
  const { syscall = '', path, dest } = thrown as NodeJS.ErrnoException & { readonly dest?: string };
  const isRead = fileCalls.read.test(syscall);
  if (!isRead && !fileCalls.write.test(syscall)) return undefined;
  const use = detail.use ?? (isRead ? 'read' : 'write');
  const code = codeOf(errno, use) ?? detail.otherwise ?? obstacleCode(errno, use);
  if (code === undefined) return undefined;
  const said = obstacles[errno] ?? /^E[A-Z0-9]+: ([^,]+)/.exec(thrown.message)?.[1] ?? 'refused';
  const name = detail.path ?? dest ?? path ?? 'a file';
  return new TransferError(code, `cannot ${use} ${name}: ${said} (${errno}, ${syscall})`, {
    ...detail,
    hint: detail.hint ?? hintOf(errno, code),
    cause: thrown,
  });
}

function hintOf(errno: string, code: ErrorCode): string | undefined {
  if (code === 'DIRECTORY_NOT_WRITABLE') return fileHints[errno] ?? ownershipHint;
  return fileHints[errno] ?? (obstacles[errno] === undefined ? undefined : obstacleHint);
}

function obstacleCode(errno: string, use: 'read' | 'write'): ErrorCode | undefined {
  if (obstacles[errno] === undefined) return undefined;
  return use === 'read' ? 'FILE_UNREADABLE' : 'FILE_EXISTS';
}

function codeOf(errno: string, use: 'read' | 'write'): ErrorCode | undefined {
  switch (refusals[errno]) {
    case 'full':
      return 'DISK_FULL';
    case 'denied':
      return use === 'read' ? 'FILE_UNREADABLE' : 'DIRECTORY_NOT_WRITABLE';
    case undefined:
      return undefined;
  }
}

const ownershipHint =
  'check owner and mode of the file and its directory (namei -l FILE): the user that the server runs as must be able to write there';

/** Does what writes to `path`. @throws TransferError of `fileFailure`, or what the work threw. */
export function writing<T>(path: string, work: () => T, detail: FileDetail = {}): T {
  try {
    return work();
  } catch (thrown) {
    throw fileFailure(thrown, { path, use: 'write', ...detail }) ?? thrown;
  }
}

/** Something a check found: an error stops the transfer, a warning is logged and the transfer goes on. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  readonly message: string;
  readonly option?: string | undefined;
  readonly where?: string | undefined;
  readonly hint?: string | undefined;
}

/** Turns the first error among the findings into the exception that carries it. */
export function errorOf(finding: Finding): TransferError {
  return new TransferError(finding.code, finding.message, finding);
}

/** `message [option at file:line] HINT: …`, in one line, for logs and terminals. */
export function describeFailure(failure: Finding | TransferError): string {
  const place = [failure.option, failure.where].filter((part) => part !== undefined).join(' at ');
  const hint = failure.hint ?? errorTable[failure.code].hint;
  return `${failure.message}${place === '' ? '' : ` (${place})`} HINT: ${hint}`;
}
