import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Test } from 'tap';
import { labProcesses } from '../lab/leftovers.js';
import { mergeGroups } from '../lab/option-file.js';
import {
  compareNodes,
  quote,
  type CertificatePaths,
  type LabNode,
  type NodeOptions,
  type OptionGroups,
} from '../lab/index.js';

/** Settings of a node that uses the tunnel under its host name, with private files where a test can look for them. */
export function tunnelOptions(
  node: LabNode,
  certificates: CertificatePaths,
  { groups, ...rest }: NodeOptions & { groups?: OptionGroups } = {},
): NodeOptions {
  return {
    sstMethod: 'rsync_tunnel',
    certificates,
    environment: { TMPDIR: temporaryDirectory(node) },
    defaultsArguments: [`--defaults-file=${node.optionFile}`],
    arguments: [],
    optionText: '',
    files: {},
    ...rest,
    groups: mergeGroups({ mysqld: { bind_address: node.host, wsrep_node_address: node.host } }, groups),
  };
}

const temporaryDirectory = (node: LabNode): string => join(node.directory, 'tmp');

/** Boots the donor of a file's tests. */
export async function boot(node: LabNode, options: NodeOptions): Promise<void> {
  await node.start({ ...options, bootstrap: true });
  await node.waitFor('Synced', 90_000);
}

/** A transfer that is to succeed. */
export interface Join {
  donor: LabNode;
  joiner: LabNode;
  /** How the joiner is started. */
  start: NodeOptions;
  /** IST: the joiner's data is kept. Default: an SST into an empty data directory. */
  kind?: 'SST' | 'IST';
  /** The script's warnings that belong to the case, each of which must come. */
  warnings?: readonly RegExp[];
}

/** What the two servers logged during a transfer. */
export interface JoinLogs {
  donor: string;
  joiner: string;
}

/** Lets a node join, and asserts everything that must hold after any transfer that went well. */
export async function joins(
  t: Test,
  { donor, joiner, start, kind = 'SST', warnings = [] }: Join,
): Promise<JoinLogs> {
  const logged = donor.errorLog().length;
  const groups = mergeGroups({ mysqld: { wsrep_sst_donor: donor.name } }, start.groups);
  await joiner.start({ data: kind === 'SST' ? 'empty' : 'keep', ...start, groups });
  try {
    await joiner.waitFor('Synced', 90_000);
    await donor.waitFor('Synced', 30_000);
  } catch (cause) {
    const said = (log: string): string => log.split('\n').slice(-60).join('\n');
    throw new Error(
      `${joiner.name} did not join; it said:\n${said(joiner.errorLog())}\n\nthe donor said:\n${said(donor.errorLog().slice(logged))}`,
      { cause },
    );
  }
  const logs = { donor: donor.errorLog().slice(logged), joiner: joiner.errorLog() };

  t.same(await compareNodes(donor, joiner), [], 'both nodes hold the same');
  t.same(await damagedTables(joiner), [], 'CHECK TABLE finds no damage');
  t.same(await stateOf(joiner), await stateOf(donor), 'both nodes are at the same position');
  t.same(complaints(logs.joiner, warnings), [], "the joiner's log has no errors and no unexpected warnings");
  t.same(complaints(logs.donor, warnings), [], "the donor's log has no errors and no unexpected warnings");
  for (const warning of warnings) t.match(logs.joiner + logs.donor, warning);
  t.same(await traces([donor, joiner]), [], 'the transfer has left nothing behind');
  if (kind === 'SST') {
    t.match(logs.donor, /WSREP_SST: \[INFO\] sent \d+ files/);
    t.match(logs.joiner, /WSREP_SST: \[INFO\] the copy is complete/);
  } else {
    t.match(logs.donor, /wsrep_sst_rsync_tunnel --role 'donor' .*--bypass/);
    t.notMatch(logs.donor, /WSREP_SST: .*(flush|sent \d+ files|stream)/);
    t.notMatch(logs.joiner, /the copy is complete/);
  }
  return logs;
}

/** Log lines that an administrator would have to worry about. */
export function complaints(log: string, expected: readonly RegExp[] = []): string[] {
  return log
    .split('\n')
    .filter((line) => /\[ERROR\]|WSREP_SST: \[WARNING\]/.test(line))
    .filter((line) => !expected.some((pattern) => pattern.test(line)));
}

async function damagedTables(node: LabNode, atMost = 100): Promise<string[]> {
  const tables = await node.query(
    `SELECT table_schema AS s, table_name AS t FROM information_schema.tables
     WHERE table_type = 'BASE TABLE' AND COALESCE(engine, '') <> 'MEMORY'
     AND table_schema NOT IN ('information_schema', 'performance_schema', 'sys')
     ORDER BY table_schema = 'mysql', 1, 2 LIMIT ${atMost}`,
  );
  const names = tables.map(({ s, t }) => `${quote(s ?? '')}.${quote(t ?? '')}`);
  const rows = await node.query(`CHECK TABLE ${names.join(', ')}`);
  return rows
    .filter(
      ({ Msg_type: type, Msg_text: text }) => !(type === 'note' || (type === 'status' && text === 'OK')),
    )
    .map((row) => `${row['Table'] ?? ''}: ${row['Msg_text'] ?? ''}`);
}

/** Where a node stands in the cluster's history; both nodes are idle when it is asked. */
async function stateOf(node: LabNode): Promise<Record<string, string | undefined>> {
  return {
    uuid: await node.wsrepStatus('local_state_uuid'),
    committed: await node.wsrepStatus('last_committed'),
    size: await node.wsrepStatus('cluster_size'),
  };
}

/** What a transfer may not leave: processes, private directories, claims and signs in the data directory. */
export async function traces(nodes: readonly LabNode[]): Promise<string[]> {
  const signs =
    /^(\.galera-sst-tunnel\..*|sst_in_progress|tables_flushed|sst_error|rsync_tunnel_sst_complete|.*\.sst|\..*\.[A-Za-z0-9]{6})$/;
  const scripts = await remainingScripts(nodes);
  const files = nodes.flatMap((node) => [
    ...namesIn(temporaryDirectory(node)).filter((name) => name.startsWith('galera-sst-tunnel')),
    ...namesIn(node.dataDirectory).filter((name) => signs.test(name)),
  ]);
  return [...files, ...scripts];
}

/** The script may still be on its way out when its last line has been read: it gets a moment. */
async function remainingScripts(nodes: readonly LabNode[]): Promise<string[]> {
  const enough = Date.now() + 10_000;
  for (;;) {
    const found = nodes.flatMap(scriptProcesses);
    if (found.length === 0 || Date.now() > enough) return found;
    await wait(50);
  }
}

/** The command line of every process of a node's lab that is no server and no capture. */
function scriptProcesses(node: LabNode): string[] {
  return (
    labProcesses(node.environment()['GST_LAB'] ?? '', '/nowhere')
      .map(argvOf)
      // An agent outlives its transfers.
      .filter((argv) => argv[2] !== 'agent')
      .filter(([program]) => program !== undefined && !/(^|\/)(mariadbd|mysqld|tcpdump|ip)$/.test(program))
      .map((argv) => argv.join(' '))
  );
}

function argvOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
