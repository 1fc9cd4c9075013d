import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { argumentsOf, readServerOption } from '../../src/agent/servers.js';
import { blocksOf, sectionOf } from './blocks.js';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(join(checkout, 'docs/systemd.md'), 'utf8');
const unitName = 'galera-sst-tunnel.service';
const unit = readFileSync(join(checkout, 'systemd', unitName), 'utf8');
const directives = unit.split('\n').filter((line) => /^[A-Z][A-Za-z]*=/.test(line));

const isThere = spawnSync('systemd-analyze', ['--version']).status === 0;
const skip = isThere ? false : 'systemd-analyze is not installed';

/** The first column of all tables of a section: what it says stands in the unit. */
const quoted = sectionOf(page, /What the unit allows/)
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, text = '']) => text));

t.test('what the page quotes of the unit is in it', async (t) => {
  t.ok(quoted.length > 30, 'there is something');
  t.strictSame(
    quoted.filter((directive) => !directives.includes(directive)),
    [],
  );
});

t.test('nothing of the sandbox is left out', async (t) => {
  const [, sandbox = ''] = unit.split('# Sandbox.');
  const its = sandbox
    .split('[Install]')[0]!
    .split('\n')
    .filter((line) => directives.includes(line));
  t.ok(its.length > 20, 'there is something');
  t.strictSame(
    its.filter((directive) => !quoted.includes(directive)),
    [],
  );
});

/** What systemd says of the unit with a drop-in. */
function complaintsOf(t: Test, dropIn: string): string[] {
  const folder = t.testdir();
  // The program need not be installed here.
  writeFileSync(join(folder, unitName), unit.replace('ExecStart=galera-sst-tunnel', 'ExecStart=/bin/true'));
  mkdirSync(join(folder, `${unitName}.d`));
  writeFileSync(join(folder, `${unitName}.d/override.conf`), `${dropIn}\n`);
  const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(folder, unitName)], {
    encoding: 'utf8',
  });
  return `${stdout}${stderr}`.split('\n').filter((line) => line.includes('galera-sst-tunnel'));
}

t.test('systemd accepts every drop-in', { skip }, async (t) => {
  const dropIns = blocksOf(sectionOf(page, /^## Drop-ins/));
  t.ok(dropIns.length >= 6, 'there are some');
  for (const dropIn of dropIns) {
    t.match(dropIn, /^\[Service\]\n/);
    t.strictSame(complaintsOf(t, dropIn), [], dropIn);
  }
  t.not(complaintsOf(t, '[Service]\nReadWritablePaths=/srv').length, 0, 'it would complain');
});

t.test('the servers that the page names are read as it says', async (t) => {
  const [, options = ''] = /^ {4}AGENT_OPTIONS='(.*)'$/m.exec(sectionOf(page, /Several servers/)) ?? [];
  const servers = options.split(' ').map((word) => readServerOption(word.replace(/^--server=/, '')));
  const [first, second] = servers.map(({ argv }) => argumentsOf(argv));
  t.equal(first?.defaultsFile, '/etc/mysql/node1.cnf');
  t.equal(second?.defaultsGroupSuffix, '.node2');
});
