import { join } from 'node:path';
import { quote } from './checksums.js';
import type { LabNode } from './node.js';
import { giveToServer } from './template.js';

export interface BulkOptions {
  /** About so many bytes on disk. */
  bytes: number;
  tables?: number;
  schemas?: number;
  /** Rows of repeated text instead of random bytes. */
  compressible?: boolean;
  /** Tables imported at the same time; default 2. */
  parallel?: number;
}

const rowBytes = 7500;
/** Two rows of 7500 bytes fill a page of 16 KiB. */
const bytesOnDiskPerRow = 8192;
const definition = '(id INT PRIMARY KEY, body BLOB NOT NULL) ENGINE=InnoDB ROW_FORMAT=DYNAMIC';

/**
 * Fills schemas `bulk_1`, … with InnoDB tables of random bytes, on this node alone (no replication, no binary
 * log), so it is for a node that nobody has joined yet. One table is filled with rows, the others are imported
 * copies of its tablespace: inserting everything takes several times as long, most of it for the redo log.
 */
export async function seedBulk(node: LabNode, options: BulkOptions): Promise<void> {
  const { bytes, tables = 32, schemas = 4, compressible = false, parallel = 2 } = options;
  const rows = Math.max(1, Math.round(bytes / tables / bytesOnDiskPerRow));
  const value = compressible ? `REPEAT('compressible ', ${Math.floor(rowBytes / 13)})` : randomBytesSql;
  const names = Array.from({ length: tables }, (_, index) => ({
    schema: `bulk_${(index % schemas) + 1}`,
    table: `t${index + 1}`,
  }));
  const [first, ...others] = names.map(({ schema, table }) => ({
    sqlName: `${quote(schema)}.${quote(table)}`,
    tablespace: join(node.dataDirectory, schema, table),
    schema,
  }));
  const create = names.map(({ schema }) => `CREATE DATABASE IF NOT EXISTS ${quote(schema)};`).join('\n');
  await node.sql(
    `${alone} ${create} USE ${first!.schema}; CREATE TABLE ${first!.sqlName} ${definition};
    INSERT INTO ${first!.sqlName} SELECT seq, ${value} FROM seq_1_to_${rows};`,
    slowly,
  );

  const lockAndCopy = others.map(({ tablespace }) =>
    ['cfg', 'ibd'].map((type) => `cp '${first!.tablespace}.${type}' '${tablespace}.${type}'`).join(' && '),
  );
  const discard = ({ sqlName }: { sqlName: string }): string =>
    `CREATE TABLE ${sqlName} ${definition}; ALTER TABLE ${sqlName} DISCARD TABLESPACE;`;
  await node.sql(`${alone} ${others.map(discard).join('\n')}`, slowly);

  // FLUSH ... FOR EXPORT holds as long as its connection: the client copies the files itself.
  const copies = lockAndCopy.map((command) => `\\! ${command}`).join('\n');
  await node.sql(`FLUSH TABLES ${first!.sqlName} FOR EXPORT;\n${copies}\nUNLOCK TABLES;\n`, {
    ...slowly,
    clientCommands: true,
  });
  for (const folder of new Set(names.map(({ schema }) => join(node.dataDirectory, schema))))
    giveToServer(folder);

  const importNext = async (): Promise<void> => {
    for (let next = others.shift(); next !== undefined; next = others.shift()) {
      await node.sql(`${alone} ALTER TABLE ${next.sqlName} IMPORT TABLESPACE;`, slowly);
    }
  };
  await Promise.all(Array.from({ length: parallel }, importNext));
}

const alone = 'SET SESSION wsrep_on=0, sql_log_bin=0, unique_checks=0, foreign_key_checks=0;';
const slowly = { timeoutMs: 600_000 };

/** RANDOM_BYTES gives at most 1024 bytes. */
const randomBytesSql = `CONCAT(${[1024, 1024, 1024, 1024, 1024, 1024, 1024, 332]
  .map((size) => `RANDOM_BYTES(${size})`)
  .join(', ')})`;
