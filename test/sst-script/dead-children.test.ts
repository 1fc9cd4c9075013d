import { truncateSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { bytesRead, findMarked, nameOf, originOf } from '../../src/processes/proc.js';
import type { ScriptRun } from './bare-node.js';
import { expectFailure } from './failing.js';
import { Material } from './material.js';
import { lockTables, startDonor, waitingPair, type Pair } from './pair.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(120_000);
t.jobs = 2;

/** The processes of the connection through which files come, from the listener down to the rsync that writes. */
interface Chain {
  readonly tls: number;
  readonly between: number;
  readonly shell: number;
  readonly daemon: number;
  readonly writer: number;
}

const parentOf = (pid: number): number => originOf(pid)?.parentPid ?? 0;

/** Waits until bytes of a large file have come. */
async function receivingChain(joining: ScriptRun): Promise<Chain> {
  for (;;) {
    const rsyncs = findMarked(joining.transferId() ?? '').filter((pid) => nameOf(pid) === 'rsync');
    const writer = rsyncs.find((pid) => rsyncs.includes(parentOf(pid)) && (bytesRead(pid) ?? 0) > 500_000);
    if (writer !== undefined) {
      const daemon = parentOf(writer);
      const shell = parentOf(daemon);
      const between = parentOf(shell);
      return { tls: parentOf(between), between, shell, daemon, writer };
    }
    await wait(20);
  }
}

async function copyingPair(t: Test): Promise<{ readonly pair: Pair; readonly giving: ScriptRun }> {
  const pair = await waitingPair(t, material, {
    sst: { rlimit: '500k', compressor: 'none' },
    // A file of holes, so large that it is not all sent before a busy machine has begun to hold it to the rate.
    prepare: (_, donor) => truncateSync(donor.file('data/shop/big.ibd', ''), 8e9),
  });
  return { pair, giving: startDonor(pair) };
}

const victims: readonly [keyof Chain, string, RegExp][] = [
  ['tls', 'the socat that speaks TLS', /the socat of a connection was (killed|ended by SIGKILL)/],
  ['between', 'the socat that started its program', /the socat of a connection was ended by SIGKILL/],
  ['shell', 'the shell of a connection', /a process of a connection's rsync was killed or has crashed/],
  ['daemon', "the connection's rsync", /the rsync of a connection was ended by SIGKILL/],
  ['writer', 'the rsync that writes', /a process of a connection's rsync was killed or has crashed/],
];
for (const [victim, title, says] of victims) {
  t.test(`${title} is killed on the joiner: both sides say so`, { buffered: true }, async (t) => {
    const { pair, giving } = await copyingPair(t);
    const chain = await receivingChain(pair.joining);
    process.kill(chain[victim], 'SIGKILL');
    await expectFailure(t, pair.joining, pair.joiner, { code: 'CHILD_FAILED', says: [says] });
    const told = ['the joiner failed with CHILD_FAILED', says];
    await expectFailure(t, giving, pair.donor, { code: 'PEER_FAILED', says: told });
  });
}

t.test('a donor that is killed is not taken for a dead process here', { buffered: true }, async (t) => {
  const { pair, giving } = await copyingPair(t);
  await receivingChain(pair.joining);
  process.kill(giving.pid, 'SIGKILL');
  const says = ['the connection from the donor broke and the donor has not said why'];
  await expectFailure(t, pair.joining, pair.joiner, { code: 'PEER_FAILED', says });
});

const waitsForNames = (argv: readonly string[]): boolean => argv[argv.indexOf('--files-from') + 1] === '-';

t.test('a waiting connection that is lost does not end the transfer', { buffered: true }, async (t) => {
  const pair = await waitingPair(t, material);
  const giving = startDonor(pair);
  await giving.said(/^flush tables$/);
  const waiting = (): number[] =>
    findMarked(giving.transferId() ?? '').filter(
      (pid) => nameOf(pid) === 'rsync' && waitsForNames(originOf(pid)?.argv ?? []),
    );
  while (waiting().length === 0) await wait(20);
  // Its login is what shows that the joiner has let it in; that is over within a moment.
  await wait(2000);
  for (const pid of waiting().slice(0, 1)) process.kill(pid, 'SIGKILL');
  // Longer than a lost donor is given to say why.
  await pair.joining.said(/rsync daemon says: rsync error: /);
  await wait(8000);
  await lockTables(giving, pair);
  t.equal(await giving.ended, 0, 'the donor sends its copy', { found: giving.errors() });
  t.equal(await pair.joining.ended, 0, 'the joiner has it', { found: pair.joining.errors() });
});
