import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { partialCopyFile } from '../../src/transfers/partial-copy.js';
import { runSync } from '../lab/commands.js';
import { Lab, seedBulk, type LabNode } from '../lab/index.js';
import { Authority } from './credentials.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

t.setTimeout(600_000);

const program = fileURLToPath(new URL('../../../dist/bin/galera-sst-tunnel.js', import.meta.url));

const lab = await Lab.create({ nodes: 3 });
t.teardown(() => lab.destroy());
const [donor, joiner, other] = [lab.node(1), lab.node(2), lab.node(3)];
const authority = await Authority.create(lab.directory('certificates'));
// What is no table is always sent: here it is to be little.
const mysqld = { innodb_log_file_size: '4M' };

async function optionsOf(node: LabNode, sst: Record<string, string> = {}) {
  return tunnelOptions(node, await authority.certifyNode(node), { groups: { mysqld, sst } });
}

await boot(donor, await optionsOf(donor, { rlimit: '50m' }));
await seedBulk(donor, { bytes: 400e6, tables: 60 });
const start = await optionsOf(joiner);

/** All bytes that a node has sent over its link. */
function sentBy({ namespace }: LabNode): number {
  const said: unknown = JSON.parse(
    runSync(['ip', '-n', namespace ?? '', '-s', '-j', 'link', 'show', 'eth0']),
  );
  return (said as [{ stats64: { tx: { bytes: number } } }])[0].stats64.tx.bytes;
}

/** Bytes on the wire from a donor until the joiner is Synced. */
async function bytesOfJoin(t: Tap, from: LabNode, to: LabNode, how: typeof start, data: 'empty' | 'keep') {
  const before = sentBy(from);
  const { joiner: log } = await joins(t, { donor: from, joiner: to, start: { ...how, data } });
  return { bytes: sentBy(from) - before, log };
}
type Tap = Parameters<typeof joins>[0];

/** The joiner's server is killed when so many bytes of its copy have left the donor. */
async function breakAfter(bytes: number): Promise<void> {
  const before = sentBy(donor);
  const groups = { ...start.groups, mysqld: { ...start.groups?.['mysqld'], wsrep_sst_donor: donor.name } };
  await joiner.start({ ...start, groups, data: 'empty' });
  while (sentBy(donor) - before < bytes) {
    if (/the copy is complete/.test(joiner.errorLog())) throw new Error('it did not take so many bytes');
    await wait(20);
  }
  await joiner.kill();
  await joiner.waitForExit();
  await donor.waitFor('Synced', 60_000);
}

const marker = join(joiner.dataDirectory, partialCopyFile);

/** The marker as after a new start of the joiner's host. */
function startHostAnew(): void {
  const { mtime } = statSync(marker);
  const text = readFileSync(marker, 'utf8');
  writeFileSync(marker, text.replace(/"bootId":"[^"]*"/, '"bootId":"the one before"'));
  utimesSync(marker, mtime, mtime);
}

let full = 0;
t.test('a full copy', async (t) => {
  const first = await bytesOfJoin(t, donor, other, await optionsOf(other), 'empty');
  full = first.bytes;
  t.comment(`a full copy takes ${full} bytes on the wire`);
});

const cases = [
  {
    title: 'from the same donor what has come is not sent again',
    from: donor,
    change: () => undefined,
    says: / ([3-9]\d|[1-9]\d\d) files need not be sent again/,
  },
  {
    title: 'from another donor the differences are sent',
    from: other,
    change: () => undefined,
    says: / 0 files need not be sent again, [3-9]\d are compared by content/,
  },
  {
    title: 'after a new start of its host the differences are sent',
    from: donor,
    change: startHostAnew,
    says: / 0 files need not be sent again, [3-9]\d are compared by content/,
  },
] as const;

for (const { title, from, change, says } of cases) {
  t.test(`a transfer that broke late is gone on with: ${title}`, async (t) => {
    await breakAfter(0.85 * full);
    const words = ['check', `--defaults-file=${joiner.optionFile}`];
    const argv = joiner.wrap([process.execPath, program, ...words]);
    const { stdout } = spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8', env: joiner.environment() });
    t.match(
      stdout,
      /COPY_INCOMPLETE.* holds an incomplete copy: transfer \S+, begun at/,
      '`check` tells of it',
    );
    change();
    const { bytes, log } = await bytesOfJoin(t, from, joiner, start, 'keep');
    t.match(log, says);
    t.ok(bytes <= 0.2 * full, `${bytes} bytes were sent, ${(bytes / full).toFixed(3)} of ${full}`);
    await joiner.stop();
  });
}
