/**
 * The door to what a process finds around itself. What decides is given these as arguments; eslint lets nothing else
 * in `src/` touch them.
 */

/** The variables that this process was started with. */
export const environment: Readonly<NodeJS.ProcessEnv> = process.env;

/** As whom this process acts now: the effective user and group. */
export function ownUser(): { readonly uid: number; readonly gid: number } {
  // Only Windows lacks these; -1 is nobody, and leaves an owner as he is.
  return { uid: process.geteuid?.() ?? -1, gid: process.getegid?.() ?? -1 };
}

/** This host's clock. */
export function currentTime(): Date {
  return new Date();
}
