import { join } from 'node:path';
import { Lab, labCertificates } from '../lab/index.js';
import { run } from '../lab/commands.js';
import { agentSocketOf, agentVariable } from './agents.js';
import { openCpuAccount } from './accounting.js';
import { Heartbeat } from './heartbeat.js';
import { load } from './load.js';
import { sstMethodOf } from './methods.js';
import type { BenchOptions } from './options.js';
import { configure, sstFile, timelineOf, type Bench } from './run.js';
import { timelineVariable, writeStopwatches } from './timeline.js';

const slowLinkMbitPerSecond = 200;
const account = 'bench';

/** Makes two nodes, fills the donor and leaves it running; its data stays the same for all runs. */
export async function prepare(lab: Lab, options: BenchOptions): Promise<Bench> {
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const names = [donor, joiner].map(({ host, ipv4 }) => ({ name: host, names: [host, ipv4] }));
  const certificates = await labCertificates(lab.directory('certificates'), names);
  const stopwatches = lab.directory('bin');
  writeStopwatches(stopwatches);
  const { scenario } = options;
  configure({ donor, joiner, certificates }, { method: 'rsync', sst: {} });
  const lasting = (node: typeof donor): Parameters<typeof donor.start>[0] => ({
    groups: { mysqld: { innodb_buffer_pool_size: '256M', wsrep_sst_auth: `${account}:${account}` } },
    optionText: `\n!include ${join(node.directory, sstFile)}\n`,
    environment: { [timelineVariable]: timelineOf(node), [agentVariable]: agentSocketOf(lab, node) },
    path: [stopwatches],
  });

  await donor.start({ ...lasting(donor), bootstrap: true });
  await donor.waitFor('Synced');
  await donor.sql(
    `CREATE USER ${account}@localhost IDENTIFIED BY '${account}'; GRANT ALL ON *.* TO ${account}@localhost;`,
  );
  const heartbeat = options.writer ? new Heartbeat(donor) : undefined;
  await heartbeat?.prepare();
  const witness = await load(donor, options.scenario, options.sizeMiB);
  // A new start finds everything written to the tablespaces: no run pays for flushing what the load left.
  await donor.stop(600_000);
  await donor.start({ bootstrap: true });
  await donor.waitFor('Synced');

  const cpu = openCpuAccount();
  cpu.add(donor.pid!);
  const bench: Bench = {
    lab,
    donor,
    joiner,
    certificates,
    scenario,
    cpu,
    heartbeat,
    witness,
    joinerData: 'emptied',
  };
  await settleJoiner(bench, lasting(joiner), options);
  return bench;
}

/** Gives the joiner its lasting options and, where the scenario wants it, data to begin with. */
async function settleJoiner(
  bench: Bench,
  lasting: Parameters<Bench['joiner']['start']>[0],
  options: BenchOptions,
): Promise<void> {
  const { joiner } = bench;
  await joiner.start({ ...lasting, sstMethod: sstMethodOf('rsync') });
  await joiner.waitFor('Synced', 1_800_000);
  await joiner.stop();
  if (options.scenario === 'slow-link') joiner.limitLink(slowLinkMbitPerSecond);
  if (options.scenario === 'ist') bench.joinerData = 'position';
  else if (options.keepJoinerData) bench.joinerData = 'kept';
}

/** MiB that the donor's data directory takes on disk. */
export async function dataMiB({ donor }: Bench): Promise<number> {
  return Number((await run(['du', '-sm', donor.dataDirectory])).split('\t')[0]);
}
