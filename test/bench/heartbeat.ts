import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import type { LabNode } from '../lab/index.js';

const intervalMs = 5;
/** A pause longer than this counts as a stall. */
const stallMs = 50;

const schema = `
CREATE DATABASE heartbeat;
CREATE TABLE heartbeat.control (id INT PRIMARY KEY, beating BOOL NOT NULL) ENGINE=InnoDB;
CREATE TABLE heartbeat.beats (id INT AUTO_INCREMENT PRIMARY KEY, at DOUBLE NOT NULL) ENGINE=InnoDB;
INSERT INTO heartbeat.control VALUES (1, 0);
DELIMITER //
CREATE PROCEDURE heartbeat.beat()
BEGIN
  DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
  WHILE (SELECT beating FROM heartbeat.control) DO
    INSERT INTO heartbeat.beats (at) VALUES (UNIX_TIMESTAMP(SYSDATE(6)));
    DO SLEEP(${intervalMs / 1000});
  END WHILE;
END//
`;

/** How long a client that writes all the time was kept waiting. */
export interface Stalls {
  blockedSeconds: number;
  longestStallSeconds: number;
}

/** Sums up the pauses between writes, given the times of all writes in seconds. */
export function findStalls(times: readonly number[]): Stalls {
  const pauses = times
    .slice(1)
    .map((time, i) => time - (times[i] ?? time) - intervalMs / 1000)
    .filter((pause) => pause > stallMs / 1000);
  return {
    blockedSeconds: pauses.reduce((sum, pause) => sum + pause, 0),
    longestStallSeconds: Math.max(0, ...pauses),
  };
}

/**
 * One connection to the donor that inserts a tiny row every few milliseconds. The loop runs in the server, so
 * that the writer costs next to no processor time; the rows themselves tell when they were written.
 */
export class Heartbeat {
  #client: ChildProcess | undefined;

  constructor(private readonly donor: LabNode) {}

  async prepare(): Promise<void> {
    await this.donor.sql(schema);
  }

  async start(): Promise<void> {
    await this.donor.sql('TRUNCATE heartbeat.beats; UPDATE heartbeat.control SET beating = 1');
    const argv = ['mariadb', '--no-defaults', `--socket=${this.donor.socket}`, '--user=root'];
    this.#client = this.donor.spawn([...argv, '--execute=CALL heartbeat.beat()'], { stdio: 'ignore' });
  }

  async stop(): Promise<Stalls> {
    const client = this.#client;
    if (client === undefined) throw new Error('the writer was not started');
    await this.donor.sql('UPDATE heartbeat.control SET beating = 0');
    if (client.exitCode === null && client.signalCode === null) await once(client, 'exit');
    const rows = await this.donor.query('SELECT at FROM heartbeat.beats ORDER BY id');
    if (rows.length < 2) throw new Error(`the writer wrote ${rows.length} rows`);
    return findStalls(rows.map((row) => Number(row['at'])));
  }
}
