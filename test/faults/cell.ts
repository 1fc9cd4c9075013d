import { setTimeout as wait } from 'node:timers/promises';
import { traces } from '../cluster/tunnel.js';
import type { LabNode } from '../lab/index.js';
import { moments, type Fault, type Moment, type Side } from './faults.js';
import { idleSeconds, type Stage } from './stage.js';

/** One fault at one moment on one side. */
export interface Cell {
  readonly fault: Fault;
  readonly side: Side;
  readonly moment: Moment;
}

/** What came of it; times in seconds since the fault. */
export interface CellResult extends Cell {
  readonly outcome: 'failed' | 'went on' | 'finished first';
  readonly donorWritable: number;
  readonly donorEnded: number;
  readonly joinerEnded: number;
  readonly causes: Readonly<Record<Side, string>>;
  /** From the start of the next attempt until the joiner was synced. */
  readonly nextJoin: number;
  readonly problems: readonly string[];
}

/** How long after a fault that can be seen everything must be over. */
const visibleLimitSeconds = 5;

export function cellName({ fault, side, moment }: Cell): string {
  return `${fault.name} on the ${side}, ${moment}`;
}

/** Lets a transfer run into the fault, watches both sides, mends it, and lets the joiner try again. */
export async function play(stage: Stage, cell: Cell): Promise<CellResult> {
  const { fault, side, moment } = cell;
  const { donor, joiner } = stage;
  const node = stage[side];
  const logged = donor.errorLog().length;
  await stage.join('empty');
  const [watched, line] = moments[moment];
  await logLine(stage[watched], watched === 'donor' ? logged : 0, line);
  const struckMs = Date.now();
  const writable = stage.untilWritable(struckMs);
  await fault.strike(stage, node);
  const limit = fault.isHarmless === true ? 60 : idleSeconds * 2 + 20;
  const isMine = (one: Side): boolean => side === one && /stopped for good/.test(fault.name);
  const [donorEnded, joinerEnded, donorWritable] = await Promise.all([
    isMine('donor') ? 0 : since(struckMs, limit, () => stage.scripts(donor).length === 0),
    isMine('joiner') ? 0 : since(struckMs, limit, () => stage.scripts(joiner).length === 0),
    Promise.race([writable, wait(limit * 1000).then(() => Infinity)]),
  ]);
  const hasGoneOn = await joiner.waitFor('Synced', 8000).then(
    () => true,
    () => false,
  );
  const causes = { donor: causeIn(donor.errorLog().slice(logged)), joiner: causeIn(joiner.errorLog()) };
  const isDone = [donor.errorLog().slice(logged), joiner.errorLog()].every((log) => /phase: done/.test(log));
  const problems = hasGoneOn || isDone ? [] : judge(cell, { donorWritable, donorEnded, joinerEnded, causes });
  if (fault.isHarmless === true && !hasGoneOn) problems.push('the transfer did not go on');
  await fault.mend?.(stage, node);
  await joiner.kill();
  if (
    !hasGoneOn &&
    !isDone &&
    moment !== 'before ready' &&
    moment !== 'handshake' &&
    !stage.isMarked() &&
    causes.joiner !== ''
  )
    if (/copying|verifying/.test(joiner.errorLog()))
      problems.push('the data directory is not marked as incomplete');
  problems.push(...(await traces([donor])).map((one) => `left on the donor: ${one}`));
  const againMs = Date.now();
  await stage.join('keep');
  problems.push(...(await stage.isWhole()));
  const nextJoin = (Date.now() - againMs) / 1000;
  if (stage.isMarked()) problems.push('the marker is still there after a complete copy');
  await joiner.stop();
  const outcome = hasGoneOn ? 'went on' : isDone ? 'finished first' : 'failed';
  return { ...cell, outcome, donorWritable, donorEnded, joinerEnded, causes, nextJoin, problems };
}

function judge(
  { fault, side }: Cell,
  {
    donorWritable,
    donorEnded,
    joinerEnded,
    causes,
  }: Pick<CellResult, 'donorWritable' | 'donorEnded' | 'joinerEnded' | 'causes'>,
): string[] {
  const limit = visibleLimitSeconds + (fault.isSilent === true ? idleSeconds : 0);
  const problems: string[] = [];
  // Measured on a machine that does other things too: half a second of slack.
  if (donorWritable > limit + 0.5)
    problems.push(`the donor was writable after ${donorWritable.toFixed(1)} s only`);
  if (Math.max(donorEnded, joinerEnded) > limit + 3)
    problems.push(`the scripts ended after ${donorEnded.toFixed(1)} and ${joinerEnded.toFixed(1)} s only`);
  // Whoever was killed cannot say anything.
  const mute = /killed|for good|stopped$/.test(fault.name) ? side : undefined;
  for (const one of ['donor', 'joiner'] as const)
    if (one !== mute && causes[one] === '') problems.push(`the ${one} does not say why`);
  return problems;
}

function causeIn(log: string): string {
  const lines = log.split('\n').filter((line) => /WSREP_SST: \[ERROR\]/.test(line));
  return (lines[0] ?? '')
    .replace(/^.*\[ERROR\] /, '')
    .replace(/ HINT:.*$/, '')
    .slice(0, 300);
}

async function logLine(node: LabNode, from: number, line: RegExp): Promise<void> {
  await node.log.watch((text) => (line.test(text.slice(from)) ? true : undefined), 60_000);
}

async function since(startMs: number, limitSeconds: number, isOver: () => boolean): Promise<number> {
  while (Date.now() - startMs < limitSeconds * 1000) {
    if (isOver()) return (Date.now() - startMs) / 1000;
    await wait(30);
  }
  return Infinity;
}
