import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';

// Stands in the place of the bundled program while coverage is measured. The server's user runs it with an environment of its
// own, without NODE_V8_COVERAGE: so it measures itself. A process that is killed has said nothing.

const left = fileURLToPath(new URL('../../left/', import.meta.url));

if (process.env['NODE_V8_COVERAGE'] === undefined) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  process.once('exit', () => {
    session.post('Profiler.takePreciseCoverage', (failed, coverage) => {
      if (failed !== null) return;
      mkdirSync(left, { recursive: true });
      writeFileSync(`${left}${process.pid}-${Date.now()}.json`, JSON.stringify(coverage));
    });
  });
}
const main = '../src/cli/main.js';
await import(main);
