import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { dataModule, messageModules } from '../../src/plan/modules.js';
import { listing } from './bare-node.js';
import { Material } from './material.js';
import { waitingPair, type Pair } from './pair.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(240_000);
t.jobs = 2;

/** A joiner beside a directory of its server's user that nobody may touch. */
async function joinerBesideOthers(t: Test): Promise<{ pair: Pair; outside: string; before: string[] }> {
  const pair = await waitingPair(t, material, {
    prepare: (joiner) => {
      joiner.directory('outside');
      joiner.file('outside/precious', 'not to be touched');
    },
  });
  const outside = join(pair.joiner.dir, 'outside');
  return { pair, outside, before: listing(outside) };
}

/** What rsync does with the transfer's secret and whatever a hostile donor likes to say. */
function send(pair: Pair, args: readonly string[], module: string = dataModule, path = ''): string {
  const tls = `cert=${material.good.cert},key=${material.good.key},cafile=${material.ca}`;
  const tunnel = `sh -c 'exec socat STDIO OPENSSL:127.0.0.1:${pair.joiner.port},${tls}'`;
  const url = `rsync://sst@joiner/${module}/${path}`;
  const { status, stderr } = spawnSync('rsync', [`--rsh=${tunnel}`, '--timeout=20', ...args, url], {
    env: { PATH: process.env['PATH'], RSYNC_PASSWORD: pair.ready.auth.slice('sst:'.length) },
    encoding: 'utf8',
  });
  return `status ${status ?? 'none'} ${stderr.trim()}`;
}

async function nothingOutside(
  t: Test,
  pair: Pair,
  outside: string,
  before: readonly string[],
): Promise<void> {
  pair.joining.process.kill('SIGTERM');
  await pair.joining.ended;
  t.same(listing(outside), before, 'nothing outside was written or removed');
  t.same(pair.joiner.privateFiles(), [], 'no private file is left');
}

const header = '{"format":1,"tool":"x","pass":"offer","binlogs":[],"innodbFiles":["ibdata*"]}';
const manifests: Readonly<Record<string, (outside: string) => readonly string[]>> = {
  'a way up': () => ['[0,"../outside/precious",1]', '{"files":1,"directories":0}'],
  'an absolute name': (outside) => [
    `[0,${JSON.stringify(`${outside}/precious`)},1]`,
    '{"files":1,"directories":0}',
  ],
  'a directory that leads up': () => ['"shop/../../outside/new"', '{"files":0,"directories":1}'],
  'a place that there is not': () => ['[9,"x",1]', '{"files":1,"directories":0}'],
  'no end': () => ['[0,"shop/orders.ibd",1]'],
  'a size beyond everything': () => ['[0,"shop/orders.ibd",9e15]', '{"files":1,"directories":0}'],
};

t.test('an offer is refused before anything is changed when it has', (t) => {
  t.jobs = 2;
  for (const [what, lines] of Object.entries(manifests)) {
    t.test(what, { buffered: true }, async (t) => {
      const { pair, outside, before } = await joinerBesideOthers(t);
      const own = pair.joiner.contents().filter((line) => !/sst_in_progress|galera-sst-tunnel/.test(line));
      const offer = join(t.testdir(), 'offer.ndjson');
      writeFileSync(offer, `${[header, ...lines(outside)].join('\n')}\n`);
      t.match(send(pair, [offer], messageModules.inbox), /^status 0/, 'it is delivered');
      t.not(await pair.joining.ended, 0, 'the joiner fails');
      t.match(pair.joining.errors()[0], /\[ERROR\] (PEER_PROTOCOL|DISK_FULL): /);
      await nothingOutside(t, pair, outside, before);
      t.same(pair.joiner.contents(), own, 'the data directory is as it was');
    });
  }
  t.end();
});

const source = t.testdir({ 'x.ibd': 'x', through: { 'x.ibd': 'x' } });
const file = join(source, 'x.ibd');
const ways: Readonly<Record<string, (pair: Pair, outside: string) => string>> = {
  'links, which are then written through': (pair, outside) => {
    const links = join(t.testdirName, 'links');
    mkdirSync(links, { recursive: true });
    for (const [name, to] of [
      ['link', '../outside'],
      ['absolute', outside],
    ] as const) {
      rmSync(join(links, name), { force: true });
      symlinkSync(to, join(links, name));
    }
    return [
      send(pair, ['-rl', `${links}/`]),
      send(pair, [file], dataModule, 'link/x.ibd'),
      send(pair, [file], dataModule, 'absolute/x.ibd'),
      send(pair, ['-rlK', `${source}/through/`], dataModule, 'link/'),
      send(pair, ['-r', '--delete', `${source}/through/`], dataModule, 'link/'),
    ].join('; ');
  },
  'a way up': (pair) => send(pair, [file], dataModule, '../outside/x.ibd'),
  'an absolute path': (pair, outside) => send(pair, [file], dataModule, `/${outside}/x.ibd`),
  'deleting upwards': (pair) =>
    send(pair, ['-r', '--delete', `${source}/through/`], dataModule, '../outside/'),
  'a log file': (pair, outside) => send(pair, [`-M--log-file=${outside}/log`, file]),
  'a backup directory': (pair, outside) => send(pair, ['-b', `--backup-dir=${outside}`, '-I', file]),
  'a backup directory above': (pair) => send(pair, ['-b', '--backup-dir=../outside', '-I', file]),
  'a directory for partial files': (pair, outside) => send(pair, [`--partial-dir=${outside}`, '-I', file]),
  'a directory for temporary files': (pair, outside) => send(pair, [`--temp-dir=${outside}`, '-I', file]),
  'a hard link': (pair, outside) => send(pair, ['-r', `--link-dest=${outside}`, `${source}/through/`]),
  "another module's directory": (pair) => send(pair, [file], `${dataModule}/../${messageModules.answer}`),
};

t.test('nothing gets out of the modules by', (t) => {
  t.jobs = 3;
  for (const [what, attempt] of Object.entries(ways)) {
    t.test(what, { buffered: true }, async (t) => {
      const { pair, outside, before } = await joinerBesideOthers(t);
      const said = attempt(pair, outside);
      t.comment(said.replaceAll('\n', ' '));
      t.notMatch(said, /Connection refused/, 'the joiner was there');
      await nothingOutside(t, pair, outside, before);
    });
  }
  t.end();
});

t.test('a pipe in the place of a message does not stop the joiner', async (t) => {
  const { pair, outside, before } = await joinerBesideOthers(t);
  const source = t.testdir();
  const pipe = join(source, 'offer.ndjson');
  spawnSync('mkfifo', [pipe]);
  const said = send(pair, ['-D', '--specials', pipe], messageModules.inbox);
  t.match(said, /^status 4/, 'it is refused');
  // It can still be told to end: one that reads the pipe could not.
  await nothingOutside(t, pair, outside, before);
});
