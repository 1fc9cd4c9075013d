import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { labCertificates } from '../lab/certificates.js';
import { runSync } from '../lab/commands.js';
import { compareNodes, Lab, seedBulk, type LabNode, type NodeOptions } from '../lab/index.js';
import { tunnelOptions, traces } from '../cluster/tunnel.js';
import { partialCopyFile } from '../../src/transfers/partial-copy.js';

/** What a joiner has of time limits here, in seconds: short enough for a test, long enough for a busy machine. */
export const idleSeconds = 6;

const linkMbitPerSecond = 250;

/** A process of one node, whoever started it. */
export interface NodeProcess {
  readonly pid: number;
  readonly words: readonly string[];
}

/** Two nodes between which transfers are made to fail, and a client that writes to the donor all the time. */
export class Stage {
  readonly donor: LabNode;
  readonly joiner: LabNode;
  #writing = true;
  #slowest = { sinceMs: 0, untilMs: 0 };
  #writer: Promise<void> | undefined;

  private constructor(
    readonly lab: Lab,
    private readonly certificates: Awaited<ReturnType<typeof labCertificates>>,
  ) {
    this.donor = lab.node(1);
    this.joiner = lab.node(2);
  }

  static async create(bytes = 100_000_000): Promise<Stage> {
    const lab = await Lab.create();
    const certificates = await labCertificates(
      lab.directory('certificates'),
      lab.nodes.map(({ name, host }) => ({ name, commonName: host, names: [host] })),
    );
    const stage = new Stage(lab, certificates);
    await stage.donor.start({ ...stage.options(stage.donor), bootstrap: true });
    await stage.donor.waitFor('Synced', 90_000);
    await seedBulk(stage.donor, { bytes, tables: 12 });
    await stage.donor.sql(
      'CREATE DATABASE load_; CREATE TABLE load_.t (id INT PRIMARY KEY AUTO_INCREMENT, at BIGINT)',
    );
    stage.joiner.limitLink(linkMbitPerSecond);
    stage.#writer = stage.#write();
    return stage;
  }

  async destroy(): Promise<void> {
    this.#writing = false;
    await this.#writer?.catch(() => undefined);
    this.lab.destroy();
  }

  /** Starts the joiner without data, or with what the last attempt has left. */
  async join(data: 'empty' | 'keep'): Promise<void> {
    await this.joiner.start({ ...this.options(this.joiner), data });
  }

  /** The joiner is there, holds the same, and nothing tells of the transfers any more. */
  async isWhole(): Promise<readonly string[]> {
    await this.joiner.waitFor('Synced', 90_000);
    this.#writing = false;
    await this.#writer;
    const problems = [
      ...(await compareNodes(this.donor, this.joiner)),
      ...(await traces([this.donor, this.joiner])),
    ];
    this.#writing = true;
    this.#writer = this.#write();
    return problems.map(String);
  }

  /** Whether the joiner's data directory says that it holds an incomplete copy. */
  isMarked(): boolean {
    return existsSync(join(this.joiner.dataDirectory, partialCopyFile));
  }

  /** Seconds from `sinceMs` until the donor has taken a write again. */
  async untilWritable(sinceMs: number): Promise<number> {
    const before = this.#slowest.untilMs;
    while (this.#slowest.sinceMs < sinceMs || this.#slowest.untilMs === before) await wait(20);
    return (this.#slowest.untilMs - sinceMs) / 1000;
  }

  processes(node: LabNode, program: RegExp): NodeProcess[] {
    return runSync(['ip', 'netns', 'pids', node.namespace ?? ''])
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => ({ pid: Number(line), words: wordsOf(Number(line)) }))
      .filter(({ words }) => words.length > 0 && program.test(words.join(' ')))
      .filter(({ words }) => !/(^|\/)(mariadb|ip)$/.test(words[0] ?? ''));
  }

  /** The script and all that it has started. */
  scripts(node: LabNode): NodeProcess[] {
    return this.processes(node, /wsrep_sst|^(\/bin\/)?sh |socat|rsync|^sleep|node /).filter(
      ({ words }) => !/mariadbd$/.test(words[0] ?? ''),
    );
  }

  options(node: LabNode): NodeOptions {
    const certificates = this.certificates[node.name];
    return tunnelOptions(node, certificates ?? {}, {
      // The donor alone stays a primary component when its joiner dies or is cut off.
      providerOptions: {
        'pc.weight': node.number === 1 ? '3' : '1',
        'pc.recovery': 'false',
        'evs.keepalive_period': 'PT0.5S',
        'evs.inactive_check_period': 'PT0.5S',
        'evs.suspect_timeout': 'PT2S',
        'evs.inactive_timeout': 'PT4S',
        'evs.install_timeout': 'PT4S',
      },
      groups: {
        mysqld: { wsrep_sst_donor: 'node1' },
        sst: { 'sst-idle-timeout': String(idleSeconds), 'sst-initial-timeout': '15' },
      },
    });
  }

  /** One row after the other: how long the slowest took is how long the donor was not writable. */
  async #write(): Promise<void> {
    while (this.#writing) {
      const sinceMs = Date.now();
      try {
        await this.donor.sql(`INSERT INTO load_.t (at) VALUES (${sinceMs})`);
        this.#slowest = { sinceMs, untilMs: Date.now() };
      } catch {
        // The donor's server may be the one that was ended.
      }
      await wait(50);
    }
  }
}

function wordsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}
