import { setTimeout as wait } from 'node:timers/promises';
import { traces } from '../cluster/tunnel.js';
import type { LabNode } from '../lab/index.js';
import { judge } from './judge.js';
import { moments, sides, type Side } from './fault.js';
import { idleSeconds, type Stage } from './stage.js';
import type { Cell, CellResult } from './table.js';

/** Lets a transfer run into the fault, watches both sides, mends it, and lets the joiner try again. */
export async function play(stage: Stage, cell: Cell): Promise<CellResult> {
  const { fault, side, moment } = cell;
  const { donor, joiner } = stage;
  const node = stage[side];
  if (fault.throughAgents === true) await stage.startAgents();
  await stage.bearWith(fault.takesPatience === true ? 11 : 4);
  stage.limit(fault.limitSeconds);
  const logged = donor.errorLog().length;
  const logOf = (one: Side): string =>
    one === 'joiner' ? joiner.errorLog() : stage.donor.log.all().slice(loggedInAll);
  const loggedInAll = donor.log.all().length;
  const before = fault.isBeforehand === true ? await fault.strike(stage, node) : 0;
  const release = moment === 'lock' ? await stage.holdTables() : undefined;
  await stage.join('empty', moment === 'before ready' || moment === 'handshake' ? 'fast' : 'slow');
  const [watched, line, laterMs] = moments[moment];
  await logLine(stage[watched], watched === 'donor' ? logged : 0, line);
  if (laterMs > 0) await wait(laterMs);
  const struckMs = Date.now();
  const writable = stage.untilWritable(struckMs);
  const hits = fault.isBeforehand === true ? before : await fault.strike(stage, node);
  if (release !== undefined) setTimeout(() => void release(), 1500);
  const hasDonor = !/^(server|all) /.test(fault.name) || side !== 'donor';
  const limit = fault.isHarmless === true ? 60 + (fault.lastsSeconds ?? 0) : idleSeconds * 2 + 20;
  const isFrozen = (one: Side): boolean => side === one && fault.freezes === true;
  const ended = (one: Side): Promise<number | null> =>
    isFrozen(one)
      ? Promise.resolve(null)
      : since(struckMs, limit, () => stage.scripts(stage[one]).length === 0);
  const [donorEnded, joinerEnded, donorWritable] = await Promise.all([
    ended('donor'),
    ended('joiner'),
    hasDonor ? Promise.race([writable, wait(limit * 1000).then(() => Infinity)]) : null,
  ]);
  await release?.();
  const hasGoneOn = await joiner.waitFor('Synced', 15_000).then(
    () => true,
    () => false,
  );
  const causes = { donor: causeIn(logOf('donor')), joiner: causeIn(logOf('joiner')) };
  const statuses = { donor: statusIn(logOf('donor'), 'donor'), joiner: statusIn(logOf('joiner'), 'joiner') };
  const done = sides.filter((one) => /phase: done/.test(logOf(one)));
  // A joiner that is done has a complete copy, whatever has become of its donor meanwhile.
  const outcome = hasGoneOn ? 'went on' : done.includes('joiner') ? 'finished first' : 'failed';
  const measured = { outcome, donorWritable, donorEnded, joinerEnded, causes, statuses, hits } as const;
  const problems = judge(cell, { ...measured, done });
  // What is frozen cannot clean up: it is ended first.
  if (fault.freezes === true) await fault.mend?.(stage, node);
  if (outcome === 'failed') problems.push(...(await remains(stage, cell, logOf('joiner'))));
  let nextJoin: number | null = null;
  if (hasGoneOn) {
    // A stranger who hangs on is ended first.
    await fault.mend?.(stage, node);
    problems.push(...(await stage.isWhole(fault.freezes === true ? node : undefined)));
  } else {
    await joiner.kill();
    await fault.mend?.(stage, node);
    if (fault.throughAgents === true) await stage.startAgents();
    const againMs = Date.now();
    await stage.join('keep', 'fast');
    problems.push(...(await stage.isWhole()));
    nextJoin = (Date.now() - againMs) / 1000;
  }
  if (stage.isMarked()) problems.push('the marker is still there after a complete copy');
  await joiner.stop();
  await stage.stopAgents();
  return { fault: fault.name, side, moment, ...measured, nextJoin, problems };
}

/** What a failed transfer has left that it should not, and has not left that it should. */
async function remains(stage: Stage, { fault, side, moment }: Cell, joinerLog: string): Promise<string[]> {
  const { donor, joiner } = stage;
  const mayLeave = (one: Side): boolean => side === one && (fault.freezes === true || fault.mutes === 'host');
  const problems: string[] = [];
  for (const one of sides) {
    if (mayLeave(one)) continue;
    const found = (await traces([one === 'donor' ? donor : joiner])).filter(
      // Processes are looked for on both nodes at once.
      (name) => name !== '.galera-sst-tunnel.partial' && !(name.includes(' ') && mayLeave(other(one))),
    );
    // The server may write it when the script has ended long ago; the next transfer removes it.
    if (moment === 'lock' && found.includes('tables_flushed'))
      found.splice(found.indexOf('tables_flushed'), 1);
    problems.push(...new Set(found.map((name) => `left on the ${one}: ${name}`)));
    if (stage.isListening(stage[one])) problems.push(`the ${one} still listens`);
  }
  // Once it has answered the offer.
  if (/WSREP_SST: \[INFO\] phase: copying/.test(joinerLog) && !stage.isMarked() && moment !== 'verification')
    problems.push('the data directory is not marked as incomplete');
  if (!/^0{8}-/.test(stage.believed())) problems.push(`the joiner's Galera believes in ${stage.believed()}`);
  return problems;
}

const other = (side: Side): Side => (side === 'donor' ? 'joiner' : 'donor');

function causeIn(log: string): string {
  const lines = log.split('\n').filter((line) => /WSREP_SST: \[ERROR\]/.test(line));
  return (lines[0] ?? '')
    .replace(/^.*\[ERROR\] /, '')
    .replace(/ HINT:.*$/, '')
    .slice(0, 400);
}

/** As the server logs it: `Process completed with error: wsrep_sst_… --role 'donor' …: 32: Broken pipe`. */
function statusIn(log: string, role: Side): string {
  const line = new RegExp(`Process completed with error: \\S+ --role '${role}'.*: (\\d+)( \\(|:)`);
  return line.exec(log)?.[1] ?? '·';
}

async function logLine(node: LabNode, from: number, line: RegExp): Promise<void> {
  await node.log.watch((text) => (line.test(text.slice(from)) ? true : undefined), 60_000);
}

async function since(startMs: number, limitSeconds: number, isOver: () => boolean): Promise<number> {
  while (Date.now() - startMs < limitSeconds * 1000) {
    if (isOver()) return (Date.now() - startMs) / 1000;
    await wait(50);
  }
  return Infinity;
}
