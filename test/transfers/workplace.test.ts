import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { TransferEvent } from '../../src/events.js';
import type { Holder } from '../../src/processes/holder.js';
import { findMarked, identify, isStopped as processIsStopped } from '../../src/processes/proc.js';
import { readClaim, type Claim } from '../../src/transfers/claim.js';
import { clearCrashed, lookAtClaim, openWorkplace, type Workplace } from '../../src/transfers/workplace.js';
import { runSync } from '../lab/commands.js';

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

/** Gives a folder in memory that can be made read-only, and a function that does it. */
function makeVolume(t: Test): { readonly folder: string; readonly become: (mode: 'ro' | 'rw') => void } {
  const folder = mkdtempSync(join(tmpdir(), 'volume-'));
  runSync(['mount', '-t', 'tmpfs', '-o', 'size=1M', 'tmpfs', folder]);
  t.teardown(() => {
    runSync(['umount', folder]);
    rmSync(folder, { recursive: true });
  });
  return { folder, become: (mode) => void runSync(['mount', '-o', `remount,${mode}`, folder]) };
}

/** Opens a transfer and closes it while its data directory is read-only. */
function closeReadOnly(t: Test, retryEveryMs: number) {
  const { folder: dataDir, become } = makeVolume(t);
  const { tmpDir } = makePlace(t);
  const given = { dataDir, tmpDir: { value: tmpDir, source }, emit: () => undefined };
  const workplace = openWorkplace({
    ...given,
    transferId: 'stuck',
    signs: ['sst_in_progress'],
    retryEveryMs,
  });
  writeFileSync(join(dataDir, 'sst_in_progress'), '');
  become('ro');
  workplace.close();
  t.strictSame(readdirSync(dataDir).sort(), ['.galera-sst-tunnel.json', 'sst_in_progress']);
  become('rw');
  const open = (transferId: string): Workplace => openWorkplace({ ...given, transferId, signs: [] });
  return { dataDir, tmpDir, open };
}

t.test(
  'a transfer that ended on a read-only file system does not keep the next one of its process away',
  async (t) => {
    const { dataDir, tmpDir, open } = closeReadOnly(t, 1_000_000);
    t.equal(lookAtClaim(dataDir).kind, 'stale');
    const next = open('next');
    t.equal(readClaim(join(dataDir, '.galera-sst-tunnel.json'))?.transferId, 'next');
    t.notOk(existsSync(join(dataDir, 'sst_in_progress')), 'its sign is gone, too');
    t.strictSame(findMarked('stuck'), [], 'nobody waits to remove what is the next one’s now');
    next.close();
    t.strictSame([...readdirSync(dataDir), ...readdirSync(tmpDir)], []);
  },
);

t.test('what could not be removed is removed as soon as it can be', async (t) => {
  const { dataDir } = closeReadOnly(t, 5);
  while (readdirSync(dataDir).length > 0) await setTimeout(5);
  t.strictSame(readdirSync(dataDir), []);
});

t.test('what could not be removed is not removed from the next transfer', async (t) => {
  const { dataDir, open } = closeReadOnly(t, 1);
  const next = open('next');
  writeFileSync(join(dataDir, 'sst_in_progress'), '');
  await setTimeout(50);
  t.ok(existsSync(next.dir));
  t.strictSame(readdirSync(dataDir).sort(), ['.galera-sst-tunnel.json', 'sst_in_progress']);
  next.close();
});

t.test('on a read-only file system the next transfer says what is wrong', async (t) => {
  const { folder: dataDir, become } = makeVolume(t);
  writeFileSync(
    join(dataDir, '.galera-sst-tunnel.json'),
    JSON.stringify({ transferId: 'old', owner: { ...own, startTicks: 1 }, workDir: '/none' }),
  );
  become('ro');
  const { tmpDir } = makePlace(t);
  const open = (): Workplace =>
    openWorkplace({
      dataDir,
      tmpDir: { value: tmpDir, source },
      transferId: 't1',
      emit: () => undefined,
      signs: [],
    });
  t.throws(open, { code: 'DIRECTORY_NOT_WRITABLE', message: /read-only file system/i, option: 'datadir' });
});

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

function leave(place: Place, claim: Partial<Claim>): void {
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

t.test('the signs of a crashed transfer go with its claim, and nothing else', async (t) => {
  const cases: [signs: string[] | undefined, left: string[]][] = [
    [undefined, ['ibdata1', 'sst_error', 'tables_flushed']],
    [['sst_in_progress'], ['ibdata1', 'sst_error', 'tables_flushed']],
    [['tables_flushed'], ['ibdata1', 'sst_error', 'sst_in_progress']],
    [
      ['ibdata1', '../tmp', '.'],
      ['ibdata1', 'sst_error', 'sst_in_progress', 'tables_flushed'],
    ],
  ];
  for (const [signs, left] of cases) {
    const place = makePlace(t);
    for (const name of ['ibdata1', 'sst_error', 'sst_in_progress', 'tables_flushed'])
      writeFileSync(join(place.dataDir, name), '');
    leave(place, { signs });
    place.open().close();
    t.strictSame(readdirSync(place.dataDir).sort(), left, String(signs));
  }
});

t.test('a database that has the name of a sign is none', async (t) => {
  const place = makePlace(t);
  mkdirSync(join(place.dataDir, 'sst_in_progress'));
  leave(place, {});
  place.open().close();
  t.strictSame(readdirSync(place.dataDir), ['sst_in_progress']);
});

/** A process that another one has started as its server, both alive. */
async function startHolder(
  t: Test,
  as: { readonly argv0?: string; readonly uid?: number } = {},
): Promise<{ server: ChildProcess; owner: ChildProcess; holder: Holder }> {
  const ofOwner = { argv0: '/usr/bin/galera-sst-tunnel', ...as };
  const [server, owner] = [spawn('sleep', ['1000']), spawn('sleep', ['1000'], ofOwner)];
  t.teardown(() => [server, owner].map((one) => one.kill('SIGKILL')));
  await Promise.all([once(server, 'spawn'), once(owner, 'spawn')]);
  return { server, owner, holder: { owner: identify(owner.pid!)!, server: identify(server.pid!)! } };
}

async function endServer(server: ChildProcess): Promise<void> {
  server.kill('SIGKILL');
  await once(server, 'exit');
}

t.test('a claim whose server is gone is stale, and its process is ended', async (t) => {
  const cases: [ownedBy: Claim['ownedBy'], isStopped: boolean, isEnded: boolean][] = [
    ['script', true, true],
    ['script', false, true],
    ['agent', true, true],
    // One that runs ends what is left of it by itself, and others' transfers are no matter of ours.
    ['agent', false, false],
  ];
  for (const [ownedBy, isStopped, isEnded] of cases) {
    const place = makePlace(t);
    const { server, owner, holder } = await startHolder(t);
    if (isStopped) {
      owner.kill('SIGSTOP');
      while (!processIsStopped(owner.pid!)) await setTimeout(1);
    }
    leave(place, { ...holder, ownedBy });
    t.throws(place.open, { code: 'ALREADY_RUNNING' }, 'its server is there');
    await endServer(server);
    const name = `${ownedBy}, stopped: ${isStopped}`;
    if (!isEnded) {
      t.throws(place.open, { code: 'ALREADY_RUNNING' }, name);
      continue;
    }
    place.open().close();
    t.strictSame(await once(owner, 'exit'), [null, 'SIGKILL'], name);
    t.match(place.events, [{ kind: 'notice', text: /^cleaned up after transfer old, whose server is gone/ }]);
  }
});

t.test('a claim can only make us end processes of ours', async (t) => {
  const cases: [name: string, as: { argv0?: string; uid?: number }, claimOf: number][] = [
    ['another program', { argv0: 'mariadbd' }, process.getuid!()],
    ["another user's", { uid: 65534 }, process.getuid!()],
    ["named by another user's claim", {}, 65534],
  ];
  for (const [name, as, claimOf] of cases) {
    const place = makePlace(t);
    const { server, owner, holder } = await startHolder(t, as);
    leave(place, { ...holder, ownedBy: 'script' });
    chownSync(place.claimFile, claimOf, 0);
    await endServer(server);
    t.throws(place.open, { code: 'ALREADY_RUNNING', message: new RegExp(`process ${owner.pid},`) }, name);
    t.equal(lookAtClaim(place.dataDir).kind, 'running', name);
    t.ok(existsSync(place.claimFile), `${name}: its claim stays`);
    t.strictSame(identify(owner.pid!), holder.owner, `${name}: it goes on`);
  }
});

t.test('a claim tells whom its transfer depends on', async (t) => {
  const { dataDir, tmpDir, claimFile } = makePlace(t);
  const asked = { server: identify(process.ppid)!, ownedBy: 'agent' } as const;
  const workplace = openWorkplace({
    ...{ dataDir, tmpDir: { value: tmpDir, source }, transferId: 't1', asked },
    ...{ emit: () => undefined, signs: ['tables_flushed'] },
  });
  t.strictSame(readClaim(claimFile), {
    ...{ transferId: 't1', owner: own, ...asked },
    ...{ workDir: workplace.dir, signs: ['tables_flushed'] },
  });
  workplace.close();
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

t.test('a claim that says nothing is no claim once it is not about to be written any more', async (t) => {
  const place = makePlace(t);
  const aMinuteAgo = Date.now() / 1000 - 60;
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"transferId":"x"}',
    '{"transferId":1,"workDir":"/","owner":{"pid":1}}',
  ]) {
    writeFileSync(place.claimFile, text);
    // Where there are no hard links another script has created the file and not written it yet.
    t.throws(place.open, { code: 'ALREADY_RUNNING' }, `just made: ${text}`);
    t.equal(lookAtClaim(place.dataDir).kind, 'running');
    t.equal(readFileSync(place.claimFile, 'utf8'), text, 'it is left alone');
    utimesSync(place.claimFile, aMinuteAgo, aMinuteAgo);
    t.equal(lookAtClaim(place.dataDir).kind, 'stale');
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

/** Starts a script that opens a transfer, and gives it once that is open. */
async function startScript({ dataDir, tmpDir }: Place): Promise<ChildProcess> {
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
  return child;
}

t.test('what a script leaves that is killed goes by itself', async (t) => {
  const place = makePlace(t);
  const { dataDir, tmpDir, claimFile } = place;
  const child = await startScript(place);
  t.ok(existsSync(claimFile));
  t.equal(readdirSync(tmpDir).length, 1);
  child.kill('SIGKILL');
  while (existsSync(claimFile)) await setTimeout(10);
  t.strictSame(readdirSync(tmpDir), [], 'the private directory');
  t.strictSame(readdirSync(dataDir), ['ibdata1'], 'claim and sign, and nothing else');
});

t.test('what a killed script leaves goes without what is another transfer’s by then', async (t) => {
  const place = makePlace(t);
  const { dataDir, tmpDir } = place;
  const child = await startScript(place);
  leave(place, { transferId: 'newer' });
  child.kill('SIGKILL');
  while (findMarked('killed').length > 0) await setTimeout(10);
  t.strictSame(readdirSync(tmpDir), [], 'its private directory goes');
  t.strictSame(readdirSync(dataDir).sort(), ['.galera-sst-tunnel.json', 'ibdata1', 'sst_in_progress']);
});
