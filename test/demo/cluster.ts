import {
  checksums,
  encryptionAtRest,
  Lab,
  labCertificates,
  seedBulk,
  seedEverything,
  type LabNode,
  type NodeOptions,
  settle,
} from '../lab/index.js';

/** Row contents that lie on the donor's disk in clear: none may show on the wire. */
export const rowNeedles = ['needle-1', 'needle-redundant', 'needle-part', 'Europe/Zurich'];

/** What rsync and its daemon say in clear: its greeting, the name of its module. */
export const protocolNeedles = ['@RSYNCD:', 'rsync_tunnel_sst'];

/** What both nodes are started with: a certificate for its name each, and one key for encryption at rest. */
export async function settingsFor(lab: Lab): Promise<Map<LabNode, NodeOptions>> {
  const subjects = lab.nodes.map(({ host }) => ({ name: host, names: [host] }));
  const certificates = await labCertificates(lab.directory('certificates'), subjects);
  const encryptionKey = '770a8a65da156d24ee2a093277530142770a8a65da156d24ee2a093277530142';
  return new Map(
    lab.nodes.map((node): [LabNode, NodeOptions] => {
      const names = { wsrep_node_address: node.host, bind_address: node.host };
      const { ca, cert, key } = certificates[node.host]!;
      const binlog = { log_bin: 'binlog', log_slave_updates: 'ON' };
      return [
        node,
        {
          sstMethod: 'rsync_tunnel',
          certificates: { ca, cert, key },
          // Galera's own connections would show the state transfer request and rows in clear.
          providerOptions: { 'socket.ssl_ca': ca, 'socket.ssl_cert': cert, 'socket.ssl_key': key },
          groups: { mysqld: { ...encryptionAtRest(node, encryptionKey)['mysqld'], ...names, ...binlog } },
        },
      ];
    }),
  );
}

/** Tables of every storage engine and kind, the system's time zones, and some bulk. */
export async function fill(node: LabNode, bulkMiB: number): Promise<void> {
  await seedEverything(node, { encrypted: true });
  await seedBulk(node, { bytes: bulkMiB * 1024 * 1024, tables: 16 });
  await settle(node);
}

/** How many tables were compared, and those whose CHECKSUM TABLE differs or could not be taken. */
export async function compare(
  first: LabNode,
  second: LabNode,
): Promise<{ tables: number; differing: string[] }> {
  const [a, b] = await Promise.all([checksums(first), checksums(second)]);
  const names = [...new Set([...a.keys(), ...b.keys()])];
  const differing = names.filter((name) => a.get(name) !== b.get(name) || (a.get(name) ?? null) === null);
  return { tables: names.length, differing };
}
