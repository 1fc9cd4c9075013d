import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quote } from './checksums.js';
import type { LabNode } from './node.js';
import { giveToServer } from './template.js';

export interface SeedOptions {
  /** Adds tables encrypted at rest; the node must run with `encryptionAtRest(...)`. */
  encrypted?: boolean;
  /** Loads the system's time zone tables; default true. */
  timeZones?: boolean;
  /** Schema and table names; mariabackup (10.11.19) fails on Aria tables with a backtick in theirs. */
  names?: readonly string[];
}

/** Names that a shell, a path, an rsync filter or an rsyncd.conf could misread. */
export const oddNames = [
  'with space',
  "quote's",
  'double"quote',
  'back`tick',
  'Ünïcödé ß',
  '日本語',
  'dots.in.name',
  'slash/and\\backslash',
  '#hash',
  '@at',
  '$(touch pwned)',
  '$HOME;&|<>',
  '-dash',
  '*star?[x]',
  '%percent',
  'lost+found',
] as const;

/** Fills a node with a table of every storage engine and kind; the rows are in the clear text `needle-…`. */
export async function seedEverything(node: LabNode, options: SeedOptions = {}): Promise<void> {
  if (options.timeZones ?? true) await seedTimeZones(node);
  await node.sql(plugins, { timeoutMs: 20_000 }).catch(() => undefined);
  const hasArchive = (await node.query('SHOW ENGINES')).some(({ Engine }) => Engine === 'ARCHIVE');
  await node.sql(innodbTables + otherEngines + routines);
  if (hasArchive) await node.sql(archive);
  if (options.encrypted ?? false) await node.sql(encryptedTables);
  await node.sql((options.names ?? oddNames).map(oddSchema).join('\n'));
}

/** Groups for a server with encryption at rest; makes the key file in the node's directory. */
export function encryptionAtRest(
  node: LabNode,
  keyText?: string,
): Record<string, Record<string, string | boolean>> {
  const keyFile = join(node.makeDirectory('encryption'), 'keys.txt');
  writeFileSync(keyFile, `1;${keyText ?? randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  giveToServer(keyFile);
  return {
    mysqld: {
      plugin_load_add: 'file_key_management',
      file_key_management_filename: keyFile,
      innodb_encrypt_log: 'ON',
      innodb_encrypt_temporary_tables: 'ON',
      aria_encrypt_tables: 'ON',
    },
  };
}

async function seedTimeZones(node: LabNode): Promise<void> {
  const zones = await node.exec(['mariadb-tzinfo-to-sql', '/usr/share/zoneinfo']);
  await node.sql(zones, { database: 'mysql', timeoutMs: 120_000 });
}

const plugins = "INSTALL SONAME 'ha_archive';";

const innodbTables = `
CREATE DATABASE IF NOT EXISTS kinds_innodb; USE kinds_innodb;
CREATE TABLE plain (id INT PRIMARY KEY AUTO_INCREMENT, word VARCHAR(200), body LONGTEXT, KEY (word));
INSERT INTO plain (word, body) SELECT CONCAT('needle-', seq), REPEAT(MD5(seq), 300) FROM seq_1_to_500;
CREATE TABLE compressed (id INT PRIMARY KEY, body TEXT) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4;
INSERT INTO compressed SELECT seq, REPEAT('needle-', 100) FROM seq_1_to_500;
CREATE TABLE page_compressed (id INT PRIMARY KEY, body TEXT) PAGE_COMPRESSED=1;
INSERT INTO page_compressed SELECT seq, REPEAT('needle-', 200) FROM seq_1_to_1000;
CREATE TABLE redundant (id INT PRIMARY KEY, body TEXT) ROW_FORMAT=REDUNDANT;
INSERT INTO redundant SELECT seq, 'needle-redundant' FROM seq_1_to_50;
CREATE TABLE partitioned (id INT, day DATE, body TEXT, PRIMARY KEY (id, day))
  PARTITION BY RANGE (YEAR(day)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2
  (PARTITION p2023 VALUES LESS THAN (2024), PARTITION \`p 2024\` VALUES LESS THAN (2025), PARTITION pmax VALUES LESS THAN MAXVALUE);
INSERT INTO partitioned SELECT seq, DATE_ADD('2023-01-01', INTERVAL seq DAY), 'needle-part' FROM seq_1_to_1000;
CREATE TABLE parent (id INT PRIMARY KEY, name VARCHAR(50));
CREATE TABLE child (id INT PRIMARY KEY, parent_id INT, FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE CASCADE);
INSERT INTO parent SELECT seq, CONCAT('needle-', seq) FROM seq_1_to_50;
INSERT INTO child SELECT seq, seq MOD 50 + 1 FROM seq_1_to_200;
CREATE TABLE generated (a INT PRIMARY KEY, b INT AS (a * 2) VIRTUAL, c INT AS (a * 3) STORED, KEY (b));
INSERT INTO generated (a) SELECT seq FROM seq_1_to_100;
CREATE TABLE searched (id INT PRIMARY KEY AUTO_INCREMENT, body TEXT, FULLTEXT KEY words (body));
INSERT INTO searched (body) SELECT CONCAT('the needle number ', seq, ' in the haystack') FROM seq_1_to_200;
CREATE TABLE places (id INT PRIMARY KEY, spot POINT NOT NULL, SPATIAL KEY (spot));
INSERT INTO places SELECT seq, ST_GeomFromText(CONCAT('POINT(', seq, ' ', seq * 2, ')')) FROM seq_1_to_100;
CREATE TABLE versioned (id INT PRIMARY KEY, word VARCHAR(50)) WITH SYSTEM VERSIONING;
INSERT INTO versioned SELECT seq, 'needle-old' FROM seq_1_to_20; UPDATE versioned SET word = 'needle-new';
CREATE TABLE typed (id INT PRIMARY KEY, j JSON, e ENUM('a','b'), s SET('x','y'), b BIT(5), u UUID, i INET6, d DECIMAL(20,10),
  t TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), bl LONGBLOB);
INSERT INTO typed SELECT seq, JSON_OBJECT('n', seq), 'a', 'x,y', 5, UUID(), '::1', seq / 7, NOW(6), RANDOM_BYTES(1024) FROM seq_1_to_50;
CREATE SEQUENCE numbers NOCACHE; DO NEXT VALUE FOR numbers; DO NEXT VALUE FOR numbers;
CREATE DATABASE IF NOT EXISTS kinds_empty;
`;

const otherEngines = `
CREATE DATABASE IF NOT EXISTS kinds_other; USE kinds_other;
CREATE TABLE aria_safe (id INT PRIMARY KEY, body TEXT) ENGINE=Aria TRANSACTIONAL=1;
INSERT INTO aria_safe SELECT seq, CONCAT('needle-', seq) FROM seq_1_to_500;
CREATE TABLE aria_fast (id INT PRIMARY KEY, body TEXT) ENGINE=Aria TRANSACTIONAL=0 ROW_FORMAT=DYNAMIC;
INSERT INTO aria_fast SELECT seq, CONCAT('needle-', seq) FROM seq_1_to_500;
CREATE TABLE myisam (id INT PRIMARY KEY AUTO_INCREMENT, body VARCHAR(200), FULLTEXT KEY (body)) ENGINE=MyISAM;
INSERT INTO myisam (body) SELECT CONCAT('needle-', seq) FROM seq_1_to_500;
CREATE TABLE myisam_1 (id INT, KEY (id)) ENGINE=MyISAM; INSERT INTO myisam_1 VALUES (1), (2);
CREATE TABLE myisam_2 LIKE myisam_1; INSERT INTO myisam_2 VALUES (3), (4);
CREATE TABLE merged (id INT, KEY (id)) ENGINE=MERGE UNION=(myisam_1, myisam_2);
CREATE TABLE in_memory (id INT PRIMARY KEY, word VARCHAR(50)) ENGINE=MEMORY;
INSERT INTO in_memory SELECT seq, CONCAT('needle-', seq) FROM seq_1_to_100;
CREATE TABLE csv (id INT NOT NULL, word VARCHAR(50) NOT NULL) ENGINE=CSV;
INSERT INTO csv SELECT seq, CONCAT('needle-', seq) FROM seq_1_to_100;
`;

const archive = `
USE kinds_other; CREATE TABLE archive (id INT AUTO_INCREMENT PRIMARY KEY, body TEXT) ENGINE=ARCHIVE;
INSERT INTO archive (body) SELECT CONCAT('needle-', seq) FROM seq_1_to_500; FLUSH TABLES archive;
`;

const routines = `
CREATE DATABASE IF NOT EXISTS kinds_code; USE kinds_code;
CREATE TABLE written (id INT PRIMARY KEY AUTO_INCREMENT, word VARCHAR(50), noted INT DEFAULT 0);
CREATE VIEW seen AS SELECT id, word FROM written WHERE noted = 1;
DELIMITER //
CREATE TRIGGER noting BEFORE INSERT ON written FOR EACH ROW BEGIN SET NEW.noted = 1; END//
CREATE PROCEDURE writes(IN n INT) BEGIN INSERT INTO written (word) SELECT CONCAT('needle-', seq) FROM seq_1_to_100 WHERE seq <= n; END//
CREATE FUNCTION doubles(n INT) RETURNS INT DETERMINISTIC RETURN n * 2//
CREATE EVENT sleeping ON SCHEDULE EVERY 1 YEAR DISABLE DO INSERT INTO written (word) VALUES ('event')//
DELIMITER ;
CALL writes(50);
`;

const encryptedTables = `
CREATE DATABASE IF NOT EXISTS kinds_encrypted; USE kinds_encrypted;
CREATE TABLE secret (id INT PRIMARY KEY, body TEXT) ENCRYPTED=YES ENCRYPTION_KEY_ID=1;
INSERT INTO secret SELECT seq, CONCAT('needle-', seq) FROM seq_1_to_500;
CREATE TABLE secret_compressed (id INT PRIMARY KEY, body TEXT) ENCRYPTED=YES PAGE_COMPRESSED=1;
INSERT INTO secret_compressed SELECT seq, REPEAT('needle-', 100) FROM seq_1_to_500;
CREATE TABLE secret_aria (id INT PRIMARY KEY, body TEXT) ENGINE=Aria TRANSACTIONAL=1 ROW_FORMAT=PAGE;
INSERT INTO secret_aria SELECT seq, CONCAT('needle-', seq) FROM seq_1_to_100;
`;

function oddSchema(name: string): string {
  const schema = quote(`odd ${name}`);
  const own = quote(name);
  return `CREATE DATABASE ${schema}; CREATE TABLE ${schema}.${own} (id INT PRIMARY KEY, ${own} TEXT);
    INSERT INTO ${schema}.${own} VALUES (1, 'needle-odd'); CREATE TABLE ${schema}.${quote(`${name} aria`)} (id INT) ENGINE=Aria;
    CREATE DATABASE ${own}; CREATE TABLE ${own}.t (id INT PRIMARY KEY); INSERT INTO ${own}.t VALUES (7);`;
}
