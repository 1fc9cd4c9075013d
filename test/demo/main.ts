import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { capture, Lab, leftovers, portsWithData, searchCapture, type LabNode } from '../lab/index.js';
import { checkout, readableCheckout } from '../suite/checkout.js';
import { compare, fill, protocolNeedles, rowNeedles, settingsFor } from './cluster.js';
import { commandsOf, mergeScriptLines, readScriptLines, type ScriptLine } from './script-log.js';
import { Story } from './story.js';

const usage = `usage: scripts/demo [--mib 200]
  Lets a node join a cluster of two real servers through the tunnel, telling what happens; exit status 0 when
  everything that was checked holds.
  --mib NUMBER   how much there is to copy beside the tables of every kind`;

const hasColours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const story = new Story({ write: (text) => process.stdout.write(text), hasColours });

async function main(bulkMiB: number): Promise<boolean> {
  const lab = await Lab.create({ nodes: 2, ownTemplates: true });
  try {
    return await tell(lab, bulkMiB);
  } finally {
    lab.destroy();
  }
}

/** The story; true when everything that was checked holds. */
async function tell(lab: Lab, bulkMiB: number): Promise<boolean> {
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  story.title('galera-sst-tunnel: a node joins a MariaDB Galera cluster through TLS tunnels');
  const settings = await settingsFor(lab);

  story.step(`${donor.name} starts a cluster and is filled with data`);
  await donor.start({ ...settings.get(donor), bootstrap: true });
  await donor.waitFor('Synced');
  await fill(donor, bulkMiB);
  for (const line of await describeData(donor)) story.fact(line);

  story.step(`${joiner.name} is empty and starts: Galera asks for a state snapshot transfer (SST)`);
  const wire = await capture(joiner, { filter: trafficOf(lab) });
  const started = performance.now();
  await joiner.start(settings.get(joiner));
  await joiner.waitFor('Synced', 120_000);
  const seconds = (performance.now() - started) / 1000;
  const captured = await wire.stop();
  const lines = mergeScriptLines(scriptLines(donor), scriptLines(joiner));
  for (const { node, text, at } of timeline(lines)) story.fact(`${at}  ${node}  ${text}`);
  story.fact(`synced ${seconds.toFixed(1)} s after the start of its server`);

  story.step('What ran, as both error logs have it (ready to be pasted into a shell, the secret left out)');
  for (const { name, command } of shortened(commandsOf(lines))) story.command(name, command);

  story.step('Do both nodes hold the same?');
  const isSame = await checkSame(donor, joiner);
  story.step('What could be seen on the wire?');
  const isSilent = checkWire(captured, donor);

  story.step(`${joiner.name} stops, ${donor.name} goes on writing, ${joiner.name} comes back`);
  await joiner.stop();
  await donor.sql(
    "USE kinds_innodb; INSERT INTO plain (word) SELECT CONCAT('later-', seq) FROM seq_1_to_1000",
  );
  const back = performance.now();
  await joiner.start();
  await joiner.waitFor('Synced');
  story.fact(`synced ${((performance.now() - back) / 1000).toFixed(1)} s after the start of its server`);
  const ist = timeline(scriptLines(joiner));
  for (const { node, text, at } of ist) story.fact(`${at}  ${node}  ${text}`);
  const isIncremental = ist.some(({ text }) => text.includes('(IST)'));
  story.check(isIncremental, 'an incremental state transfer (IST) was enough: no data was copied');
  const isStillSame = await checkSame(donor, joiner);

  story.step('Cleaning up');
  lab.destroy();
  const left = leftovers(lab.name, lab.root);
  story.check(left.length === 0, left.length === 0 ? 'nothing is left behind' : left.join('\n'));
  const isGood = isSame && isSilent && isIncremental && isStillSame && left.length === 0;
  story.title(isGood ? '\nEverything that was checked holds.' : '\nNot everything that was checked holds.');
  return isGood;
}

/** On loopback the host's own traffic passes, too. */
function trafficOf(lab: Lab): string {
  return lab.mode === 'loopback' ? lab.nodes.map(({ ipv4 }) => `host ${ipv4}`).join(' or ') : '';
}

async function describeData(node: LabNode): Promise<string[]> {
  const engines = await node.query(`SELECT engine, COUNT(*) AS tables FROM information_schema.tables
    WHERE table_type IN ('BASE TABLE', 'SEQUENCE') AND table_schema NOT IN ('information_schema', 'performance_schema')
    AND engine IS NOT NULL GROUP BY 1 ORDER BY 2 DESC`);
  const [zones] = await node.query('SELECT COUNT(*) AS zones FROM mysql.time_zone_name');
  const size = spawnSync('du', ['-sm', '--', node.dataDirectory], { encoding: 'utf8' }).stdout.split('\t')[0];
  return [
    `tables: ${engines.map(({ engine, tables }) => `${tables ?? '0'} ${engine ?? ''}`).join(', ')}`,
    'compressed, partitioned, encrypted, versioned ones; views, triggers, routines; names like $(touch pwned)',
    `${zones?.['zones'] ?? '0'} time zones; ${size ?? '?'} MB on disk`,
  ];
}

const scriptLines = (node: LabNode): ScriptLine[] => readScriptLines(node.name, node.errorLog());

/** What happened, without the commands, with the seconds since the first line. */
function timeline(lines: readonly ScriptLine[]): { node: string; text: string; at: string }[] {
  const first = lines[0]?.timeMs ?? 0;
  return lines
    .filter((line) => commandsOf([line]).length === 0 && !line.text.startsWith('each rsync below'))
    .map(({ node, level, text, timeMs }) => ({
      node,
      text: level === 'INFO' ? text : `${level} ${text}`,
      at: `+${((timeMs - first) / 1000).toFixed(2).padStart(5)} s`,
    }));
}

/** The tunnel's address stands before every rsync: once is enough, for a reader and for a shell. */
function shortened(
  commands: readonly { name: string; command: string }[],
): { name: string; command: string }[] {
  let exported = '';
  return commands.flatMap(({ name, command }) => {
    const [assignment = ''] = /^GALERA_SST_TUNNEL_TO=\S+ /.exec(command) ?? [];
    const short = { name, command: command.slice(assignment.length) };
    if (assignment === '' || assignment === exported) return [short];
    exported = assignment;
    return [{ name: 'for all that follow', command: `export ${assignment.trim()}` }, short];
  });
}

async function checkSame(donor: LabNode, joiner: LabNode): Promise<boolean> {
  const { tables, differing } = await compare(donor, joiner);
  const isSame = tables > 0 && differing.length === 0;
  story.check(isSame, `CHECKSUM TABLE of ${tables} tables on both nodes: ${differing.length} differ`);
  story.fact(
    '(all but MEMORY tables, which lie in no file, and those of the system that are each node’s own)',
  );
  for (const table of differing) story.fact(table);
  return isSame;
}

function checkWire(file: string, donor: LabNode): boolean {
  const ports = [...portsWithData(file)].sort(([, a], [, b]) => b - a);
  for (const [port, bytes] of ports) {
    story.fact(`port ${port}: ${(bytes / 1e6).toFixed(3)} MB, ${knownPorts.get(port) ?? 'something else'}`);
  }
  const isOnlyKnown = ports.every(([port]) => knownPorts.has(port));
  story.check(isOnlyKnown, "only the tunnel's port and Galera's own two (here with TLS, too) carried data");
  const onDisk = rowNeedles.filter((needle) => holds(donor.dataDirectory, needle));
  story.check(
    onDisk.length === rowNeedles.length,
    `texts that are in ${donor.name}'s files: ${onDisk.join(', ')}`,
  );
  const found = searchCapture(file, [...rowNeedles, ...protocolNeedles]);
  story.check(
    found.length === 0,
    `searched in every connection, them and rsync's ${protocolNeedles.join(', ')}: found ${found.length === 0 ? 'none' : found.join(', ')}`,
  );
  return isOnlyKnown && onDisk.length === rowNeedles.length && found.length === 0;
}

const knownPorts = new Map([
  [4444, 'the tunnel'],
  [4567, "Galera's group communication"],
  [4568, "Galera's own incremental transfer"],
]);

const holds = (folder: string, text: string): boolean =>
  spawnSync('grep', ['-rqaF', '-e', text, '--', folder]).status === 0;

/** Where the servers' user cannot read this checkout, a copy that it can read tells the story instead. */
function tellFromCopy(root: string): boolean {
  // An interrupt ends the copy's process, and then this one goes on to remove the copy.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const main = join(root, 'dist/test/demo/main.js');
  return spawnSync(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' }).status === 0;
}

const folders: string[] = [];

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gst-demo-'));
  folders.push(folder);
  chmodSync(folder, 0o755);
  return folder;
}

/** How much to copy; undefined when help was asked for. */
function readBulkMiB(): number | undefined {
  const options = { mib: { type: 'string', default: '200' }, help: { type: 'boolean', short: 'h' } } as const;
  try {
    const { mib, help } = parseArgs({ options }).values;
    if (help === true) return undefined;
    if (!/^[1-9]\d{0,5}$/.test(mib)) throw new Error(`--mib is ${mib}, expected a number from 1 to 999999`);
    return Number(mib);
  } catch (error) {
    console.error(`demo: ${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(22);
  }
}

async function run(): Promise<boolean> {
  const bulkMiB = readBulkMiB();
  if (bulkMiB === undefined) {
    console.log(usage);
    return true;
  }
  const root = readableCheckout(makeFolder);
  return root === checkout ? main(bulkMiB) : tellFromCopy(root);
}

try {
  process.exitCode = (await run()) ? 0 : 1;
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
