import { errorTable, type ErrorCode } from '../../src/errors.js';
import { sides, type RootCause, type Side } from './fault.js';
import { idleSeconds, initialSeconds } from './stage.js';
import type { Cell, CellResult } from './table.js';

/** How long after a fault that can be seen the donor must be free, and both sides must have ended. */
const freeWithinSeconds = 5;
const endedWithinSeconds = 8;

/** How long a transfer that goes on may take after the fault: with 60 MB at 20 MB/s, and what is verified. */
const goesOnWithinSeconds = 25;

/** Measured on a machine that does other things too. */
const slackSeconds = 0.5;

type Measured = Pick<
  CellResult,
  'outcome' | 'donorWritable' | 'donorEnded' | 'joinerEnded' | 'causes' | 'statuses' | 'hits'
> & {
  /** Those that had ended well: they have nothing to say. */
  readonly done?: readonly Side[];
};

/** What of a cell is not as it should be. */
export function judge(cell: Cell, measured: Measured): string[] {
  const missed = measured.hits === 0 ? ['the fault has hit nothing'] : [];
  if (measured.outcome !== 'failed') return [...missed, ...judgeDelay(cell, measured)];
  if (cell.fault.isHarmless === true && cell.fault.cause === undefined)
    return [...missed, 'the transfer did not go on'];
  return [...missed, ...judgeTimes(cell, measured), ...judgeCauses(cell, measured)];
}

/** A transfer that went on, or ended before, may not have stood still for long. */
function judgeDelay(
  { fault: { lastsSeconds = 0 } }: Cell,
  { donorWritable, donorEnded, joinerEnded }: Measured,
): string[] {
  const limit = lastsSeconds + goesOnWithinSeconds;
  return [
    ...tooLate('the donor was writable', donorWritable, limit),
    ...tooLate("the donor's script ended", donorEnded, limit),
    ...tooLate("the joiner's script ended", joinerEnded, limit),
  ];
}

/** Of a donor that is gone without a word a joiner may learn no earlier than from its own limit, before the first login the initial one. */
function limitOfJoiner({ fault, side, moment }: Cell): number {
  if (fault.parts === true && moment === 'handshake') return initialSeconds;
  if (side !== 'donor' || (fault.mutes !== 'host' && fault.freezes !== true)) return 0;
  return moment === 'handshake' ? initialSeconds : idleSeconds;
}

/** Galera notices after 5 s that a server is gone (`evs.suspect_timeout`), and forms the cluster anew; the donor waits for that alone. */
function electionSeconds({ fault, side }: Cell): number {
  return side === 'joiner' && /^(server|all) /.test(fault.name) ? 1 : 0;
}

function judgeTimes(cell: Cell, { donorWritable, donorEnded, joinerEnded }: Measured): string[] {
  const { fault } = cell;
  const silenceSeconds = (fault.isSilent === true ? idleSeconds : 0) + (fault.lastsSeconds ?? 0);
  const ended = endedWithinSeconds + silenceSeconds;
  return [
    ...tooLate(
      'the donor was writable',
      donorWritable,
      freeWithinSeconds + silenceSeconds + slackSeconds + electionSeconds(cell),
    ),
    ...tooLate("the donor's script ended", donorEnded, ended),
    ...tooLate("the joiner's script ended", joinerEnded, ended + limitOfJoiner(cell)),
  ];
}

function tooLate(what: string, seconds: number | null, limit: number): string[] {
  return (seconds ?? 0) > limit ? [`${what} after ${(seconds ?? 0).toFixed(1)} s only`] : [];
}

function judgeCauses(cell: Cell, { causes, statuses, done = [] }: Measured): string[] {
  const { fault, side, moment } = cell;
  const problems: string[] = [];
  const isMute = (one: Side): boolean =>
    done.includes(one) ||
    (one === side && fault.mutes !== undefined) ||
    (one !== side && fault.isUntold === true) ||
    (one === 'donor' && side === 'joiner' && moment === 'before ready');
  for (const one of sides) {
    problems.push(...judgeStatus(one, causes[one], statuses[one]));
    if (isMute(one)) continue;
    if (causes[one] === '') problems.push(`the ${one} does not say why`);
    else if (isBare(causes[one])) problems.push(`the ${one} names no cause but ${causes[one]}`);
  }
  // Before the copy they have not spoken with each other: each names what it sees.
  const isEarly = moment === 'before ready' || moment === 'handshake';
  const speaking = sides.filter((one) => !isMute(one) && causes[one] !== '');
  for (const one of speaking) {
    if (isEarly && one !== side) continue;
    const { codes, says = /./ }: RootCause = fault.cause ?? { codes: [] };
    const root = rootOf(causes[one]);
    if (one === 'joiner' && alsoSeenByJoiner(cell).some((code) => code === root)) continue;
    if (!codes.some((code) => code === root) || !says.test(causes[one]))
      problems.push(`the ${one} names another cause than ${codes.join(' or ')}: ${causes[one]}`);
  }
  if (
    !isEarly &&
    fault.parts !== true &&
    speaking.length === 2 &&
    rootOf(causes.donor) !== rootOf(causes.joiner)
  )
    problems.push(`two causes: ${causes.donor} / ${causes.joiner}`);
  return problems;
}

/** What a joiner may know instead when its donor could not say anything. */
function alsoSeenByJoiner({ fault, side, moment }: Cell): readonly ErrorCode[] {
  // One that stood still until its donor had given up finds that Galera has ended its server.
  if (side === 'joiner' && fault.lastsSeconds !== undefined) return ['PARENT_GONE'];
  if (side !== 'donor' || fault.mutes === undefined) return [];
  const isSent = moment === 'final file' || moment === 'verification';
  const isEndedByGuard = fault.freezes === true && (moment === 'lock' || moment === 'locked pass');
  // Galera ends the joiner's server when the donor's has reported the failure of its script.
  return [
    ...(limitOfJoiner({ fault, side, moment }) > 0 ? (['TIMED_OUT'] as const) : []),
    ...(isSent || isEndedByGuard ? (['PARENT_GONE'] as const) : []),
  ];
}

/** The server is told the status of the cause that the script has logged; of one that was gone first nothing is known. */
function judgeStatus(side: Side, cause: string, status: string): string[] {
  const code = /^[A-Z_]+(?=:)/.exec(cause)?.[0];
  if (status === '·' || code === undefined || !Object.hasOwn(errorTable, code)) return [];
  const wanted = String(errorTable[code as ErrorCode].exit);
  return status === wanted ? [] : [`the ${side}'s script ended with ${status}, not with ${wanted} (${code})`];
}

/** The code of the side that failed first: `PEER_FAILED: the donor failed with CODE: …` and `CODE: …` are one. */
function rootOf(cause: string): string {
  return /the (?:donor|joiner) failed with ([A-Z_]+)/.exec(cause)?.[1] ?? /^[A-Z_]+/.exec(cause)?.[0] ?? '';
}

/** A program's exit status or a broken pipe alone tells nobody anything. */
function isBare(cause: string): boolean {
  return /exited with status \d+$/.test(cause) || /^\S+ (?:\S+: )?broken pipe$/i.test(cause);
}
