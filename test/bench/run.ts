import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Lab, LabNode } from '../lab/index.js';
import { formatGroups } from '../lab/option-file.js';
import { PeakWatch, wireBytes, type CpuAccount } from './accounting.js';
import { startAgents } from './agents.js';
import type { Heartbeat } from './heartbeat.js';
import { methods, sstMethodOf, type Candidate, type Certificate } from './methods.js';
import type { Scenario } from './options.js';
import type { Run } from './report.js';
import { takeTimes } from './timeline.js';

/** What all runs of one benchmark share. */
export interface Bench {
  lab: Lab;
  donor: LabNode;
  joiner: LabNode;
  certificates: Record<string, Certificate>;
  scenario: Scenario;
  cpu: CpuAccount;
  /** Undefined when nobody is to write. */
  heartbeat: Heartbeat | undefined;
  /** `kept` leaves the data but not the position, `position` leaves both: the node can catch up by IST. */
  joinerData: 'emptied' | 'kept' | 'position';
  /** A table that must be the same on both nodes afterwards. */
  witness: string;
}

/** The file beside a node's option file that holds `[sst]` and is rewritten for each method. */
export const sstFile = 'sst.cnf';

/** Where a node's stopwatch writes. */
export const timelineOf = (node: LabNode): string => join(node.directory, 'timeline');

const joinTimeoutMs = 1_800_000;
const settlingMs = 1500;

/** Lets the joiner join once by one method and measures it; afterwards the joiner is stopped. */
export async function runOnce(bench: Bench, candidate: Candidate, round: number): Promise<Run> {
  const { method } = candidate;
  const { lab, donor, joiner, cpu, heartbeat } = bench;
  configure(bench, candidate);
  // Before what all methods have alike: some seconds after it a virtual machine has given the old copy's memory back to its host.
  const agents = methods[method].hasAgent === true ? await startAgents(lab, [donor, joiner], cpu) : undefined;
  prepareJoinerData(bench);
  await warm(donor);
  // Agents look at once at directories that have changed.
  await setTimeout(settlingMs);
  for (const node of [donor, joiner]) takeTimes(timelineOf(node));
  const donorLog = donor.log.all().length;
  const wireBefore = await wireBytes(joiner);
  await heartbeat?.start();
  const peak = new PeakWatch(cpu);
  const cpuBefore = cpu.seconds();
  agents?.begin();

  const started = performance.now();
  await joiner.start({ sstMethod: sstMethodOf(method) });
  cpu.add(joiner.pid!);
  await joiner.waitForLog(/Synchronized with group, ready for connections/, joinTimeoutMs);
  const joinSeconds = (performance.now() - started) / 1000;

  const cpuSeconds = cpu.seconds() - cpuBefore;
  const scriptPeakMiB = peak.stop();
  const agentCosts = agents?.costs();
  const stalls = await heartbeat?.stop();
  const wireAfter = await wireBytes(joiner);
  await compare(bench);
  await joiner.stop();
  await donor.waitFor('Synced');
  await agents?.stop();
  const onJoiner = takeTimes(timelineOf(joiner));
  const onDonor = takeTimes(timelineOf(donor));
  assertKind(bench, donorLog);
  return {
    method: candidate.label,
    round,
    metrics: {
      joinSeconds,
      readyMs: onJoiner.readyMs,
      joinerScriptSeconds: onJoiner.scriptSeconds,
      donorScriptSeconds: onDonor.scriptSeconds,
      lockSeconds: onDonor.lockSeconds,
      ...stalls,
      cpuSeconds,
      wireMiB: wireBefore === undefined || wireAfter === undefined ? undefined : mebi(wireAfter - wireBefore),
      scriptPeakMiB,
      ...agentCosts,
    },
  };
}

/** After a run that failed: the joiner is gone, the donor back in service, or nothing more can be measured. */
export async function recover({ donor, joiner, heartbeat }: Bench): Promise<void> {
  if (joiner.isRunning()) await joiner.kill();
  await donor.waitFor('Synced', 300_000);
  await heartbeat?.stop().catch(() => undefined);
  for (const node of [donor, joiner]) takeTimes(timelineOf(node));
}

/** Both nodes read `[sst]` from this file; the donor's scripts read it anew for each transfer. */
export function configure(
  { donor, joiner, certificates }: Pick<Bench, 'donor' | 'joiner' | 'certificates'>,
  { method, sst: own }: Pick<Candidate, 'method' | 'sst'>,
): void {
  for (const node of [donor, joiner]) {
    const sst = { ...methods[method].sst(certificates[node.host]!), ...own };
    mkdirSync(node.directory, { recursive: true });
    writeFileSync(join(node.directory, sstFile), formatGroups({ sst }));
  }
}

/**
 * Of very many files ext4 gives away no inode again for a minute or longer after they were removed, and goes through all of them for each
 * new file (Linux 6.18): 20 s of system time instead of 3 for 40,000 files, for whichever method comes next. They are put aside, out of the node's directory, which a start goes through, and emptied:
 * the memory that they took up is free for the next copy then, as it is when files are removed.
 */
const manyFiles: readonly Scenario[] = ['many-tables', 'files'];

function prepareJoinerData({ lab, joiner, joinerData, scenario }: Bench): void {
  const folder = joiner.dataDirectory;
  if (joinerData === 'emptied' && manyFiles.includes(scenario) && existsSync(folder))
    putAside(folder, join(lab.root, 'aside', String(Date.now())));
  else if (joinerData === 'emptied') rmSync(folder, { recursive: true, force: true });
  if (joinerData === 'kept') rmSync(join(folder, 'grastate.dat'), { force: true });
}

function putAside(folder: string, aside: string): void {
  mkdirSync(dirname(aside), { recursive: true });
  renameSync(folder, aside);
  execFileSync('find', [aside, '-type', 'f', '-exec', 'truncate', '--size=0', '{}', '+']);
}

/** Reads the donor's files once, so that they come from memory in every run. */
async function warm(donor: LabNode): Promise<void> {
  const readAll = 'find "$1" -type f -exec cat -- {} + >/dev/null';
  await donor.exec(['sh', '-c', readAll, 'sh', donor.dataDirectory], { timeoutMs: 600_000 });
}

async function compare({ donor, joiner, witness }: Bench): Promise<void> {
  const count = async (node: LabNode): Promise<string> =>
    node.sql(`SELECT COUNT(*), MAX(id) FROM ${witness}`);
  const [sent, arrived] = [await count(donor), await count(joiner)];
  if (sent !== arrived) throw new Error(`${witness} differs: ${sent} on the donor, ${arrived} on the joiner`);
}

/** A benchmark of full transfers must not measure an IST, nor the other way round. */
function assertKind({ donor, joinerData }: Bench, logStart: number): void {
  const bypassed = /Running: '.*--role 'donor'.* --bypass/.test(donor.log.all().slice(logStart));
  if (bypassed !== (joinerData === 'position')) {
    throw new Error(
      bypassed ? 'expected a full transfer, got an IST' : 'expected an IST, got a full transfer',
    );
  }
}

const mebi = (bytes: number): number => bytes / 1024 / 1024;
