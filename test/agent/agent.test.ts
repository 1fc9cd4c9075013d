import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { createAgentClient } from '../../src/control/agent-client.js';
import { exchange } from '../../src/control/exchange.js';
import { findMarked } from '../../src/processes/proc.js';
import { readLines } from '../../src/processes/lines.js';
import { BareNode, serverUser, type ScriptRun } from '../sst-script/bare-node.js';
import { Material } from '../sst-script/material.js';

const program = fileURLToPath(new URL('../../bin/galera-sst-tunnel.js', import.meta.url));
const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(120_000);

/** An agent in a process of its own, run by the server's user. */
interface GivenAgent {
  readonly socket: string;
  readonly process: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<number | null>;
  readonly log: readonly string[];
}

async function startAgent(
  t: Test,
  socket = socketPath(t),
  words: readonly string[] = [],
): Promise<GivenAgent> {
  const asUser = ['--reuid', 'mysql', '--regid', 'mysql', '--clear-groups'];
  const child = spawn(
    'setpriv',
    [...asUser, process.execPath, program, 'agent', '--socket', socket, ...words],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const log: string[] = [];
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  await new Promise<void>((resolve) => {
    readLines(child.stderr, (line) => {
      log.push(line);
      if (line.includes('agent ready')) resolve();
    });
    void exited.then(() => resolve());
  });
  return { socket, process: child, pid: child.pid ?? 0, exited, log };
}

function socketPath(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'agent-'));
  chownSync(dir, serverUser.uid, serverUser.gid);
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'agent.sock');
}

async function configuredNode(t: Test): Promise<BareNode> {
  const node = await BareNode.create();
  t.teardown(() => node.destroy());
  // The agent has its own environment: where private files go is an option.
  node.configure(material.groups({}, { tmpdir: node.tmpDir }));
  return node;
}

const through = ({ socket }: { readonly socket: string }): { env: Record<string, string> } => ({
  env: { GALERA_SST_TUNNEL_SOCKET: socket },
});

const didItself = (run: ScriptRun): boolean =>
  run.stderr.some((line) => line.includes('does the transfer itself'));

/** Resolves when nothing of the transfer is left; the test's time limit is the limit. */
async function untilClean(node: BareNode, run: ScriptRun): Promise<void> {
  const isClean = (): boolean =>
    findMarked(run.transferId() ?? 'none').length === 0 &&
    node.privateFiles().length === 0 &&
    !readdirSync(node.dataDir).some((name) => /^sst_in_progress$|^\.galera-sst-tunnel/.test(name));
  while (!isClean()) await new Promise((resolve) => setTimeout(resolve, 5));
}

t.test('the agent does the transfer, under its own process', async (t) => {
  const agent = await startAgent(t);
  const node = await configuredNode(t);
  const run = node.start('joiner', through(agent));
  await run.ready();
  t.notOk(didItself(run));
  const second = node.start('joiner', through(agent));
  t.equal(await second.ended, 114, 'a second one for the same data directory is refused');
  t.match(second.errors(), [new RegExp(`ALREADY_RUNNING: .*process ${agent.pid}`)]);
  const other = await configuredNode(t);
  const beside = other.start('joiner', through(agent));
  await beside.ready();
  process.kill(run.pid, 'SIGTERM');
  t.equal(await run.ended, 3);
  t.match(run.errors(), [/INTERRUPTED: ended by SIGTERM/]);
  t.equal(findMarked(beside.transferId() ?? '').length > 0, true, 'the other server is not disturbed');
});

t.test('in a directory that others may write the agent is passed by, and all who look say so', async (t) => {
  const socket = socketPath(t);
  // As Kubernetes makes the root of a volume for a pod with fsGroup.
  chmodSync(dirname(socket), 0o2777);
  const agent = await startAgent(t, socket);
  const node = await configuredNode(t);
  const run = node.start('joiner', through(agent));
  await run.ready();
  t.ok(didItself(run));
  const remedy = `--socket ${dirname(socket)}/agent/agent.sock`;
  t.match(
    run.stderr.find((line) => line.includes('AGENT_UNTRUSTED')),
    new RegExp(`\\[WARNING\\] AGENT_UNTRUSTED: .* HINT: .*${remedy}`),
  );
  while (!agent.log.some((line) => line.includes('AGENT_UNTRUSTED')))
    await once(agent.process.stderr!, 'data');
  t.match(
    agent.log.find((line) => line.includes('AGENT_UNTRUSTED')),
    remedy,
  );
});

t.test('a killed script ends its transfer within a second', async (t) => {
  const agent = await startAgent(t);
  const node = await configuredNode(t);
  const run = node.start('joiner', through(agent));
  await run.ready();
  const killedMs = performance.now();
  process.kill(run.pid, 'SIGKILL');
  await untilClean(node, run);
  t.ok(performance.now() - killedMs < 1000, 'within a second', { ms: performance.now() - killedMs });
  const next = node.start('joiner', through(agent));
  await next.ready();
  t.notOk(didItself(next), 'the agent goes on');
});

t.test('a killed agent leaves no child, and its script ends with an error', async (t) => {
  const agent = await startAgent(t);
  const node = await configuredNode(t);
  const run = node.start('joiner', through(agent));
  await run.ready();
  process.kill(agent.pid, 'SIGKILL');
  t.equal(await run.ended, 32);
  t.match(run.errors(), [/\[ERROR\] AGENT_GONE: .* HINT: /]);
  await untilClean(node, run);
  t.ok(existsSync(agent.socket), 'the socket is left');
  const alone = node.start('joiner', through(agent));
  await alone.ready();
  t.equal(alone.stderr.filter((line) => line.includes('does the transfer itself')).length, 1, 'said once');
  process.kill(alone.pid, 'SIGTERM');
  await alone.ended;
  const again = await startAgent(t, agent.socket);
  const next = node.start('joiner', through(again));
  await next.ready();
  t.notOk(didItself(next), 'a new agent takes over the socket');
});

t.test('an agent that hangs does not keep a node from joining', async (t) => {
  const agent = await startAgent(t);
  const node = await configuredNode(t);
  process.kill(agent.pid, 'SIGSTOP');
  const run = node.start('joiner', through(agent));
  await run.ready();
  t.ok(didItself(run));
});

t.test('an agent that is stopped ends what runs, and takes its socket away', async (t) => {
  const agent = await startAgent(t);
  const node = await configuredNode(t);
  const run = node.start('joiner', through(agent));
  await run.ready();
  process.kill(agent.pid, 'SIGTERM');
  t.equal(await run.ended, 3);
  t.match(run.errors(), [/INTERRUPTED: the agent was stopped by SIGTERM/]);
  t.equal(await agent.exited, 0);
  t.notOk(existsSync(agent.socket));
  await untilClean(node, run);
});

t.test('an agent that is to start again lets what runs end by itself first', async (t) => {
  const agent = await startAgent(t);
  const node = await configuredNode(t);
  const run = node.start('joiner', through(agent));
  await run.ready();
  process.kill(agent.pid, 'SIGUSR2');
  while (!agent.log.some((line) => line.includes('agent draining')))
    await new Promise((resolve) => setTimeout(resolve, 5));
  const other = await configuredNode(t);
  const alone = other.start('joiner', through(agent));
  await alone.ready();
  t.ok(didItself(alone), 'what is asked for now is done without it');
  process.kill(alone.pid, 'SIGTERM');
  await alone.ended;
  t.equal(agent.process.exitCode, null, 'it runs on');
  process.kill(run.pid, 'SIGTERM');
  t.equal(await run.ended, 3, 'with the transfer');
  t.equal(await agent.exited, 75, 'which has it started again');
  t.notOk(existsSync(agent.socket));
});

t.test(
  'an agent that starts clears what transfers of its servers have left, and nothing that runs',
  async (t) => {
    const [node, other] = [await configuredNode(t), await configuredNode(t)];
    const words = ['--state-dir', node.directory('state')];
    const agent = await startAgent(t, undefined, words);
    const [run, beside] = [node.start('joiner', through(agent)), other.start('joiner', through(agent))];
    await Promise.all([run.ready(), beside.ready()]);
    process.kill(beside.pid, 'SIGTERM');
    await beside.ended;
    // Everything at once, with what would have swept up.
    process.kill(agent.pid, 'SIGSTOP');
    process.kill(run.pid, 'SIGKILL');
    for (const pid of findMarked(run.transferId() ?? '')) process.kill(pid, 'SIGKILL');
    process.kill(agent.pid, 'SIGKILL');
    await Promise.all([run.ended, agent.exited]);
    t.equal(node.privateFiles().length, 1);
    t.ok(existsSync(join(node.dataDir, 'sst_in_progress')));
    const alone = other.start('joiner', through(agent));
    await alone.ready();
    const again = await startAgent(t, agent.socket, words);
    await untilClean(node, run);
    const told = `cleaned up after transfer ${run.transferId() ?? ''}`;
    while (!again.log.some((line) => line.includes(told)))
      await new Promise((resolve) => setTimeout(resolve, 5));
    t.ok(existsSync(join(other.dataDir, 'sst_in_progress')), 'what runs without an agent goes on');
    process.kill(alone.pid, 'SIGTERM');
    t.equal(await alone.ended, 3);
  },
);

t.test('a SIGHUP has it read the option files anew and check, beside a transfer that runs', async (t) => {
  const node = await configuredNode(t);
  const agent = await startAgent(t, undefined, ['--server', node.optionFile]);
  const logged = async (text: string): Promise<void> => {
    while (!agent.log.some((line) => line.includes(text)))
      await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const run = node.start('joiner', through(agent));
  await run.ready();
  process.kill(agent.pid, 'SIGHUP');
  await logged('reloaded, ');
  const good = readFileSync(node.optionFile, 'utf8');
  node.writeOptionFile('[sst\n');
  process.kill(agent.pid, 'SIGHUP');
  await logged('reload failed, what was read before stays in use: ');
  node.writeOptionFile(good);
  t.ok(findMarked(run.transferId() ?? '').length > 0, 'the transfer goes on');
  process.kill(run.pid, 'SIGTERM');
  t.equal(await run.ended, 3);
});

t.test('a server is remembered when its transfer has passed its own checks, and not before', async (t) => {
  const socket = socketPath(t);
  const agent = await startAgent(t, socket, ['--state-dir', dirname(socket)]);
  const remembered = (): string[] => {
    const file = join(dirname(socket), 'servers.json');
    if (!existsSync(file)) return [];
    return (JSON.parse(readFileSync(file, 'utf8')) as { dataDir: string }[]).map(({ dataDir }) => dataDir);
  };
  const client = createAgentClient(socket);
  const node = await configuredNode(t);
  const wrong = await BareNode.create();
  t.teardown(() => wrong.destroy());
  wrong.configure(material.groups({ cert: '/nowhere/node.crt' }));
  t.not(await wrong.start('joiner', through(agent)).ended, 0);
  const failing = ['--role', 'joiner', '--address', 'x:1', '--datadir', wrong.dataDir, '--foo', '--role'];
  const answer = await exchange(socket, undefined, 'POST', '/v1/transfers', { argv: failing, env: {} }, 5000);
  t.equal(answer.statusCode, 200);
  await once(answer.resume(), 'end');
  t.strictSame(remembered(), []);
  const run = node.start('joiner', through(agent));
  await run.ready();
  t.strictSame(remembered(), [node.dataDir]);
  process.kill(run.pid, 'SIGTERM');
  await run.ended;
  while (!(await client.status()).checks.some(({ dataDir }) => dataDir === node.dataDir))
    await new Promise((resolve) => setTimeout(resolve, 20));
});

t.test('a reload with an option file that was never readable says so', async (t) => {
  const agent = await startAgent(t, undefined, ['--server', '/nowhere/my.cnf']);
  process.kill(agent.pid, 'SIGHUP');
  const found = (): string | undefined => agent.log.find((line) => line.includes('reload failed'));
  while (found() === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  t.match(found(), /reload failed, nothing could be read yet: \/nowhere\/my\.cnf: OPTION_FILE_UNREADABLE/);
});

t.test('a metrics port that is taken keeps no node from joining', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  const agent = await startAgent(t, undefined, ['--metrics-listen', `127.0.0.1:${port}`]);
  while (!agent.log.some((line) => line.includes('without metrics')))
    await new Promise((resolve) => setTimeout(resolve, 20));
  const node = await configuredNode(t);
  const run = node.start('joiner', through(agent));
  await run.ready();
  t.notOk(didItself(run));
  t.match(agent.log.join('\n'), new RegExp(`cannot serve metrics on 127.0.0.1 port ${port}`));
});

t.test('a second agent at the same socket does not start', async (t) => {
  const agent = await startAgent(t);
  const second = await startAgent(t, agent.socket);
  t.equal(await second.exited, 114);
  t.match(second.log.join('\n'), /ALREADY_RUNNING/);
});
