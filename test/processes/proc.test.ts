import { setTimeout as wait } from 'node:timers/promises';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  bytesRead,
  bytesWritten,
  findMarked,
  findPortOwner,
  groupMembers,
  identify,
  isAlive,
  nameOf,
  openFiles,
  processesOf,
  treeOf,
} from '../../src/processes/proc.js';

/**
 * A program that does not wait for the child it has. The shell that has started it would wait, had it not become that program before the
 * child ends.
 */
async function careless(t: Test): Promise<{ readonly parent: ChildProcess; readonly pid: number }> {
  const parent = spawn('sh', ['-c', 'sleep 1000 & echo $!; exec tail -f /dev/null'], { detached: true });
  t.teardown(() => parent.kill('SIGKILL'));
  const [data] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(data.toString());
  const child = identify(pid);
  t.teardown(() => child !== undefined && isAlive(child) && process.kill(pid, 'SIGKILL'));
  while (nameOf(parent.pid!) !== 'tail') await new Promise(setImmediate);
  return { parent, pid };
}

/** Ends it, and waits until it has ended, not until somebody has waited for it. */
async function end(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await new Promise(setImmediate);
}

t.test('a process is known by its start as well as by its pid', async (t) => {
  const child = spawn('cat');
  const identity = identify(child.pid!);
  t.match(identity, { pid: child.pid, startTicks: Number, bootId: /^[0-9a-f-]{36}$/ });
  const known = identity!;
  t.ok(known.startTicks >= identify(process.pid)!.startTicks, 'a child starts after its parent');
  t.equal(isAlive(known), true);
  t.equal(
    isAlive({ ...known, startTicks: known.startTicks - 1 }),
    false,
    'the pid was given to another process',
  );
  t.equal(isAlive({ ...known, bootId: randomUUID() }), false, 'the host was booted since');
  child.stdin.end();
  await once(child, 'exit');
  t.equal(isAlive(known), false);
  t.equal(identify(child.pid!), undefined);
});

t.test('a process that has ended but was not waited for is not running', async (t) => {
  const { pid } = await careless(t);
  const known = identify(pid);
  t.ok(known, 'it runs');
  await end(pid);
  t.equal(isAlive(known!), false);
  t.equal(identify(pid), undefined);
});

t.test('a program’s name may hold spaces and parentheses', async (t) => {
  const program = join(t.testdir(), 'a) S (b 1');
  copyFileSync('/bin/sleep', program);
  const child = spawn(program, ['1000']);
  await once(child, 'spawn');
  t.ok(isAlive(identify(child.pid!)!));
  t.ok(identify(child.pid!)!.startTicks >= identify(process.pid)!.startTicks);
  child.kill('SIGKILL');
});

t.test('marked processes are found by their whole marker', async (t) => {
  const marker = randomUUID();
  const start = (value: string) =>
    spawn('sleep', ['1000'], { env: { ...process.env, GALERA_SST_TUNNEL_TRANSFER: value } });
  const [ours, also, other, longer] = [
    start(marker),
    start(marker),
    start(randomUUID()),
    start(`${marker}x`),
  ];
  const children = [ours, also, other, longer];
  await Promise.all(children.map((child) => once(child, 'spawn')));
  t.strictSame(findMarked(marker).sort(), [ours.pid, also.pid].sort());
  t.strictSame(findMarked(randomUUID()), []);
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(children.map((child) => once(child, 'exit')));
  t.strictSame(findMarked(marker), []);
});

t.test('the members of a process group are those that run', async (t) => {
  const { parent: leader, pid } = await careless(t);
  t.strictSame(groupMembers(leader.pid!).sort(), [leader.pid!, pid].sort());
  await end(pid);
  t.strictSame(groupMembers(leader.pid!), [leader.pid], 'not one that nobody has waited for');
  leader.kill('SIGKILL');
  await once(leader, 'exit');
  t.strictSame(groupMembers(leader.pid!), []);
});

t.test('the owner of a port is found', async (t) => {
  const cases = [
    { listen: '127.0.0.1', ask: '127.0.0.1', found: '127.0.0.1' },
    { listen: '127.0.0.1', ask: undefined, found: '127.0.0.1' },
    { listen: '127.0.0.1', ask: '127.0.0.2', found: undefined },
    { listen: '0.0.0.0', ask: '127.0.0.2', found: '0.0.0.0' },
    { listen: '::1', ask: '::1', found: '::1' },
    { listen: '::1', ask: '127.0.0.1', found: undefined },
    { listen: '::1', ask: undefined, found: '::1' },
    { listen: '::', ask: '::1', found: '::' },
    { listen: '::', ask: '127.0.0.1', found: '::' },
    { listen: '::ffff:127.0.0.3', ask: '127.0.0.3', found: '127.0.0.3' },
    { listen: '127.0.0.1', ask: '::', found: '127.0.0.1' },
  ];
  for (const { listen, ask, found } of cases) {
    const server = createServer().listen(0, listen);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const owner = findPortOwner(port, ask);
    t.equal(owner?.address, found, `${listen}, asked for ${ask ?? 'all'}`);
    if (found !== undefined) {
      t.match(owner, { uid: process.getuid?.(), pid: process.pid, commandLine: /^\S*node / });
      t.equal(owner?.transferId, process.env['GALERA_SST_TUNNEL_TRANSFER']);
    }
    server.close();
    await once(server, 'close');
    t.equal(findPortOwner(port, ask), undefined, 'nobody listens any more');
  }
});

t.test('a connection to a port does not own it', async (t) => {
  const server = createServer((socket) => socket.on('data', () => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = spawn('socat', ['-u', `TCP:127.0.0.1:${port}`, 'STDOUT']);
  const [socket] = (await once(server, 'connection')) as [import('node:net').Socket];
  server.close();
  t.equal(findPortOwner(port), undefined);
  socket.destroy();
  await once(client, 'exit');
});

t.test('a port that one of our transfers left is recognised', async (t) => {
  const child = spawn('socat', ['-d', '-d', 'TCP-LISTEN:0,bind=127.0.0.1', 'STDOUT'], {
    env: { ...process.env, GALERA_SST_TUNNEL_TRANSFER: 'left-behind' },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  while (!/listening on .*:(\d+)/.test(said)) await once(child.stderr, 'data');
  const port = Number(/listening on .*:(\d+)/.exec(said)?.[1]);
  t.match(findPortOwner(port), {
    address: '127.0.0.1',
    pid: child.pid,
    commandLine: 'socat -d -d TCP-LISTEN:0,bind=127.0.0.1 STDOUT',
    transferId: 'left-behind',
  });
  child.kill('SIGKILL');
});

t.test('what a process has read and has open is known', async (t) => {
  const file = join(t.testdir({ data: '' }), 'data');
  const holder = spawn('sh', ['-c', 'exec 7<"$0" 8</dev/null; echo open; read -r line', file]);
  await once(holder.stdout, 'data');
  t.strictSame(openFiles(holder.pid!), [file], 'devices and pipes are no files');
  holder.stdin.end();
  await once(holder, 'exit');
  const fed = spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] });
  const before = bytesRead(fed.pid!)!;
  fed.stdin.write('x'.repeat(1000));
  await once(fed.stdout, 'data');
  t.ok(bytesRead(fed.pid!)! >= before + 1000);
  fed.stdin.end();
  await once(fed, 'exit');
  t.equal(bytesRead(fed.pid!), undefined);
  t.strictSame(openFiles(fed.pid!), []);
});

t.test("what a child has moved does not count as its parent's when it has ended", async (t) => {
  const script = 'dd if=/dev/zero of=/dev/null bs=1M count=20 status=none; echo ended; read -r line';
  const parent = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(parent.stdout, 'data');
  t.ok(bytesRead(parent.pid!)! < 1e6);
  t.ok(bytesWritten(parent.pid!)! < 1e6);
  parent.stdin.end();
  await once(parent, 'exit');
});

t.test('the processes of a group are known with their names and parents', async (t) => {
  const leader = spawn('sh', ['-c', 'sleep 1000 & echo $!; wait'], { detached: true });
  const [data] = (await once(leader.stdout, 'data')) as [Buffer];
  // The shell tells the pid before the child has become sleep.
  let found = processesOf(leader.pid!);
  for (; !found.some(({ name }) => name === 'sleep'); found = processesOf(leader.pid!)) await wait(5);
  t.strictSame(
    found.map(({ pid, name }) => [pid, name]).sort(),
    [
      [leader.pid, 'sh'],
      [Number(data.toString()), 'sleep'],
    ].sort(),
  );
  t.equal(found.find(({ name }) => name === 'sleep')?.parentPid, leader.pid);
  t.strictSame(treeOf(leader.pid!), found, 'going down from the leader finds the same');
  process.kill(-leader.pid!, 'SIGKILL');
  await once(leader, 'exit');
  // The other one has been killed, and need not have ended at the same moment.
  for (let waited = 0; waited < 5000 && treeOf(leader.pid!).length > 0; waited += 5) await wait(5);
  t.strictSame(treeOf(leader.pid!), []);
});
