import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { methods, sstMethodOf } from './methods.js';
import { readTimes, takeTimes, timelineVariable, writeStopwatches, type ScriptTimes } from './timeline.js';

const cases: { what: string; text: string; times: ScriptTimes }[] = [
  { what: 'a script that did not run has no times', text: '', times: {} },
  { what: 'a script that did not end has no duration', text: '5.5 start\n', times: {} },
  {
    what: "a joiner's script has a duration and the time to ready",
    text: '10.5 start\n10.75 ready\n12.5 end\n',
    times: { scriptSeconds: 2, readyMs: 250 },
  },
  {
    what: "a donor's script has a duration and the time of the lock",
    text: '1.5 start\n2 flush\n5 continue\n5.25 done\n5.5 end\n',
    times: { scriptSeconds: 4, lockSeconds: 3 },
  },
];
for (const { what, text, times } of cases) t.strictSame(readTimes(text), times, what);

t.test('a stopwatch passes arguments, lines and exit status through and keeps no secret', (t) => {
  const folder = t.testdir({ script: '#!/bin/sh\necho "ready user:secret@host $1"\nprintf last\nexit 16\n' });
  const script = join(folder, 'script');
  chmodSync(script, 0o755);
  const { rsync } = methods;
  const before = rsync.script;
  t.teardown(() => void (rsync.script = before));
  rsync.script = script;
  writeStopwatches(folder);
  const file = join(folder, 'timeline');

  const ran = spawnSync(join(folder, `wsrep_sst_${sstMethodOf('rsync')}`), ['--an argument'], {
    env: { ...process.env, [timelineVariable]: file },
    encoding: 'utf8',
  });

  t.match(ran, { status: 16, stdout: 'ready user:secret@host --an argument\nlast\n' });
  t.match(readFileSync(file, 'utf8'), /^[\d.]+ start\n[\d.]+ ready\n[\d.]+ last\n[\d.]+ end\n$/);
  const times = takeTimes(file);
  t.ok(times.readyMs !== undefined && times.scriptSeconds !== undefined);
  t.strictSame(takeTimes(file), {}, 'times are taken once');
  t.end();
});
