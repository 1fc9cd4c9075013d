import type { LabNode } from '../lab/index.js';

/** Random numbers that can be had again from the same seed (mulberry32). */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** A writer's work so far. */
export interface Load {
  statements: number;
  /** Statements that failed, by error: deadlocks, and tables that another writer has changed. */
  readonly errors: Map<string, number>;
  /** What was sent, in the order of its ends: the time of the end and, where it failed, the error come before it. */
  readonly written: readonly string[];
  stop(): Promise<void>;
}

const engines = [
  'ENGINE=InnoDB',
  'ENGINE=InnoDB PAGE_COMPRESSED=1',
  'ENGINE=InnoDB ENCRYPTED=YES',
  'ENGINE=InnoDB ENCRYPTED=YES PAGE_COMPRESSED=1',
  'ENGINE=InnoDB ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8',
  'ENGINE=Aria TRANSACTIONAL=1',
  'ENGINE=Aria TRANSACTIONAL=0',
  'ENGINE=MyISAM',
];
const tablesPerWriter = 10;
const columns = '(id INT AUTO_INCREMENT PRIMARY KEY, n INT, word VARCHAR(200), body TEXT, KEY (n))';

/**
 * What a server that is to carry this load needs beside encryption at rest. Galera replicates InnoDB alone by default; statements on
 * other engines are carried out by each node, and so must not leave it to the node which ids rows get. A node that was started
 * since knows less of them: after 50 rows by INSERT … SELECT an InnoDB table says AUTO_INCREMENT=64, and 51 after a new start,
 * which an ALTER … ENGINE=MyISAM then makes permanent (10.11.19, without any transfer).
 */
export const loadSettings = {
  wsrep_mode: 'REPLICATE_MYISAM,REPLICATE_ARIA',
  wsrep_auto_increment_control: 'OFF',
  innodb_encryption_threads: '2',
  innodb_encryption_rotate_key_age: '1',
  innodb_encryption_rotation_iops: '1000',
  innodb_buffer_pool_size: '64M',
  innodb_max_dirty_pages_pct: '5',
  innodb_max_dirty_pages_pct_lwm: '1',
  myisam_use_mmap: 'ON',
  // With 2000, the default, and more tablespaces, threads that open and close them wait for each other for ever now and then (10.11.19).
  innodb_open_files: '10000',
} as const;

/** Rows of some 1000 bytes in a table that all writers write to: hardly any of its looks finds it at rest. */
const hotRows = 60_000;

/** What the load expects to be there. */
export const loadTables = [
  'CREATE DATABASE hot; CREATE TABLE hot.t (id INT PRIMARY KEY, n INT, b VARBINARY(1000), KEY (n))',
  `INSERT INTO hot.t SELECT seq, 0, RANDOM_BYTES(1000) FROM still.seq_1_to_${hotRows}`,
];

const manyTables = 50;
const manyPartitions = 50;

/** So many files that a joiner compares most of them before the donor's last word, and is told only what has changed. */
export const loadManyFiles = [
  'CREATE DATABASE many;',
  ...Array.from({ length: manyTables }, (_, table) => {
    const parts = Array.from(
      { length: manyPartitions },
      (__, part) => `PARTITION p${part} VALUES LESS THAN (${(part + 1) * 100})`,
    );
    return `CREATE TABLE many.t${table} (id INT PRIMARY KEY, n INT) ENGINE=InnoDB PARTITION BY RANGE (id) (${parts.join(', ')});`;
  }),
].join('\n');

function statementOnMany(random: (below: number) => number, keepsNames: boolean): string {
  const [one, other, small] = [random(manyTables), random(manyTables), random(8)];
  const part = `p${random(manyPartitions)}`;
  const keeping = [
    `INSERT IGNORE INTO many.t${one} SELECT seq * ${1 + random(4)}, ${random(1e9)} FROM still.seq_1_to_1000`,
    `UPDATE many.t${one} SET n = n + 1 WHERE id < ${random(5000)}`,
    `ALTER TABLE many.t${one} TRUNCATE PARTITION ${part}`,
    `ALTER TABLE many.t${one} REBUILD PARTITION ${part}`,
    `INSERT IGNORE INTO many.s${small} SELECT seq FROM still.seq_1_to_100`,
    `CREATE TABLE IF NOT EXISTS many.s${small} (id INT PRIMARY KEY) ENGINE=InnoDB`,
  ];
  const others = [
    `RENAME TABLE many.t${one} TO many.x, many.t${other} TO many.t${one}, many.x TO many.t${other}`,
    `CREATE OR REPLACE TABLE many.s${small} (id INT PRIMARY KEY) ENGINE=InnoDB`,
    `DROP TABLE IF EXISTS many.s${small}`,
  ];
  const choices = keepsNames ? keeping : [...keeping, ...others];
  return choices[random(choices.length)] ?? '';
}

/** Settings of the server that change from round to round. */
export function roundSettings(seed: number): string {
  return `SET GLOBAL myisam_use_mmap = ${seed % 2 === 0 ? 'ON' : 'OFF'}`;
}

/** Writes all the time, in so many sessions, until it is stopped. */
export function startLoad(
  node: LabNode,
  writers: number,
  random: (below: number) => number,
  { hasManyFiles, keepsNames }: { readonly hasManyFiles: boolean; readonly keepsNames: boolean },
): Load {
  const load = { statements: 0, errors: new Map<string, number>(), written: [] as string[], stopping: false };
  const note = (batch: string, outcome: string): void =>
    void load.written.push(`-- ${new Date().toISOString()} ${outcome}\n${batch}`);
  const running = Array.from({ length: writers }, async (_, writer) => {
    while (!load.stopping) {
      const statements = Array.from({ length: 1 + random(12) }, () =>
        hasManyFiles && random(8) === 0
          ? statementOnMany(random, keepsNames)
          : statement(`load${writer}`, random, keepsNames),
      );
      const batch = `CREATE DATABASE IF NOT EXISTS load${writer};\n${statements.join(';\n')};`;
      try {
        await node.sql(batch);
        load.statements += statements.length;
        note(batch, 'done');
      } catch (error) {
        note(batch, String(error).slice(-300));
        const code = /ERROR (\d+)/.exec(String(error))?.[1] ?? String(error).slice(0, 200);
        load.errors.set(code, (load.errors.get(code) ?? 0) + 1);
      }
    }
  });
  return Object.assign(load, {
    stop: async () => {
      load.stopping = true;
      await Promise.all(running);
    },
  });
}

function statement(schema: string, random: (below: number) => number, keepsNames: boolean): string {
  const number = (): number => random(tablesPerWriter);
  const table = `${schema}.t${number()}`;
  const other = `${schema}.t${number()}`;
  const parted = `${schema}.p${random(2)}`;
  const engine = engines[random(engines.length)] ?? '';
  const value = random(1e9);
  const bulk = (rows: number): string =>
    `INSERT IGNORE INTO ${table} (id, n, word, body) SELECT seq + ${value % 20_000}, seq * ${value % 997}, MD5(seq + ${value}), REPEAT(MD5(seq * ${value % 89}), ${1 + random(20)}) FROM still.seq_1_to_${rows}`;
  const create = `CREATE TABLE IF NOT EXISTS ${table} ${columns} ${engine}`;
  const createParted = `CREATE TABLE IF NOT EXISTS ${parted} (id INT PRIMARY KEY, n INT) ENGINE=InnoDB PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (1000), PARTITION b VALUES LESS THAN (2000), PARTITION c VALUES LESS THAN MAXVALUE)`;
  const swapped = `${schema}.x`;
  const hashed = `${schema}.h`;
  const createHashed = `CREATE TABLE IF NOT EXISTS ${hashed} (id INT PRIMARY KEY, n INT) ENGINE=InnoDB PARTITION BY HASH (id) PARTITIONS 3`;
  const sequence = `${schema}.s`;
  const createSequence = `CREATE SEQUENCE IF NOT EXISTS ${sequence} NOCACHE ENGINE=InnoDB`;
  const row = random(hotRows);
  const usual = [
    `UPDATE hot.t SET n = n + 1 WHERE id BETWEEN ${row} AND ${row + random(200)}`,
    `UPDATE hot.t SET b = REPEAT(MD5(${value}), 25) WHERE id % 1009 = ${row % 1009}`,
    `${createSequence}; DO NEXTVAL(${sequence}); DO NEXTVAL(${sequence})`,
    `${createHashed}; REPLACE INTO ${hashed} SELECT seq * 7, ${value} FROM still.seq_1_to_1000`,
    create,
    `${create}; ${bulk(500 + random(5000))}`,
    `${create}; ${bulk(50)}`,
    `INSERT IGNORE INTO ${table} (id, n, word) VALUES (${1 + (value % 30_000)}, ${value}, 'one')`,
    `UPDATE ${table} SET n = n + ${value % 100} WHERE id % 7 = ${random(7)} ORDER BY id`,
    `UPDATE ${table} SET word = '${value}' WHERE id = ${random(2000)}`,
    `DELETE FROM ${table} WHERE n % 11 = ${random(11)} ORDER BY id`,
    `${createParted}; REPLACE INTO ${parted} SELECT seq * 3, ${value} FROM still.seq_1_to_1000`,
  ];
  const keeping = [
    `TRUNCATE ${table}`,
    `ALTER TABLE ${table} FORCE`,
    `ALTER TABLE ${table} ADD INDEX IF NOT EXISTS by_word (word)`,
    `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS extra INT DEFAULT ${random(9)}, ALGORITHM=INSTANT`,
    `ALTER TABLE ${parted} TRUNCATE PARTITION a`,
  ];
  const definitions = [
    `DROP TABLE IF EXISTS ${table}`,
    `TRUNCATE ${table}`,
    `RENAME TABLE ${table} TO ${swapped}, ${other} TO ${table}, ${swapped} TO ${other}`,
    `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS extra INT DEFAULT ${random(9)}, ALGORITHM=INSTANT`,
    `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS more INT DEFAULT ${random(9)}, ALGORITHM=COPY`,
    `ALTER TABLE ${table} FORCE`,
    `ALTER TABLE ${table} ${engine}`,
    `ALTER TABLE ${table} ADD INDEX IF NOT EXISTS by_word (word)`,
    `ALTER TABLE ${table} DROP INDEX IF EXISTS by_word`,
    `OPTIMIZE TABLE ${table}`,
    `CREATE TABLE IF NOT EXISTS ${schema}.e0 (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; ALTER TABLE ${parted} EXCHANGE PARTITION c WITH TABLE ${schema}.e0`,
    `ALTER TABLE ${parted} TRUNCATE PARTITION a`,
    `DROP TABLE IF EXISTS ${parted}`,
    `ALTER TABLE ${parted} REORGANIZE PARTITION c INTO (PARTITION d VALUES LESS THAN (${2001 + random(2000)}), PARTITION c VALUES LESS THAN MAXVALUE)`,
    `ALTER TABLE ${parted} REORGANIZE PARTITION d, c INTO (PARTITION c VALUES LESS THAN MAXVALUE)`,
    `ALTER TABLE ${parted} DROP PARTITION IF EXISTS ${random(2) === 0 ? 'a' : 'd'}`,
    `ALTER TABLE ${hashed} ADD PARTITION PARTITIONS 2`,
    `ALTER TABLE ${hashed} COALESCE PARTITION 1`,
    `DROP TABLE IF EXISTS ${hashed}`,
    `ALTER TABLE ${table} ADD FULLTEXT INDEX IF NOT EXISTS words (word)`,
    `ALTER TABLE ${table} DROP INDEX IF EXISTS words`,
    `ALTER SEQUENCE ${sequence} NOCACHE RESTART ${1 + (value % 1000)}`,
    `DROP SEQUENCE IF EXISTS ${sequence}`,
    // The server's threads encrypt all tables that do not say what they want, or decrypt them.
    `SET GLOBAL innodb_encrypt_tables = ${random(2) === 0 ? 'ON' : 'OFF'}`,
    `SET GLOBAL innodb_encryption_threads = ${random(5)}`,
    `CREATE OR REPLACE VIEW ${schema}.v AS SELECT ${value} AS n`,
    `CREATE OR REPLACE TRIGGER ${schema}.g BEFORE INSERT ON ${table} FOR EACH ROW SET NEW.n = ${value % 5}`,
    `CREATE DATABASE IF NOT EXISTS ${schema}_x; CREATE TABLE IF NOT EXISTS ${schema}_x.t (id INT PRIMARY KEY) ENGINE=InnoDB`,
    `DROP DATABASE IF EXISTS ${schema}_x`,
  ];
  const choices = random(10) < 7 ? usual : keepsNames ? keeping : definitions;
  return choices[random(choices.length)] ?? create;
}
