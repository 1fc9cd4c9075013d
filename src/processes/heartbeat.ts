import { identifyThisProcess } from './holder.js';
import type { ProcessIdentity } from './proc.js';
import { runAside } from './spawn.js';

/** Ends this process when it stands still. */
export interface HeartbeatGuard {
  /** It may stand still from now on. */
  dismiss(): void;
}

/** How often to show that this process runs, at most. */
const beatAtMostEveryMs = 5000;

/**
 * Starts a shell that kills this process when its event loop has not turned for `limitMs`: when it was stopped (SIGSTOP), which nothing
 * in it can notice. The shell ends with this process and knows it by more than its pid. What stops both is no reason: it waits a moment
 * for a sign before it kills.
 * @param others are killed with it
 */
export function startHeartbeatGuard(
  limitMs: number,
  others: readonly ProcessIdentity[] = [],
  victim = identifyThisProcess(),
): HeartbeatGuard {
  const words = (one: ProcessIdentity): string[] => [String(one.pid), String(one.startTicks)];
  const shell = runAside(guarding, [...words(victim), String(limitMs / 1000), ...others.flatMap(words)], {});
  const beats = setInterval(() => shell.say('\n'), Math.min(beatAtMostEveryMs, limitMs / 5));
  beats.unref();
  return {
    dismiss: () => {
      clearInterval(beats);
      shell.letGo();
    },
  };
}

/**
 * A beat has `read` end with 0, the end of the pipe with 1; `timeout` tells by 124 that none came (coreutils 9.1), and by 125 to 127
 * that it cannot be run. Anything else is told of somebody who has ended `timeout`. Its timer goes on while it is stopped itself: when
 * all were (docker pause, the freezer of cgroups) it tells of 124 at once when they go on, whoever is first. So a process has another 2 s
 * then: its own timer is overdue too, and a beat comes as soon as its event loop turns.
 */
const guarding =
  'trap "" TERM INT HUP QUIT; while :; do timeout -s ALRM "$3" sh -c "read -r _" <&3; case $? in ' +
  '1|125|126|127) exit ;; ' +
  '124) timeout -s ALRM 2 sh -c "read -r _" <&3; case $? in 124) break ;; 1|125|126|127) exit ;; esac ;; ' +
  'esac; done; ' +
  'end() { victim=$1 start=$2; stat=$(cat "/proc/$victim/stat") || return; set -- ${stat##*) }; ' +
  '[ "${20}" = "$start" ] && kill -KILL "$victim"; }; ' +
  'end "$1" "$2"; shift 3; while [ $# -gt 1 ]; do end "$1" "$2"; shift 2; done';
