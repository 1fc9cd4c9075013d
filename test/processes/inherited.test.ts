import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';

const moduleUrl = new URL('../../src/processes/inherited.js', import.meta.url).href;

/** Runs a process that was started with descriptors as the shell's `redirections` say, and closes the server's pipe before `rest`. */
function run(redirections: string, rest: string, ...words: string[]): string {
  const source = `
    import { closeServersPipe } from ${JSON.stringify(moduleUrl)};
    import { readlinkSync, writeSync } from 'node:fs';
    closeServersPipe();
    ${rest}`;
  const script = `{ exec ${redirections}; exec "$0" --input-type=module -e "$1"; } | cat`;
  return execFileSync('/bin/sh', ['-c', script, process.execPath, source, ...words], { encoding: 'utf8' });
}

t.test("the server's pipe is open at stdout only, and nothing else is closed", (t) => {
  // All of them before anything is written, for which descriptors are opened.
  const look = `
    const targetOf = (descriptor) => {
      try { return readlinkSync('/proc/self/fd/' + descriptor); } catch { return 'closed'; }
    };
    console.log([1, 7, 8].map(targetOf).join('\\n'));`;
  t.match(run('7>&1 8</dev/null', look).trim().split('\n'), [/^pipe:/, 'closed', '/dev/null']);
  t.end();
});

t.test('a file that stdout goes to stays', (t) => {
  const file = `${t.testdir()}/out`;
  run('>"$2" 7>&1', "writeSync(7, 'still open');", file);
  t.equal(readFileSync(file, 'utf8'), 'still open');
  t.end();
});
