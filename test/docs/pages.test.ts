import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { sstOptions } from '../../src/config/sst-options.js';
import { socketVariable } from '../../src/control/socket.js';
import { errorTable } from '../../src/errors.js';
import { tunnelVariable } from '../../src/plan/donor.js';

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

/** What is written like an error and is none: modes, what is before a line of the log, variables, and names of the system's. */
const others = [
  'VERIFY_IDENTITY',
  'VERIFY_CA',
  'WSREP_SST',
  'AGENT_OPTIONS',
  socketVariable,
  tunnelVariable,
  'OPENSSL_CONF',
  'RSYNC_CONNECT_PROG',
  'MALLOC_ARENA_MAX',
  'CONFIG_TLS',
  'SCHED_BATCH',
];

t.test('pages speak of errors that there are', async (t) => {
  const known = new Set([...Object.keys(errorTable), ...others]);
  const pages = readdirSync(new URL('../../../docs/', import.meta.url)).filter((name) =>
    name.endsWith('.md'),
  );
  t.ok(pages.length > 10);
  for (const name of ['../README.md', ...pages]) {
    const codes = [...page(name).matchAll(/`([A-Z]+_[A-Z_]+)[`:]/g)].map(([, code = '']) => code);
    t.strictSame(
      codes.filter((code) => !known.has(code)),
      [],
      name,
    );
  }
});
