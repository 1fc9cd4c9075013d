import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { socketVariable } from '../../src/control/socket.js';
import { agentVariable } from './agents.js';
import { methodNames, methods, sstMethodOf } from './methods.js';

/** The environment variable that tells a server's scripts where to note their times. */
export const timelineVariable = 'BENCH_TIMELINE';

/**
 * Puts a program in front of every method's script that notes when the script starts, says a line and ends.
 * Of a line only the first word is kept: the rest may hold a secret.
 */
export function writeStopwatches(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of methodNames) {
    const socket = methods[name].hasAgent === true ? `$${agentVariable}` : '/no/agent';
    const text = `#!/bin/bash
export ${socketVariable}="${socket}"
note() { echo "$EPOCHREALTIME $1" >>"$${timelineVariable}"; }
note start
'${methods[name].script}' "$@" | while IFS= read -r line || [ -n "$line" ]; do
  note "\${line%% *}"
  printf '%s\\n' "$line"
done
status=\${PIPESTATUS[0]}
note end
exit "$status"
`;
    writeFileSync(join(folder, `wsrep_sst_${sstMethodOf(name)}`), text, { mode: 0o755 });
  }
}

/** What a script's own clock tells; a value is absent where the script did not come that far. */
export interface ScriptTimes {
  scriptSeconds?: number;
  readyMs?: number;
  /** From asking for the global read lock to giving it back, where the script takes it that way. */
  lockSeconds?: number;
}

/** Reads the lines `<seconds> <what>` that the stopwatch of one node wrote. */
export function readTimes(text: string): ScriptTimes {
  const moments = new Map(
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line): [string, number] => [line.split(' ')[1] ?? '', Number(line.split(' ')[0])]),
  );
  const between = (from: string, to: string): number | undefined => {
    const [start, end] = [moments.get(from), moments.get(to)];
    return start === undefined || end === undefined ? undefined : end - start;
  };
  const [scriptSeconds, ready, lockSeconds] = [
    between('start', 'end'),
    between('start', 'ready'),
    between('flush', 'continue'),
  ];
  return {
    ...(scriptSeconds === undefined ? {} : { scriptSeconds }),
    ...(ready === undefined ? {} : { readyMs: ready * 1000 }),
    ...(lockSeconds === undefined ? {} : { lockSeconds }),
  };
}

/** Takes the times that were noted since the last call. */
export function takeTimes(file: string): ScriptTimes {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  rmSync(file, { force: true });
  return readTimes(text);
}
