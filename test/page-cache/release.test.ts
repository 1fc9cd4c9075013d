import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import type { ManifestFile } from '../../src/datadir/manifest.js';
import { filesToRelease, releaseReceived } from '../../src/page-cache/release.js';
import { layoutOf } from '../datadir/settings.js';
import { recordEvents } from '../processes/events.js';

const mebibyte = 1024 * 1024;
const takenMs = 1_800_000_000_000;
const table = (path: string, more: Partial<ManifestFile> = {}): ManifestFile => ({
  place: 'data',
  path,
  size: 100 * mebibyte,
  mtimeMs: takenMs - 60_000,
  ...more,
});
const namesOf = (files: readonly ManifestFile[], complete: readonly ManifestFile[] = []): string[] =>
  Array.from(filesToRelease({ files, takenMs }, { complete }) ?? [], ({ path }) => path);

t.test('those leave the page cache that come whole and are quiet', async (t) => {
  const quiet = [table('a/1.ibd'), table('a/2.ibd', { mtimeMs: takenMs - 11_000 })];
  const others = [
    table('a/busy.ibd', { mtimeMs: takenMs - 9000 }),
    table('a/unknown.ibd', { mtimeMs: undefined }),
    table('a/small.ibd', { size: 131_071 }),
    table('a/t.MYD'),
    table('ibdata1', { place: 'innodb-home' }),
  ];
  const held = table('a/held.ibd');
  t.same(namesOf([...others, ...quiet, held], [held]), ['a/1.ibd', 'a/2.ibd']);
  t.same(namesOf([table('a/1.ibd'), table('a/2.ibd', { size: 27 * mebibyte })]), [], 'too little');
  const large = table('a/large.ibd', { size: 20e9, mtimeMs: takenMs - 40_000 });
  t.same(
    namesOf([large, table('a/1.ibd', { mtimeMs: takenMs - 39_000 }), table('a/2.ibd', { size: 2e8 })]),
    ['a/2.ibd'],
    'what takes longer to copy has to be quiet for longer',
  );
});

/** Bytes of the files in the page cache. */
function cachedBytes(directory: string): number {
  const files = readdirSync(directory).map((name) => join(directory, name));
  const out = execFileSync('fincore', ['--bytes', '--noheadings', '--output', 'RES', ...files], {
    encoding: 'utf8',
  });
  return out.split('\n').reduce((sum, line) => sum + Number(line), 0);
}

/** Has a real rsync receive the files of `source` into a folder, its daemon below a shell that stands for the listener; gives how much stays. */
async function receive(dir: string, target: string, folder: string, isReleased: boolean) {
  const supervision = recordEvents(`page-cache-${String(isReleased)}`);
  writeFileSync(
    join(dir, 'conf'),
    `use chroot = no\n[m]\npath = ${dir}/${folder}\nread only = no\nuid = ${process.getuid?.() ?? 0}\ngid = ${process.getgid?.() ?? 0}\n`,
  );
  const daemon = `rsync --server --daemon --config=${dir}/conf .`;
  const args = ['-r', '--inplace', '--whole-file', '--bwlimit=120m', `${dir}/source/`, 'x::m/'];
  const listener = spawn(
    'sh',
    ['-c', 'rsync "$@" & wait; sleep 1.5', 'sh', '--rsh', `sh -c '${daemon}'`, ...args],
    {
      stdio: 'inherit',
    },
  );
  const layout = layoutOf({ dataDir: join(dir, target) });
  const files = ['1', '2', '3', '4'].map((name) => table(`shop/${name}.ibd`, { size: 40 * mebibyte }));
  const ended = new Promise((resolve) => listener.once('exit', resolve));
  const stop = isReleased
    ? releaseReceived(layout, { files, takenMs }, { complete: [] }, listener.pid, supervision)
    : () => undefined;
  await ended;
  stop();
  return { share: cachedBytes(join(dir, target, 'shop')) / (160 * mebibyte), events: supervision.events };
}

t.test('what an rsync receives leaves the page cache, behind links too', async (t) => {
  const dir = t.testdir({ source: {}, plain: { shop: {} }, linked: {}, elsewhere: {} });
  for (const name of ['1', '2', '3', '4'])
    writeFileSync(join(dir, 'source', `${name}.ibd`), Buffer.alloc(40 * mebibyte, name));
  t.equal((await receive(dir, 'plain', 'plain/shop', false)).share, 1, 'all of it stays by itself');
  symlinkSync('../elsewhere', join(dir, 'linked', 'shop'));
  const { share, events } = await receive(dir, 'linked', 'elsewhere', true);
  t.ok(share < 0.1, `${(100 * share).toFixed(0)} % stay`);
  const command = events.find((event) => event.kind === 'command');
  t.match(command?.kind === 'command' && command.shell, /node --no-warnings \S+drop-received\.js \d+$/);
  t.same(
    events.filter(({ kind }) => kind === 'child output'),
    [],
    'it says nothing',
  );
});

t.test('where it cannot work the transfer does not notice', async (t) => {
  const files = [table('a/1.ibd'), table('a/2.ibd')];
  const layout = layoutOf({ dataDir: t.testdir({}) });
  releaseReceived(layout, { files, takenMs }, { complete: [] }, undefined, recordEvents('none'))();
  const supervision = recordEvents('gone');
  const stop = releaseReceived(layout, { files, takenMs }, { complete: [] }, 0, supervision);
  for (let tries = 0; tries < 100 && !supervision.events.some(({ kind }) => kind === 'notice'); tries++)
    await pause(50);
  t.match(supervision.events, [
    { kind: 'command' },
    { kind: 'child output', line: 'the page cache is left alone: expected the pid of a listener' },
    { kind: 'child ended', outcome: { kind: 'exited', code: 1 } },
    { kind: 'notice', text: /^what is received stays in the page cache: \S*node exited with status 1$/ },
  ]);
  stop();
});
