import { writeFileSync } from 'node:fs';

/** How often to ask, in ms: whoever is not root may ten times a second on the whole machine, and is told EAGAIN otherwise (Linux 6.18). */
const askAgainMs = 100;

/**
 * Has the session of a process give way as a whole. Where the kernel weighs sessions (`kernel.sched_autogroup_enabled`, and no control
 * group of its own for the server's processors), a nice value counts within one only, and what this program starts has one of its own:
 * beside a database it would have as much as that. Goes on asking for as long as the process is there; where it may not, or
 * the kernel does not weigh sessions, nothing is lost but the weight.
 * @param isGone whether the process has ended: its number may be somebody else's then
 */
export function giveWayAsSession(pid: number, nice: string, isGone: () => boolean, proc = '/proc'): void {
  if (isGone()) return;
  try {
    writeFileSync(`${proc}/${pid}/autogroup`, nice, { flag: 'r+' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
    setTimeout(() => giveWayAsSession(pid, nice, isGone, proc), askAgainMs).unref();
  }
}
