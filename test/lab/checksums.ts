import type { LabNode } from './node.js';
import { parseRows, type Row } from './rows.js';

/** Tables whose content is each node's own business. */
const ownTables = /^mysql\.(innodb_(index|table)_stats|wsrep_.*|general_log|slow_log|gtid_slave_pos)$/;

/** `schema.table` to its CHECKSUM TABLE, for all tables on disk; MEMORY tables live in no file, so no copy has them. */
export async function checksums(node: LabNode, timeoutMs = 300_000): Promise<Map<string, string | null>> {
  const rows = await node.query(tables);
  // One statement for all sometimes ends in "malformed packet" when tables are opened first (10.11.19).
  const statements = rows.map((row) => `${checksumOf(row)};\n`).join('');
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

const tables = `
SET SESSION group_concat_max_len = 1000000;
SELECT t.table_schema AS s, t.table_name AS t,
  t.engine = 'MRG_MyISAM' OR COALESCE(SUM(c.extra LIKE '%VIRTUAL%'), 0) > 0
  OR (t.table_schema = 'mysql' AND t.table_name = 'event') AS by_columns,
  TO_BASE64(GROUP_CONCAT(c.column_name ORDER BY c.ordinal_position SEPARATOR '\\n')) AS columns
FROM information_schema.tables t JOIN information_schema.columns c USING (table_schema, table_name)
WHERE NOT (t.table_schema = 'mysql' AND t.table_name = 'event' AND c.column_name = 'status')
  AND t.table_type IN ('BASE TABLE', 'SEQUENCE') AND COALESCE(t.engine, '') <> 'MEMORY'
AND t.table_schema NOT IN ('information_schema', 'performance_schema')
GROUP BY 1, 2 ORDER BY 1, 2`;

/**
 * CHECKSUM TABLE counts garbage in for virtual columns and does not know MERGE: there the columns are summed.
 * A joiner's server sets the status of events that another server_id made to SLAVESIDE_DISABLED.
 */
function checksumOf({ s, t, by_columns: byColumns, columns }: Row): string {
  const name = `${quote(s ?? '')}.${quote(t ?? '')}`;
  if (byColumns !== '1') return `CHECKSUM TABLE ${name}`;
  const values = Buffer.from(columns ?? '', 'base64')
    .toString()
    .split('\n')
    .map((column) => `COALESCE(${quote(column)}, '')`);
  const text = `${s ?? ''}.${t ?? ''}`.replaceAll('\\', '\\\\').replaceAll("'", "''");
  return `SELECT '${text}' AS \`Table\`, BIT_XOR(CRC32(CONCAT_WS('|', ${values.join(', ')}))) AS \`Checksum\` FROM ${name}`;
}

/** A name as an SQL identifier. */
export const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
