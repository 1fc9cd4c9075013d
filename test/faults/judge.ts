import { sides, type Side } from './fault.js';
import { idleSeconds } from './stage.js';
import type { Cell, CellResult } from './table.js';

/** How long after a fault that can be seen the donor must be free, and both sides must have ended. */
const freeWithinSeconds = 5;
const endedWithinSeconds = 8;

/** Measured on a machine that does other things too. */
const slackSeconds = 0.5;

type Measured = Pick<
  CellResult,
  'outcome' | 'donorWritable' | 'donorEnded' | 'joinerEnded' | 'causes' | 'statuses'
>;

/** What of a cell is not as it should be. */
export function judge({ fault, side, moment }: Cell, measured: Measured): string[] {
  const { outcome, donorWritable, donorEnded, joinerEnded, causes } = measured;
  if (fault.isHarmless === true) return outcome === 'failed' ? ['the transfer did not go on'] : [];
  if (outcome !== 'failed') return [];
  const silenceSeconds = fault.isSilent === true ? idleSeconds : 0;
  const problems: string[] = [];
  if ((donorWritable ?? 0) > freeWithinSeconds + silenceSeconds + slackSeconds)
    problems.push(`the donor was writable after ${(donorWritable ?? 0).toFixed(1)} s only`);
  for (const [one, ended] of [['donor', donorEnded] as const, ['joiner', joinerEnded] as const])
    if ((ended ?? 0) > endedWithinSeconds + silenceSeconds)
      problems.push(`the ${one}'s script ended after ${(ended ?? 0).toFixed(1)} s only`);
  const isMute = (one: Side): boolean =>
    (one === side && fault.mutes !== undefined) ||
    (one !== side && fault.isUntold === true) ||
    (one === 'donor' && side === 'joiner' && moment === 'before ready');
  for (const one of sides) {
    if (isMute(one)) continue;
    if (causes[one] === '') problems.push(`the ${one} does not say why`);
    else if (isBare(causes[one])) problems.push(`the ${one} names no cause but ${causes[one]}`);
  }
  const speaking = sides.filter((one) => !isMute(one) && causes[one] !== '');
  // They have not spoken with each other before: each names what it sees.
  if (moment === 'before ready' || moment === 'handshake') return problems;
  if (speaking.length === 2 && rootOf(causes.donor) !== rootOf(causes.joiner))
    problems.push(`two causes: ${causes.donor} / ${causes.joiner}`);
  return problems;
}

/** The code of the side that failed first: `PEER_FAILED: the donor failed with CODE: …` and `CODE: …` are one. */
function rootOf(cause: string): string {
  return /the (?:donor|joiner) failed with ([A-Z_]+)/.exec(cause)?.[1] ?? /^[A-Z_]+/.exec(cause)?.[0] ?? '';
}

/** A program's exit status or a broken pipe alone tells nobody anything. */
function isBare(cause: string): boolean {
  return /exited with status \d+$/.test(cause) || /^\S+ (?:\S+: )?broken pipe$/i.test(cause);
}
