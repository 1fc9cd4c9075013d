import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { childrenOf, findMarked, identify, nameOf } from '../../src/processes/proc.js';
import { runSync } from '../lab/commands.js';
import { BareNode, type ScriptRun } from './bare-node.js';
import { expectFailure, expectNoProcess } from './failing.js';
import { Material } from './material.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(300_000);
t.jobs = 2;

async function configuredNode(t: Test): Promise<BareNode> {
  const node = await BareNode.create();
  t.teardown(() => node.destroy());
  node.configure(material.groups());
  return node;
}

const program = fileURLToPath(new URL('../../bin/galera-sst-tunnel.js', import.meta.url));
const claim = (node: BareNode): string => join(node.dataDir, '.galera-sst-tunnel.json');
const mark = (node: BareNode): string => join(node.dataDir, 'sst_in_progress');

function expectCleanDataDirectory(t: Test, node: BareNode): void {
  t.notOk(existsSync(claim(node)), 'no claim is left');
  t.notOk(existsSync(mark(node)), 'no sign of progress is left');
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  t.test(`${signal} ends a waiting joiner and leaves nothing`, { buffered: true }, async (t) => {
    const node = await configuredNode(t);
    const before = node.contents();
    const run = node.start('joiner');
    await run.ready();
    t.ok(existsSync(mark(node)), 'sst_in_progress is there while it waits');
    process.kill(run.pid, signal);
    await expectFailure(t, run, node, { code: 'INTERRUPTED', says: [`ended by ${signal}`] });
    t.same(node.contents(), before, 'the data directory is as before');
  });
}

t.test('a defect ends a waiting joiner like any failure', { buffered: true }, async (t) => {
  const node = await configuredNode(t);
  const before = node.contents();
  const defect = node.file(
    'defect.mjs',
    `process.on('SIGUSR2', () => { void Promise.reject(new Error('out of luck')); throw new Error('out of paper'); });`,
    0o644,
  );
  const bin = node.directory('bin');
  const words = `exec '${process.execPath}' --import='${defect}' "$@"`;
  node.file('bin/node', `#!/bin/sh\n${words}\n`, 0o755);
  const run = node.start('joiner', { env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } });
  await run.ready();
  process.kill(run.pid, 'SIGUSR2');
  const says = ['error: out of paper'];
  await expectFailure(t, run, node, {
    code: 'INTERNAL',
    says: says.map((text) => new RegExp(text, 'i')),
    hint: /bug/,
  });
  t.same(node.contents(), before, 'the data directory is as before');
});

t.test(
  'a claim of another user that cannot be read is named, with owner and remedy',
  { buffered: true },
  async (t) => {
    const node = await configuredNode(t);
    writeFileSync(claim(node), '{}', { mode: 0o600 });
    const run = node.start('joiner');
    await expectFailure(t, run, node, {
      code: 'ALREADY_RUNNING',
      says: [`its claim ${claim(node)}, a file of user 0, cannot be read (EACCES)`],
      hint: /if none does, remove the file/,
    });
    t.same(run.stdout, [], 'the server is told nothing');
  },
);

t.test('the end of the server that --parent names ends a waiting joiner', { buffered: true }, async (t) => {
  const node = await configuredNode(t);
  const server = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.teardown(() => server.kill('SIGKILL'));
  const run = node.start('joiner', { args: ['--parent', String(server.pid)] });
  await run.ready();
  server.kill('SIGKILL');
  await expectFailure(t, run, node, { code: 'PARENT_GONE', says: [`process ${server.pid}`] });
  expectCleanDataDirectory(t, node);
});

t.test('a server that no longer reads ends the script', { buffered: true }, async (t) => {
  const node = await configuredNode(t);
  const run = node.start('joiner');
  run.process.stdout!.destroy();
  await expectFailure(t, run, node, { code: 'PARENT_GONE', says: ['no longer reads'] });
  expectCleanDataDirectory(t, node);
});

t.test('a second joiner on the same data directory', { buffered: true }, async (t) => {
  const node = await configuredNode(t);
  const first = node.start('joiner');
  await first.ready();
  const before = node.contents();
  const second = node.start('joiner');
  const status = await second.ended;
  t.equal(status, 114);
  t.same(second.stdout, [], 'it never says ready');
  t.equal(second.errors().length, 1);
  t.match(second.errors()[0], /\[ERROR\] ALREADY_RUNNING: .*process \d+.* HINT: /);
  t.match(second.errors()[0], String(first.pid), 'it names the process');
  t.same(node.contents(), before, 'the first one is not disturbed');
  process.kill(first.pid, 'SIGTERM');
  await first.ended;
  expectCleanDataDirectory(t, node);
});

t.test('a joiner that is killed while it waits leaves nothing', { buffered: true }, async (t) => {
  const node = await configuredNode(t);
  const run = node.start('joiner');
  await run.ready();
  process.kill(run.pid, 'SIGKILL');
  await run.ended;
  await expectNoProcess(t, run);
  t.same(node.privateFiles(), []);
  expectCleanDataDirectory(t, node);
});

/** A joiner that is killed while it waits, with everything that it has started: nobody sweeps up. */
async function crash(t: Test, node: BareNode): Promise<ScriptRun> {
  const run = node.start('joiner');
  await run.ready();
  process.kill(run.pid, 'SIGSTOP');
  for (const pid of findMarked(run.transferId() ?? '')) process.kill(pid, 'SIGKILL');
  process.kill(run.pid, 'SIGKILL');
  await run.ended;
  await expectNoProcess(t, run);
  t.ok(existsSync(claim(node)), 'the claim is left');
  t.equal(node.privateFiles().length, 1, 'the private directory is left');
  return run;
}

async function expectFreshStart(t: Test, node: BareNode, leftBy: RegExp | string): Promise<void> {
  const next = node.start('joiner');
  await next.ready();
  t.match(await next.said(/cleaned up after transfer/), leftBy, 'the log says so');
  t.equal(node.privateFiles().length, 1, 'only its own private directory is there');
  process.kill(next.pid, 'SIGTERM');
  await next.ended;
  t.same(node.privateFiles(), []);
  expectCleanDataDirectory(t, node);
}

t.test('a joiner after one that was killed cleans up and listens', { buffered: true }, async (t) => {
  const node = await configuredNode(t);
  const killed = await crash(t, node);
  await expectFreshStart(t, node, killed.transferId() ?? 'no id');
});

t.test('a claim whose process id another process has now is stale', { buffered: true }, async (t) => {
  const node = await configuredNode(t);
  const killed = await crash(t, node);
  const left = JSON.parse(readFileSync(claim(node), 'utf8')) as { owner: { pid: number } };
  left.owner.pid = process.pid;
  writeFileSync(claim(node), JSON.stringify(left));
  await expectFreshStart(t, node, killed.transferId() ?? 'no id');
});

t.test('a claim that a crash has cut short is no obstacle', { buffered: true }, async (t) => {
  const node = await configuredNode(t);
  node.file('data/.galera-sst-tunnel.json', '{"transferId":"a1');
  // One that was just made may be about to be written.
  utimesSync(claim(node), 1e9, 1e9);
  const run = node.start('joiner');
  await run.ready();
  process.kill(run.pid, 'SIGTERM');
  t.equal(await run.ended, 3);
  expectCleanDataDirectory(t, node);
});

t.test(
  'processes of a killed transfer that its guard missed are ended by the next one',
  { buffered: true },
  async (t) => {
    const node = await configuredNode(t);
    const killed = await crash(t, node);
    const id = killed.transferId() ?? '';
    const straggler = spawn(
      'setpriv',
      ['--reuid', 'mysql', '--regid', 'mysql', '--clear-groups', 'sleep', '60'],
      {
        stdio: 'ignore',
        env: { PATH: process.env['PATH'], GALERA_SST_TUNNEL_TRANSFER: id },
      },
    );
    t.teardown(() => straggler.kill('SIGKILL'));
    await once(straggler, 'spawn');
    const ended = once(straggler, 'exit');
    await untilProgram(straggler.pid!, 'sleep');
    await expectFreshStart(t, node, id);
    t.equal((await ended)[1], 'SIGKILL');
  },
);

/** A joiner that is killed while it waits, with what would end its listener: that goes on. */
async function leaveListener(t: Test, node: BareNode): Promise<{ id: string; listeners: number[] }> {
  const run = node.start('joiner');
  await run.ready();
  const id = run.transferId() ?? '';
  process.kill(run.pid, 'SIGSTOP');
  for (const pid of findMarked(id).filter((one) => nameOf(one) !== 'socat')) process.kill(pid, 'SIGKILL');
  process.kill(run.pid, 'SIGKILL');
  await run.ended;
  const isListener = (pid: number): boolean => nameOf(pid) === 'socat';
  while (!findMarked(id).every(isListener)) await new Promise((resolve) => setImmediate(resolve));
  const listeners = findMarked(id);
  // Nothing else would end it if the next transfer does not.
  t.teardown(() => {
    for (const pid of findMarked(id)) process.kill(pid, 'SIGKILL');
  });
  t.equal(listeners.length, 1, 'its listener is left');
  return { id, listeners };
}

t.test(
  'a listener that a killed joiner has left is ended, also where its claim is gone',
  { buffered: true },
  async (t) => {
    const node = await configuredNode(t);
    const { id, listeners } = await leaveListener(t, node);
    rmSync(claim(node));
    const plan = runSync([
      ...[
        'setpriv',
        '--reuid',
        'mysql',
        '--regid',
        'mysql',
        '--clear-groups',
        process.execPath,
        program,
        'plan',
      ],
      ...['joiner', '--address', node.address, '--datadir', node.dataDir],
      ...['--defaults-file', node.optionFile],
    ]);
    t.match(plan, /rsync/, 'plan finds nothing in the way');
    t.strictSame(findMarked(id), listeners, 'and ends nothing');
    const next = node.start('joiner');
    await next.ready();
    t.match(
      await next.said(/had left listening/),
      `ended what transfer ${id}, which is over, had left listening`,
    );
    t.strictSame(findMarked(id), []);
    process.kill(next.pid, 'SIGTERM');
    await next.ended;
  },
);

/** A joiner that is stopped while it waits, and whose server is then killed. */
async function stopJoiner(node: BareNode): Promise<{ id: string; pid: number }> {
  const run = node.start('joiner', { through: ['sh', '-c', '"$@" & wait', 'sh'] });
  await run.ready();
  const [pid = 0] = childrenOf(run.pid);
  process.kill(pid, 'SIGSTOP');
  process.kill(run.pid, 'SIGKILL');
  while (identify(run.pid) !== undefined) await new Promise((resolve) => setImmediate(resolve));
  return { id: run.transferId() ?? '', pid };
}

for (const isWiped of [false, true]) {
  t.test(
    `a joiner that was stopped when its server died is ended by the next one${isWiped ? ', also where its claim is gone' : ''}`,
    { buffered: true },
    async (t) => {
      const node = await configuredNode(t);
      const { id, pid } = await stopJoiner(node);
      if (isWiped) rmSync(claim(node));
      const next = node.start('joiner');
      await next.ready();
      t.equal(identify(pid), undefined, 'its script is gone');
      while (findMarked(id).length > 0) await new Promise((resolve) => setImmediate(resolve));
      t.equal(node.privateFiles().length, 1, 'and its private directory');
      t.ok(existsSync(claim(node)), 'what the new one needs is there');
      t.ok(existsSync(join(node.dataDir, 'sst_in_progress')));
      process.kill(next.pid, 'SIGTERM');
      await next.ended;
      expectCleanDataDirectory(t, node);
    },
  );
}

t.test('the listener of a transfer that runs is not ended', { buffered: true }, async (t) => {
  const node = await configuredNode(t);
  const run = node.start('joiner');
  await run.ready();
  const other = await configuredNode(t);
  const refused = other.start('joiner', { address: node.address });
  t.equal(await refused.ended, 16);
  t.match(refused.errors(), [/PORT_BUSY: .* is taken by process \d+: socat /]);
  t.ok(findMarked(run.transferId() ?? '').length > 0);
  process.kill(run.pid, 'SIGTERM');
  t.equal(await run.ended, 3);
});

/** setpriv becomes the program that it runs. */
async function untilProgram(pid: number, name: string): Promise<void> {
  while (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== name) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
