import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';

const script = fileURLToPath(new URL('../../../scripts/trixie', import.meta.url));
const systems = ['base', 'servers', 'bootable'];

/** Systems without anything in them but what this machine's own packages are, and who made them. */
function put(folder: string, maker: string): void {
  for (const name of systems) {
    mkdirSync(join(folder, name, 'var/lib'), { recursive: true });
    symlinkSync('/var/lib/dpkg', join(folder, name, 'var/lib/dpkg'));
    writeFileSync(join(folder, name, 'maker'), maker);
  }
  writeFileSync(join(folder, 'made'), '');
}

const makersIn = (folder: string): string[] => [
  ...new Set(systems.map((name) => readFileSync(join(folder, name, 'maker'), 'utf8'))),
];

interface Kept {
  readonly folder: string;
  readonly run: () => { readonly status: number | null; readonly stdout: string; readonly stderr: string };
}

/** A folder whose systems have some age; what would make others says that it cannot. */
function kept(t: Test, days: number): Kept {
  const folder = mkdtempSync(join(tmpdir(), 'renewal-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  put(folder, 'old');
  const seconds = Date.now() / 1000 - days * 86_400;
  utimesSync(join(folder, 'made'), seconds, seconds);
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/debootstrap'), '#!/bin/sh\nexit 1\n');
  chmodSync(join(folder, 'bin/debootstrap'), 0o755);
  const env = { ...process.env, GST_TRIXIE: folder, PATH: `${folder}/bin:${process.env['PATH'] ?? ''}` };
  return { folder, run: () => spawnSync(script, [], { encoding: 'utf8', env }) };
}

t.test('a young one stays, and its versions are told', async (t) => {
  const { folder, run } = kept(t, 13);
  put(join(folder, 'next'), 'new');
  const { status, stdout, stderr } = run();
  t.equal(status, 0, stderr);
  t.equal(stdout, `${folder}\n`);
  t.match(stderr, /^trixie: rsync \d/m);
  t.strictSame(makersIn(folder), ['old']);
});

t.test('an old one is exchanged, and the new one is young', async (t) => {
  const { folder, run } = kept(t, 16);
  put(join(folder, 'next'), 'new');
  t.match(run(), { status: 0, stderr: /older than 14 days/ });
  t.strictSame(makersIn(folder), ['new']);
  for (const name of ['next', 'old']) t.notOk(existsSync(join(folder, name)), name);
  t.notMatch(run().stderr, 'older than');
});

t.test('one that tests use is not: the new one waits', async (t) => {
  const { folder, run } = kept(t, 16);
  put(join(folder, 'next'), 'new');
  const user = spawn('flock', ['--shared', join(folder, 'in-use'), 'sh', '-c', 'echo held; read line'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(user.stdout, 'data');
  t.match(run(), { status: 0, stderr: /somebody is using the old one/ });
  t.strictSame(makersIn(folder), ['old']);
  user.stdin.end();
  await once(user, 'exit');
  t.equal(run().status, 0);
  t.strictSame(makersIn(folder), ['new']);
});

t.test('where none can be made the old one is used', async (t) => {
  const { folder, run } = kept(t, 16);
  t.match(run(), { status: 0, stderr: /that has failed: the old one is used/ });
  t.strictSame(makersIn(folder), ['old']);
  t.notOk(existsSync(join(folder, 'next')));
});
