import { readFileSync } from 'node:fs';
import t from 'tap';
import {
  asTransferError,
  describeFailure,
  errorOf,
  errorTable,
  fileFailure,
  TransferError,
  writing,
  type ErrorCode,
  type Finding,
} from '../src/errors.js';

const codes = Object.keys(errorTable) as ErrorCode[];

/** What MariaDB's own scripts exit with, and 255 where no errno value fits. */
const exitStatuses = new Set([2, 3, 13, 16, 17, 22, 28, 32, 71, 110, 111, 114, 255]);

t.test('every code has an exit status of the contract and a hint in one line', async (t) => {
  for (const code of codes) {
    const { exit, hint } = errorTable[code];
    t.ok(exitStatuses.has(exit), `${code} exits with ${exit}`);
    t.match(hint, /^[^\n]{10,}[^.\n]$/, `${code} has a hint without a full stop`);
    t.equal(new TransferError(code, 'x').exitStatus, exit);
  }
});

/** Programs that a hint may send to; that those of this program exist is another test's matter. */
const command =
  /galera-sst-tunnel (?:--version|--help|[a-z]+)|\b(?:my_print_defaults \S|getent hosts|man 5|socat -hh|ss -tlnp|install -d|apt-get install|systemctl (?:start|edit) |journalctl -u|timedatectl|openssl \w+ -|chmod 0|chgrp mysql|chown mysql|namei -l|ls -lb|df -h|rm -r|SHOW PROCESSLIST|CREATE TABLE)/;

t.test('every hint names a command that shows more or mends it', async (t) => {
  for (const code of codes) t.match(errorTable[code].hint, command, code);
});

t.test('the README lists the exit statuses that there are', async (t) => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, table = ''] = readme.split('| status | meaning |\n');
  const listed = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| (\d+) \|/gm)].map(([, status]) =>
    Number(status),
  );
  const used = new Set<number>(codes.map((code) => errorTable[code].exit));
  t.strictSame(
    listed,
    [...used].sort((a, b) => a - b),
  );
});

t.test('an error keeps what is known of it', async (t) => {
  const cause = new Error('below');
  const error = new TransferError('PORT_BUSY', 'taken', { option: 'o', where: '/f:1', hint: 'do', cause });
  t.match(error, { name: 'TransferError', code: 'PORT_BUSY', message: 'taken', option: 'o', where: '/f:1' });
  t.equal(error.hint, 'do');
  t.equal(error.cause, cause);
  t.ok(error instanceof Error);
  const bare = new TransferError('PORT_BUSY', 'taken');
  t.equal(bare.hint, errorTable.PORT_BUSY.hint);
  t.notOk('cause' in bare, 'no cause is not a cause that is undefined');
});

/** What Node throws for a system call. */
function refused(errno: string, syscall: string, more: object = {}): Error {
  const words: Record<string, string> = { EACCES: 'permission denied', ENOSPC: 'no space left on device' };
  return Object.assign(new Error(`${errno}: ${words[errno] ?? 'so it says'}, ${syscall} '/x'`), {
    ...{ code: errno, syscall, ...more },
  });
}

const fileErrors: readonly [thrown: Error, code: ErrorCode, message: RegExp, hint?: RegExp][] = [
  [
    refused('EACCES', 'unlink', { path: '/d/a.ibd' }),
    'DIRECTORY_NOT_WRITABLE',
    /^cannot write \/d\/a\.ibd: permission denied \(EACCES, unlink\)$/,
    /check owner and mode/,
  ],
  [refused('EACCES', 'open', { path: '/d/x' }), 'DIRECTORY_NOT_WRITABLE', /\/d\/x/],
  [refused('EROFS', 'mkdir', { path: '/d/x' }), 'DIRECTORY_NOT_WRITABLE', /\/d\/x/, /read-only/],
  [refused('EPERM', 'rename', { path: '/a', dest: '/b' }), 'DIRECTORY_NOT_WRITABLE', /\/b/, /lsattr/],
  [refused('EACCES', 'scandir', { path: '/d/s' }), 'FILE_UNREADABLE', /^cannot read \/d\/s: /],
  [refused('EACCES', 'stat', { path: '/d/s' }), 'FILE_UNREADABLE', /\/d\/s/],
  [refused('ENOSPC', 'write'), 'DISK_FULL', /^cannot write a file: no space left on device/],
  [refused('EDQUOT', 'open', { path: '/d/x' }), 'DISK_FULL', /\/d\/x/, /quota/],
  [refused('EISDIR', 'open', { path: '/d/x' }), 'FILE_EXISTS', /^cannot write \/d\/x: a directory/, /move/],
  [refused('ERR_FS_EISDIR', 'rm', { path: '/d/x' }), 'FILE_EXISTS', /a directory .*\(EISDIR, rm\)$/, /move/],
  [
    refused('EISDIR', 'read', { path: '/d/x' }),
    'FILE_UNREADABLE',
    /^cannot read \/d\/x: a directory/,
    /move/,
  ],
  [
    refused('ENOTDIR', 'mkdir', { path: '/d/x' }),
    'FILE_EXISTS',
    /what should be a directory is none/,
    /move/,
  ],
  [refused('EEXIST', 'mkdir', { path: '/d/x' }), 'FILE_EXISTS', /something else of that name/, /move/],
  [refused('ENOTEMPTY', 'rename', { path: '/a', dest: '/b' }), 'FILE_EXISTS', /\/b: .*not empty/, /move/],
  [refused('EEXIST', 'bind', { path: '/d/x' }), 'INTERNAL', /unexpected: /],
  [refused('EACCES', 'listen', { path: '/run/s' }), 'INTERNAL', /unexpected: /],
  [refused('EACCES', 'spawn rsync', { path: 'rsync' }), 'INTERNAL', /unexpected: /],
  [refused('ENOENT', 'open', { path: '/d/x' }), 'INTERNAL', /unexpected: /],
  [new Error('odd'), 'INTERNAL', /unexpected: /],
];

for (const [thrown, code, message, hint = /./] of fileErrors) {
  t.test(`${thrown.message} is ${code}`, async (t) => {
    const error = asTransferError(thrown);
    t.match(error, { code, message, hint });
    t.equal(error.cause, thrown);
  });
}

t.test('who writes a file says which, and to which option it belongs', async (t) => {
  const full = (): never => {
    throw refused('ENOSPC', 'write');
  };
  t.throws(() => writing('/d/answer', full), { code: 'DISK_FULL', message: /^cannot write \/d\/answer: / });
  t.match(fileFailure(refused('EACCES', 'open'), { path: '/f', use: 'read', option: 'o', where: 'w' }), {
    ...{ code: 'FILE_UNREADABLE', message: /^cannot read \/f: /, option: 'o', where: 'w' },
  });
  const odd = new Error('odd');
  t.throws(
    () =>
      writing('/f', () => {
        throw odd;
      }),
    odd,
    'what is no refusal stays as it is',
  );
  t.equal(
    writing('/f', () => 7),
    7,
  );
});

t.test('the error of a finding says what the finding says', async (t) => {
  const finding: Finding = {
    severity: 'error',
    code: 'KEY_EXPOSED',
    message: 'mode 0644',
    option: 'tkey',
    where: '/etc/my.cnf:3',
    hint: 'chmod',
  };
  const { code, message, option, where, hint } = errorOf(finding);
  t.strictSame({ severity: 'error', code, message, option, where, hint }, finding);
  t.equal(errorOf({ severity: 'error', code: 'DISK_FULL', message: 'm' }).hint, errorTable.DISK_FULL.hint);
});

t.test('a failure is described in one line, with its place and what to do', async (t) => {
  const describe = (detail: object): string =>
    describeFailure({
      severity: 'error',
      code: 'KEY_MISSING',
      message: 'no key',
      hint: 'get one',
      ...detail,
    });
  t.equal(describe({}), 'no key HINT: get one');
  t.equal(describe({ option: 'tkey' }), 'no key (tkey) HINT: get one');
  t.equal(describe({ where: '/my.cnf:3' }), 'no key (/my.cnf:3) HINT: get one');
  t.equal(describe({ option: 'tkey', where: '/my.cnf:3' }), 'no key (tkey at /my.cnf:3) HINT: get one');
  t.equal(describe({ hint: undefined }), `no key HINT: ${errorTable.KEY_MISSING.hint}`);
  t.equal(describeFailure(new TransferError('INTERNAL', 'odd')), `odd HINT: ${errorTable.INTERNAL.hint}`);
});
