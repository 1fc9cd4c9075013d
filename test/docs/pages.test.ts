import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { sstOptions } from '../../src/config/sst-options.js';
import { socketVariable } from '../../src/control/socket.js';
import { errorTable } from '../../src/errors.js';

const page = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

t.test('the pages that are made from tables are up to date', async (t) => {
  const { status, stderr } = spawnSync('scripts/docs', ['--check'], { encoding: 'utf8' });
  t.equal(status, 0, stderr);
});

t.test('every option and every error has its entry', async (t) => {
  for (const name of sstOptions) t.ok(page('options.md').includes(`| \`${name}\``), name);
  for (const code of Object.keys(errorTable)) {
    const [, entry = ''] = page('errors.md').split(`## ${code}\n`);
    t.match(
      entry,
      /^\n[^\n]{20,}\.\n\nExit status \d+\. What to do: /,
      `${code}: cause, exit status, what to do`,
    );
  }
});

t.test('pages speak of errors that there are', async (t) => {
  const known = new Set([...Object.keys(errorTable), socketVariable, 'AGENT_OPTIONS', 'SCHED_BATCH']);
  for (const name of [
    'debugging.md',
    'faults.md',
    'upgrade.md',
    'containers.md',
    'installation.md',
    'security.md',
    'systemd.md',
  ]) {
    const codes = [...page(name).matchAll(/`([A-Z]+_[A-Z_]+)[`:]/g)].map(([, code = '']) => code);
    t.strictSame(
      codes.filter((code) => !known.has(code)),
      [],
      name,
    );
  }
});
