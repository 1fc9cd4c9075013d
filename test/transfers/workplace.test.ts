import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { TransferEvent } from '../../src/events.js';
import { identify, type ProcessIdentity } from '../../src/processes/proc.js';
import { clearCrashed, openWorkplace, type Workplace } from '../../src/transfers/workplace.js';

const own = identify(process.pid)!;
const source = { kind: 'file', file: '/etc/my.cnf', line: 5, group: 'sst', name: 'tmpdir' } as const;

interface Place {
  readonly dataDir: string;
  readonly tmpDir: string;
  readonly claimFile: string;
  readonly events: TransferEvent[];
  readonly open: (transferId?: string) => Workplace;
}

function makePlace(t: Test): Place {
  const root = t.testdir({ data: {}, tmp: {} });
  const [dataDir, tmpDir] = [join(root, 'data'), join(root, 'tmp')];
  const events: TransferEvent[] = [];
  const open = (transferId = 't1'): Workplace =>
    openWorkplace({
      dataDir,
      tmpDir: { value: tmpDir, source },
      transferId,
      emit: (event) => events.push(event),
      signs: [],
    });
  return { dataDir, tmpDir, events, open, claimFile: join(dataDir, '.galera-sst-tunnel.json') };
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

t.test('a workplace is private, and closing it leaves nothing', async (t) => {
  const { open, dataDir, tmpDir, claimFile, events } = makePlace(t);
  const workplace = open();
  t.match(workplace.dir, new RegExp(`^${tmpDir}/galera-sst-tunnel-`));
  t.equal(modeOf(workplace.dir), '700');
  const secret = workplace.write('secret', 'x');
  t.equal(modeOf(secret), '600');
  t.equal(readFileSync(workplace.write('list', ['a\0', 'b\0']), 'utf8'), 'a\0b\0');
  t.equal(readFileSync(workplace.write('list', 'short'), 'utf8'), 'short', 'written anew');
  t.equal(modeOf(workplace.makeDirectory('inbox')), '700');
  t.equal(modeOf(claimFile), '600');
  t.strictSame(JSON.parse(readFileSync(claimFile, 'utf8')), {
    transferId: 't1',
    owner: own,
    workDir: workplace.dir,
  });
  workplace.close();
  t.strictSame([...readdirSync(dataDir), ...readdirSync(tmpDir)], []);
  t.strictSame(events, []);
});

t.test('a second transfer is refused while the first runs', async (t) => {
  const { open, tmpDir, claimFile } = makePlace(t);
  const first = open('t1');
  t.throws(() => open('t2'), {
    code: 'ALREADY_RUNNING',
    message: `another transfer is at work on this data directory (process ${process.pid}, ${claimFile})`,
    exitStatus: 114,
  });
  t.equal(readdirSync(tmpDir).length, 1);
  first.close();
});

t.test('closing twice does not end the transfer that came in between', async (t) => {
  const { open, claimFile } = makePlace(t);
  const first = open('t1');
  first.close();
  const second = open('t2');
  first.close();
  t.ok(existsSync(claimFile));
  t.ok(existsSync(second.dir));
  second.close();
});

function leave(
  place: Place,
  claim: { owner?: ProcessIdentity; workDir?: string; transferId?: string },
): void {
  const owner = { ...own, startTicks: own.startTicks - 1 };
  writeFileSync(place.claimFile, JSON.stringify({ transferId: 'old', owner, workDir: '/none', ...claim }));
}

t.test('what a crashed transfer left is cleaned up', async (t) => {
  const place = makePlace(t);
  const old = join(place.tmpDir, 'galera-sst-tunnel-old');
  mkdirSync(join(old, 'inbox'), { recursive: true });
  const transferId = `crashed-${process.pid}`;
  const left = spawn('sleep', ['1000'], { env: { ...process.env, GALERA_SST_TUNNEL_TRANSFER: transferId } });
  const other = spawn('sleep', ['1000']);
  await Promise.all([once(left, 'spawn'), once(other, 'spawn')]);
  leave(place, { transferId, workDir: old });
  const workplace = place.open();
  t.strictSame(await once(left, 'exit'), [null, 'SIGKILL']);
  t.notOk(existsSync(old));
  t.strictSame(place.events, [
    {
      kind: 'notice',
      text: `cleaned up after transfer ${transferId}, which ended without doing so itself (1 processes ended)`,
    },
  ]);
  t.equal(other.exitCode ?? other.signalCode, null, 'no other process was touched');
  other.kill('SIGKILL');
  workplace.close();
});

t.test('who begins no transfer can clean up after one too, unless it still runs', async (t) => {
  const place = makePlace(t);
  const clear = (): boolean =>
    clearCrashed({ dataDir: place.dataDir, transferId: 't2', emit: (event) => place.events.push(event) });
  t.equal(clear(), false, 'there is nothing');
  const running = place.open();
  t.throws(clear, { code: 'ALREADY_RUNNING' });
  t.ok(existsSync(running.dir), 'what runs is left alone');
  running.close();
  const old = join(place.tmpDir, 'galera-sst-tunnel-old');
  mkdirSync(old);
  leave(place, { workDir: old });
  t.equal(clear(), true);
  t.notOk(existsSync(old));
  t.strictSame(readdirSync(place.dataDir), []);
});

t.test('a claim can only make us remove directories of ours', async (t) => {
  const place = makePlace(t);
  const precious = join(place.dataDir, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'galera-sst-tunnel'), '');
  symlinkSync(precious, join(place.tmpDir, 'galera-sst-tunnel-link'));
  for (const workDir of [
    precious,
    join(place.tmpDir, 'galera-sst-tunnel-link'),
    'galera-sst-tunnel-x',
    place.dataDir,
    '/',
  ]) {
    leave(place, { workDir });
    place.open().close();
    t.strictSame(readdirSync(precious), ['galera-sst-tunnel'], workDir);
  }
});

t.test('a claim that cannot be read is no claim', async (t) => {
  const place = makePlace(t);
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"transferId":"x"}',
    '{"transferId":1,"workDir":"/","owner":{"pid":1}}',
  ]) {
    writeFileSync(place.claimFile, text);
    place.open().close();
    t.notOk(existsSync(place.claimFile), text);
  }
});

t.test('directories that cannot be written are named with their option', async (t) => {
  const { dataDir, tmpDir } = makePlace(t);
  const open = (data: string, tmp: string) => () =>
    openWorkplace({
      dataDir: data,
      tmpDir: { value: tmp, source },
      transferId: 't1',
      emit: () => undefined,
      signs: [],
    });
  t.throws(open(dataDir, '/no/such/directory'), {
    code: 'DIRECTORY_MISSING',
    message: 'the directory /no/such/directory does not exist',
    option: 'tmpdir',
    where: '/etc/my.cnf:5',
    exitStatus: 2,
  });
  t.throws(open('/no/such/directory', tmpDir), {
    code: 'DIRECTORY_NOT_WRITABLE',
    message: /^cannot write \/no\/such\/directory\/\.galera-sst-tunnel\.json: .*ENOENT/,
    option: 'datadir',
  });
  t.strictSame(readdirSync(tmpDir), [], 'nothing is left');
});

t.test('without tmpdir the system’s directory is used', async (t) => {
  const { dataDir } = makePlace(t);
  const workplace = openWorkplace({
    dataDir,
    tmpDir: undefined,
    transferId: 't1',
    emit: () => undefined,
    signs: [],
  });
  t.match(workplace.dir, /^\/.*galera-sst-tunnel-/);
  workplace.close();
});

t.test('what a script leaves that is killed goes by itself', async (t) => {
  const { dataDir, tmpDir, claimFile } = makePlace(t);
  const module = new URL('../../src/transfers/workplace.js', import.meta.url).href;
  const script = `
    import { writeFileSync } from 'node:fs';
    import { openWorkplace } from ${JSON.stringify(module)};
    const [dataDir, tmp] = process.argv.slice(1);
    const tmpDir = { value: tmp, source: { kind: 'file', file: 'x', line: 1, group: 'sst', name: 'tmpdir' } };
    openWorkplace({ dataDir, tmpDir, transferId: 'killed', emit: () => undefined, signs: ['sst_in_progress'] });
    writeFileSync(dataDir + '/sst_in_progress', '');
    writeFileSync(dataDir + '/ibdata1', '');
    console.log('open');
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dataDir, tmpDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  t.ok(existsSync(claimFile));
  t.equal(readdirSync(tmpDir).length, 1);
  child.kill('SIGKILL');
  while (existsSync(claimFile)) await setTimeout(10);
  t.strictSame(readdirSync(tmpDir), [], 'the private directory');
  t.strictSame(readdirSync(dataDir), ['ibdata1'], 'claim and sign, and nothing else');
});
