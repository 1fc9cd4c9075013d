/** A line that the SST script wrote into a server's error log. */
export interface ScriptLine {
  readonly node: string;
  readonly level: 'INFO' | 'WARNING' | 'ERROR';
  readonly text: string;
  /** Milliseconds since midnight. */
  readonly timeMs: number;
}

const line = /^WSREP_SST: \[(INFO|WARNING|ERROR)\] (.*) \(\d{8} (\d\d):(\d\d):(\d\d)\.(\d{3})\)$/;

/** The script's lines of a server's error log, in order. */
export function readScriptLines(node: string, log: string): ScriptLine[] {
  return log.split('\n').flatMap((text) => {
    const found = line.exec(text);
    if (found === null) return [];
    const [, level, said, ...time] = found;
    const [hours, minutes, seconds, millis] = time.map(Number);
    const timeMs = ((hours! * 60 + minutes!) * 60 + seconds!) * 1000 + millis!;
    return [{ node, level: level as ScriptLine['level'], text: said!, timeMs }];
  });
}

/** The lines of both sides as one sequence; those of the same millisecond stay in their own order. */
export function mergeScriptLines(...logs: readonly (readonly ScriptLine[])[]): ScriptLine[] {
  return logs.flat().sort((a, b) => a.timeMs - b.timeMs);
}

/** The commands that the script said it ran, in order: those of socat and rsync begin with a variable or their name. */
export function commandsOf(lines: readonly ScriptLine[]): { name: string; command: string }[] {
  return lines.flatMap(({ text }) => {
    const found = /^([a-z][a-z0-9 .]*): ((?:cd \S+ && |[A-Z_]+=\S* )*(?:socat|rsync) .*)$/.exec(text);
    return found === null ? [] : [{ name: found[1]!, command: found[2]! }];
  });
}
