import { readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { compareNodes, Lab, labCertificates, type LabNode, type NodeOptions } from '../lab/index.js';
import { labProcesses } from '../lab/leftovers.js';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const standIn = join(checkout, 'test/lab/original/wsrep_sst_rsync_tunnel_original');

/** Which program answers to `wsrep_sst_rsync_tunnel` on a node. */
export type Script = 'old' | 'new';

/** A cluster in which each node runs either script, all with certificates of one CA. */
export interface MixedCluster {
  readonly lab: Lab;
  /** Starts a node with one of the scripts and waits until it is Synced. */
  readonly start: (node: LabNode, script: Script, options?: NodeOptions) => Promise<void>;
  /** The same without waiting. */
  readonly launch: (node: LabNode, script: Script, options?: NodeOptions) => Promise<void>;
}

export async function mixedCluster(
  t: { teardown: (act: () => void) => void },
  nodes = 2,
): Promise<MixedCluster> {
  const lab = await Lab.create({ nodes });
  t.teardown(() => lab.destroy());
  const oldScripts = lab.directory('bin');
  symlinkSync(standIn, join(oldScripts, 'wsrep_sst_rsync_tunnel'));
  const subjects = lab.nodes.map(({ host, ipv4 }) => ({ name: host, names: [host, ipv4] }));
  const certificates = await labCertificates(lab.directory('certificates'), subjects);
  const launch: MixedCluster['launch'] = (node, script, options = {}) => {
    const { groups, ...others } = options;
    return node.start({
      path: [script === 'old' ? oldScripts : join(checkout, 'scripts')],
      sstMethod: 'rsync_tunnel',
      certificates: certificates[node.host]!,
      groups: { ...groups, sst: { tmpdir: node.makeDirectory('sst-tmp'), ...groups?.['sst'] } },
      ...others,
    });
  };
  const start: MixedCluster['start'] = async (node, script, options) => {
    await launch(node, script, options);
    await node.waitFor('Synced', 60_000);
  };
  return { lab, start, launch };
}

const tmpDirOf = (node: LabNode): string => join(node.directory, 'sst-tmp');

/** Rows in tables of the engines that a copy can get wrong. */
export const rows = `CREATE DATABASE shop;
CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT, what TEXT) ENGINE=InnoDB;
CREATE TABLE shop.notes (id INT PRIMARY KEY, what TEXT) ENGINE=Aria TRANSACTIONAL=1;
CREATE TABLE shop.lists (id INT PRIMARY KEY, what TEXT) ENGINE=MyISAM;
INSERT INTO shop.notes VALUES (1, 'one'), (2, 'two');
INSERT INTO shop.lists VALUES (1, 'one'), (2, 'two');
INSERT INTO shop.orders (what) SELECT CONCAT('order ', seq) FROM shop.seq_1_to_1000;`;

/** What is wrong with a copy: differing tables, and tables that CHECK TABLE complains about. Nothing is right. */
export async function flaws(donor: LabNode, joiner: LabNode): Promise<string[]> {
  const checked = await joiner.query(
    'CHECK TABLE shop.orders, shop.notes, shop.lists, mysql.proc, mysql.global_priv, mysql.innodb_table_stats EXTENDED',
  );
  const complaints = checked
    .filter((row) => row['Msg_type'] !== 'status' || row['Msg_text'] !== 'OK')
    .map((row) => Object.values(row).join(' '));
  return [...complaints, ...(await compareNodes(donor, joiner))];
}

/**
 * What a transfer has left on a node, one line each. Its processes are given a few seconds to end. The original
 * script leaves the completion file in the directory of a donor.
 */
export async function traces(lab: Lab, node: LabNode, role?: 'old donor'): Promise<string[]> {
  const isTrace =
    /^(\.galera-sst-tunnel\.(json|partial)|sst_in_progress|rsync_tunnel_sst.*|\.rsync_tunnel_sst.*|tables_flushed|sst_error)$/;
  const end = Date.now() + 5000;
  while (transferProcesses(lab).length > 0 && Date.now() < end) await pause(50);
  return [
    ...readdirSync(node.dataDirectory).filter(
      (name) => isTrace.test(name) && !(role === 'old donor' && name === 'rsync_tunnel_sst_complete'),
    ),
    ...readdirSync(tmpDirOf(node)),
    ...transferProcesses(lab),
  ];
}

function transferProcesses(lab: Lab): string[] {
  return labProcesses(lab.name, lab.root)
    .map((pid) => commandLine(pid))
    .filter((line) => /socat|rsync|wsrep_sst|galera-sst-tunnel/.test(line) && !/^mariadbd /.test(line));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/** Every file below a directory with size and time of change; Galera's own files, which come and go, left out. */
export function photograph(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !/^(galera\.cache|grastate\.dat|gvwstate\.dat)$/.test(entry.name))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { size, ctimeMs } = statSync(path);
      return `${relative(directory, path)} ${size} ${ctimeMs}`;
    })
    .sort();
}
