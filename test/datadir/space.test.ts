import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { DirectorySettings } from '../../src/config/directories.js';
import { resolveLayout } from '../../src/datadir/layout.js';
import type { DirectoryUse } from '../../src/datadir/space.js';
import { checkDirectories } from '../../src/datadir/space.js';
import type { Finding } from '../../src/errors.js';
import { settingsOf } from './settings.js';

t.test('a directory that cannot be used is reported with its option', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'space-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  chmodSync(dir, 0o755);
  for (const name of ['data', 'readable', 'locked']) mkdirSync(join(dir, name));
  chmodSync(join(dir, 'data'), 0o777);
  chmodSync(join(dir, 'readable'), 0o755);
  chmodSync(join(dir, 'locked'), 0o700);
  writeFileSync(join(dir, 'file'), '');
  const cases: [undo: string, use: DirectoryUse, code: string | undefined][] = [
    ['.', 'write', undefined],
    ['../readable', 'read', undefined],
    ['../readable', 'write', 'DIRECTORY_NOT_WRITABLE'],
    ['../locked', 'read', 'FILE_UNREADABLE'],
    ['../locked/below', 'write', 'DIRECTORY_NOT_WRITABLE'],
    ['../file', 'read', 'DIRECTORY_MISSING'],
    ['missing/deeper', 'read', 'DIRECTORY_MISSING'],
    ['missing/deeper', 'write', undefined],
    ['../readable/missing', 'write', 'DIRECTORY_NOT_WRITABLE'],
  ];
  for (const [innodbUndoDirectory, use, code] of cases) {
    const settings = settingsOf({ dataDir: join(dir, 'data'), innodbUndoDirectory });
    t.strictSame(
      checkAsNobody(settings, use).map((finding) => [finding.code, finding.option, finding.where]),
      code === undefined ? [] : [[code, 'innodb_undo_directory', '/etc/mysql/my.cnf:7']],
      `${innodbUndoDirectory}, ${use}`,
    );
  }
  t.end();
});

t.test("the binary log index's directory is asked of a joiner", (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'space-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'file'), '');
  for (const path of [dir, join(dir, 'data')]) chmodSync(path, 0o777);
  for (const [logBinIndex, use, codes] of [
    ['/proc/nowhere/bin.index', 'write', ['DIRECTORY_NOT_WRITABLE']],
    ['/proc/nowhere/bin.index', 'read', []],
    ['../file/bin.index', 'write', ['DIRECTORY_MISSING']],
    ['../missing/bin.index', 'write', []],
    ['bin.index', 'write', []],
  ] as const) {
    const settings = settingsOf({ dataDir: join(dir, 'data'), logBin: 'bin', logBinIndex });
    t.strictSame(
      checkAsNobody(settings, use).map(({ code, option, where }) => [code, option, where]),
      codes.map((code) => [code, 'log_bin_index', '/etc/mysql/my.cnf:7']),
      `${logBinIndex}, ${use}`,
    );
  }
  t.end();
});

t.test('a missing data directory is reported once, and never created', (t) => {
  const settings = settingsOf({ dataDir: join(t.testdir({}), 'missing') });
  t.match(checkDirectories(resolveLayout(settings, 'node1'), settings, 'write'), [
    { severity: 'error', code: 'DIRECTORY_MISSING', option: 'datadir' },
  ]);
  t.end();
});

/** Root may do everything, and access(2) asks for the real user: a process of its own. */
function checkAsNobody(settings: DirectorySettings, use: DirectoryUse): Finding[] {
  const script = `
    const { resolveLayout } = await import(process.argv[1] + '/layout.js');
    const { checkDirectories } = await import(process.argv[1] + '/space.js');
    const [settings, use] = JSON.parse(process.argv[2]);
    console.log(JSON.stringify(checkDirectories(resolveLayout(settings, 'node1'), settings, use)));`;
  const room = new URL('../../src/datadir', import.meta.url).href;
  const other = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const args = ['--input-type=module', '-e', script, room, JSON.stringify([settings, use])];
  return JSON.parse(
    execFileSync(process.execPath, args, { ...other, encoding: 'utf8', env: {}, cwd: '/' }),
  ) as Finding[];
}
