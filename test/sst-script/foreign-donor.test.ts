import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { dataModule, originalCompletionFile, placeModules } from '../../src/plan/modules.js';
import { lookAtPartialCopy, partialCopyFile, readBrokenTransfer } from '../../src/transfers/partial-copy.js';
import { stateId } from './bare-node.js';
import { Material } from './material.js';
import { waitingPair, type Pair } from './pair.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(240_000);
t.jobs = 2;

/** A joiner that lets donors with the original script in, whose last transfer has broken. */
function joinerOfForeignDonors(t: Test): Promise<Pair> {
  return waitingPair(t, material, {
    sst: { 'allow-donor-without-secret': '1' },
    prepare: (joiner) => {
      const header = { format: 1, transferId: 'the last one', startedAt: '2026-01-01T00:00:00Z', bootId: '' };
      joiner.file(`data/${partialCopyFile}`, `${JSON.stringify(header)}\n`);
    },
  });
}

/** What the original script's donor does with rsync. */
function send({ joiner }: Pair, args: readonly string[], module: string): void {
  const tls = `cert=${material.good.cert},key=${material.good.key},cafile=${material.ca}`;
  const tunnel = `sh -c 'exec socat STDIO OPENSSL:127.0.0.1:${joiner.port},${tls}'`;
  const { status, stderr } = spawnSync(
    'rsync',
    [`--rsh=${tunnel}`, '--timeout=20', ...args, `rsync://joiner/${module}/`],
    { env: { PATH: process.env['PATH'] }, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`rsync: ${String(status)} ${stderr}`);
}

function completionFile(t: Test): string {
  const file = join(t.testdir(), originalCompletionFile);
  writeFileSync(file, `${stateId}:42 0\n`, { mode: 0o644 });
  return file;
}

t.test(
  'an original donor that dies in the middle leaves a copy that is marked',
  { buffered: true },
  async (t) => {
    const pair = await joinerOfForeignDonors(t);
    const { joining, joiner } = pair;
    send(pair, ['-r', '--inplace', `${pair.donor.dataDir}/shop`], dataModule);
    await joining.said(/connection from/);
    joining.process.kill('SIGTERM');
    t.not(await joining.ended, 0);
    t.equal(lookAtPartialCopy(joiner.dataDir)?.transferId, joining.transferId());
    t.equal(readBrokenTransfer(joiner.dataDir), undefined, 'of which nothing is believed');
  },
);

for (const kind of ['full copy', 'position for an IST'] as const) {
  t.test(
    `an original donor's ${kind} leaves no marker, not even an older one`,
    { buffered: true },
    async (t) => {
      const pair = await joinerOfForeignDonors(t);
      const { dataDir } = pair.donor;
      if (kind === 'full copy') {
        send(pair, ['-r', '--inplace', `${dataDir}/shop`, `${dataDir}/ibdata1`], dataModule);
        send(pair, ['--inplace', `${dataDir}/ib_logfile0`], placeModules['innodb-log']);
      }
      send(pair, [completionFile(t)], dataModule);
      t.equal(await pair.joining.ended, 0, pair.joining.stderr.join('\n'));
      t.notOk(existsSync(join(pair.joiner.dataDir, partialCopyFile)));
    },
  );
}
