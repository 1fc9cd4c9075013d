import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { BareNode, type ScriptRun } from './bare-node.js';
import { Material } from './material.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(120_000);

async function listening(sockopt?: string): Promise<{ node: BareNode; run: ScriptRun }> {
  const node = await BareNode.create();
  t.teardown(() => node.destroy());
  node.configure(material.groups({}, sockopt === undefined ? {} : { sockopt }));
  const run = node.start('joiner');
  await run.ready();
  return { node, run };
}

async function visit(node: BareNode): Promise<Socket> {
  const socket = connect(node.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Whom the listener has let in, in this order: their ports. */
const served = (run: ScriptRun): string[] =>
  run.stderr.flatMap((line) => /connection from 127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? []);

/** In how many seconds the kernel will ask; socat tells it to some time after it has said that it has a connection. */
async function keepaliveSeconds(port: number): Promise<number> {
  for (;;) {
    const state = execFileSync('ss', ['-Htno', 'state', 'established', `sport = :${port}`]).toString();
    // ss writes 29sec, and 4.976ms for less than ten seconds.
    const [, seconds] = /timer:\(keepalive,(\d+)[.s]/.exec(state) ?? [];
    if (seconds !== undefined) return Number(seconds);
    await setTimeout(20);
  }
}

t.test('the kernel asks whether a silent peer is still there', async (t) => {
  for (const [sockopt, mostSeconds] of [
    [undefined, 30],
    ['keepidle=5', 5],
  ] as const) {
    const { node } = await listening(sockopt);
    const socket = await visit(node);
    const seconds = await keepaliveSeconds(node.port);
    t.ok(seconds <= mostSeconds && seconds > mostSeconds - 20, `${seconds} s`);
    socket.destroy();
  }
});

t.test('no more connections are served at a time than max-children allows', async (t) => {
  const { node, run } = await listening('max-children=2');
  const sockets = [await visit(node), await visit(node), await visit(node)] as const;
  const ports = sockets.map(({ localPort }) => String(localPort));
  await run.said(new RegExp(`connection from 127\\.0\\.0\\.1:${ports[1] ?? ''}`));
  t.same(served(run), ports.slice(0, 2), 'the third one waits');
  sockets[0].destroy();
  await run.said(new RegExp(`connection from 127\\.0\\.0\\.1:${ports[2] ?? ''}`));
  t.same(served(run), ports);
  for (const socket of sockets) socket.destroy();
});
