import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { giveToServer } from '../lab/template.js';
import type { LabNode } from '../lab/index.js';
import type { Scenario } from './options.js';

/** Bytes of text in a row of about 1 KiB. */
const incompressible = 'RANDOM_BYTES(1000)';
/** The same, but a compressor gets it to about a third, as it does with ordinary tables. */
const compressible = "CONCAT(HEX(RANDOM_BYTES(330)), REPEAT('order line, qty ', 21))";

const tableCount = 32;
const schemaCount = 4;
const smallTables = 20_000;
const fullSizeMiB = 4096;
/** For the script's memory: what it keeps is in proportion to their number, not to their size. */
const fileCount = 100_000;

/** Fills the donor with the scenario's data and returns a table by which to see whether it arrived. */
export async function load(donor: LabNode, scenario: Scenario, sizeMiB: number): Promise<string> {
  const text =
    scenario === 'many-tables'
      ? smallTablesSql(Math.max(1, Math.round((smallTables * sizeMiB) / fullSizeMiB)))
      : bigTablesSql(scenario, sizeMiB);
  await donor.sql(text, { timeoutMs: 1_800_000 });
  if (scenario === 'files') makeFiles(join(donor.dataDirectory, 'bench_files'));
  return 'bench0.t0';
}

/** Files as partitions of tables are called; no table of the server's is behind them, it passes them over. */
function makeFiles(folder: string): void {
  mkdirSync(folder);
  for (let index = 0; index < fileCount; index++) {
    writeFileSync(join(folder, `orders_of_a_year#P#p${String(index).padStart(6, '0')}.data`), `${index}\n`);
  }
  giveToServer(folder);
}

function bigTablesSql(scenario: Scenario, sizeMiB: number): string {
  const schemas = scenario === 'one-schema' ? 1 : schemaCount;
  // A row of 1000 bytes takes about 1.09 KiB of tablespace when inserted in order.
  const rows = Math.round((sizeMiB * 1024) / tableCount / 1.09);
  const value = scenario === 'slow-link' ? compressible : incompressible;
  const names = Array.from(
    { length: tableCount },
    (_, i) => `bench${i % schemas}.t${Math.floor(i / schemas)}`,
  );
  const create = (name: string, from: string): string =>
    `CREATE TABLE ${name} (id INT AUTO_INCREMENT PRIMARY KEY, payload VARBINARY(1200) NOT NULL) ENGINE=InnoDB;
INSERT INTO ${name} SELECT ${from};`;
  return [
    // The data is made before there is a cluster: no write set of it need be kept or certified.
    'SET SESSION wsrep_on = OFF;',
    ...createSchemas(schemas),
    ...names.map((name, i) =>
      create(name, i === 0 ? `seq, ${value} FROM bench0.seq_1_to_${rows}` : `* FROM ${names[0] ?? ''}`),
    ),
  ].join('\n');
}

function smallTablesSql(count: number): string {
  return [
    'SET SESSION wsrep_on = OFF;',
    ...createSchemas(schemaCount),
    ...Array.from({ length: count }, (_, i) => {
      const name = `bench${i % schemaCount}.t${Math.floor(i / schemaCount)}`;
      return `CREATE TABLE ${name} (id INT PRIMARY KEY, payload VARBINARY(1200)) ENGINE=InnoDB; INSERT INTO ${name} VALUES (1, 'one');`;
    }),
  ].join('\n');
}

const createSchemas = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `CREATE DATABASE bench${i};`);
