import type { LabNode } from './node.js';
import { parseRows } from './rows.js';

/** Tables whose content is each node's own business. */
const ownTables = /^mysql\.(innodb_(index|table)_stats|wsrep_.*|general_log|slow_log|gtid_slave_pos)$/;

/** `schema.table` to its CHECKSUM TABLE, for all tables on disk; MEMORY tables live in no file, so no copy has them. */
export async function checksums(node: LabNode, timeoutMs = 300_000): Promise<Map<string, string | null>> {
  const rows = await node.query(
    `SELECT table_schema AS s, table_name AS t FROM information_schema.tables
     WHERE table_type IN ('BASE TABLE', 'SEQUENCE') AND COALESCE(engine, '') <> 'MEMORY'
     AND table_schema NOT IN ('information_schema', 'performance_schema') ORDER BY 1, 2`,
  );
  // One statement for all sometimes ends in "malformed packet" when tables are opened first (10.11.19).
  const statements = rows.map(({ s, t }) => `CHECKSUM TABLE ${quote(s ?? '')}.${quote(t ?? '')};\n`).join('');
  const header = 'Table\tChecksum\n';
  const results = (await node.sql(statements, { timeoutMs })).split(header).slice(1);
  const pairs = results
    .flatMap((result) => parseRows(header + result))
    .map((row): [string, string | null] => [row['Table']!, row['Checksum'] ?? null]);
  return new Map(pairs.filter(([table]) => !ownTables.test(table)));
}

/** What differs between two nodes, one line each; nothing when both hold the same. */
export async function compareNodes(first: LabNode, second: LabNode): Promise<string[]> {
  const [a, b] = await Promise.all([checksums(first), checksums(second)]);
  const differences = [...new Set([...a.keys(), ...b.keys()])]
    .filter((table) => a.get(table) !== b.get(table))
    .map(
      (table) =>
        `${table}: ${a.get(table) ?? 'none'} on ${first.name}, ${b.get(table) ?? 'none'} on ${second.name}`,
    );
  const unreadable = [...a]
    .filter(([, sum]) => sum === null)
    .map(([table]) => `${table}: no checksum on ${first.name}`);
  return [...differences, ...unreadable];
}

/** A name as an SQL identifier. */
export const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
