import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startNodeAgent, type NodeAgent } from '../cluster/agents.js';
import { Authority } from '../cluster/credentials.js';
import { tunnelOptions, traces } from '../cluster/tunnel.js';
import { runSync } from '../lab/commands.js';
import {
  compareNodes,
  Lab,
  seedBulk,
  type CertificatePaths,
  type LabNode,
  type NodeOptions,
  type OptionGroup,
} from '../lab/index.js';
import { formatGroups } from '../lab/option-file.js';
import { partialCopyFile } from '../../src/transfers/partial-copy.js';
import { SmallDisk } from './small-disk.js';

/** The idle limit of both sides, in seconds: short for a test, and longer than TCP needs after a cut of 5 s. */
export const idleSeconds = 10;
/** How long a joiner waits for its donor to log in. */
export const initialSeconds = 20;

/** Slow enough to be met in the middle, bytes per second. */
const slowRate = '20m';

const dataBytes = 60_000_000;
const diskBytes = 500_000_000;

/** A process that plays a stranger who hangs on. */
export const stranger = /dev\/tcp|^sleep 60$/;

/** A process of one node, whoever started it. */
export interface NodeProcess {
  readonly pid: number;
  readonly words: readonly string[];
}

/** Two nodes between which transfers are made to fail, and a client that writes to the donor all the time. */
export class Stage {
  readonly donor: LabNode;
  readonly joiner: LabNode;
  readonly agents = new Map<LabNode, NodeAgent>();
  readonly #certificates = new Map<LabNode, Required<CertificatePaths>>();
  readonly #sst = new Map<LabNode, Record<string, string>>();
  readonly #ends: (() => unknown)[] = [];
  #patience = patience(4);
  #writing = true;
  #isOver = false;
  #last = { sinceMs: 0, untilMs: 0 };
  #writer: Promise<void> | undefined;

  private constructor(
    readonly lab: Lab,
    readonly authority: Authority,
    /** Holds the joiner's data directory and nothing else. */
    readonly disk: SmallDisk,
  ) {
    this.donor = lab.node(1);
    this.joiner = lab.node(2);
  }

  static async create(): Promise<Stage> {
    const lab = await Lab.create();
    const disk = new SmallDisk(lab.directory('disk'), join(lab.root, 'disk.image'), diskBytes);
    const stage = new Stage(lab, await Authority.create(lab.directory('certificates')), disk);
    await stage.certify(stage.donor);
    await stage.certify(stage.joiner);
    await stage.startDonor();
    await seedBulk(stage.donor, { bytes: dataBytes, tables: 12 });
    await stage.donor.sql(
      'CREATE DATABASE load_; CREATE TABLE load_.t (id INT PRIMARY KEY AUTO_INCREMENT, at BIGINT);' +
        'CREATE TABLE load_.held (id INT PRIMARY KEY) SELECT 1 AS id',
    );
    stage.#writer = stage.#write();
    return stage;
  }

  async destroy(): Promise<void> {
    this.#isOver = true;
    this.#writing = false;
    await this.#writer?.catch(() => undefined);
    await this.stopAgents();
    for (const node of [this.joiner, this.donor]) if (node.isRunning()) await node.kill();
    for (const { pid } of this.processes(this.joiner, /./)) process.kill(pid, 'SIGKILL');
    this.disk.remove();
    this.lab.destroy();
  }

  /** Starts it with the data that it has; anew after it was ended. */
  async startDonor(): Promise<void> {
    await this.donor.start({ ...this.#options(this.donor), bootstrap: true });
    await this.donor.waitFor('Synced', 90_000);
  }

  /** Starts the joiner without data, or with what the last attempt has left, at a rate that leaves time to meet it, or at none. */
  async join(data: 'empty' | 'keep', rate: 'slow' | 'fast'): Promise<void> {
    this.set(this.donor, rate === 'slow' ? { rlimit: slowRate } : {}, ['rlimit']);
    await this.joiner.start({ ...this.#options(this.joiner), data });
  }

  /** Gives a node a new certificate: one that is right, unless something else is wanted of it. */
  async certify(
    node: LabNode,
    wanted: { readonly notBefore?: Date; readonly notAfter?: Date; readonly by?: Authority } = {},
  ): Promise<void> {
    const { by = this.authority, ...dates } = wanted;
    const { cert, key } = await by.certify(node.name, { commonName: node.host, ...dates });
    this.#certificates.set(node, { ca: this.authority.caFile, cert, key });
  }

  certificateOf(node: LabNode): Required<CertificatePaths> {
    return this.#certificates.get(node) ?? { ca: '', cert: '', key: '' };
  }

  /** Changes options of `[sst]` of a node, of which `names` are taken away; a running node's script reads them the next time. */
  set(node: LabNode, options: Record<string, string>, names: readonly string[]): void {
    const before = this.#sst.get(node) ?? {};
    const kept = Object.entries(before).filter(([name]) => !names.includes(name));
    this.#sst.set(node, { ...Object.fromEntries(kept), ...options });
    const text = readFileIfThere(node.optionFile);
    if (text === undefined) return;
    const sst = formatGroups({ sst: this.#sstOf(node) });
    writeFileSync(node.optionFile, text.replace(/^\[sst\]\n(?:(?!\[).*\n)*/m, sst));
  }

  /** Gives both sides other time limits until the next call; the usual ones where none is named. */
  limit(seconds: number | undefined): void {
    const names = ['sst-idle-timeout', 'sst-initial-timeout'];
    const wanted = seconds === undefined ? [] : names.map((name) => [name, String(seconds)]);
    for (const node of [this.donor, this.joiner])
      this.set(node, Object.fromEntries(wanted) as Record<string, string>, names);
  }

  /** How long Galera waits for a node that is silent: a node that was killed keeps its next start waiting as long. */
  async bearWith(seconds: number): Promise<void> {
    const wanted = patience(seconds);
    if (wanted['evs.suspect_timeout'] === this.#patience['evs.suspect_timeout']) return;
    this.#patience = wanted;
    const text = Object.entries(wanted).map(([name, value]) => `${name}=${value}`);
    await this.donor.sql(`SET GLOBAL wsrep_provider_options='${text.join(';')}'`);
  }

  /** Both nodes' transfers go through agents until they are stopped. */
  async startAgents(): Promise<void> {
    const teardown = (end: () => unknown): void => void this.#ends.push(end);
    for (const node of [this.donor, this.joiner]) {
      if (this.agents.has(node)) continue;
      this.agents.set(node, await startNodeAgent({ teardown }, this.lab, node));
    }
  }

  async stopAgents(): Promise<void> {
    this.agents.clear();
    for (const end of this.#ends.splice(0)) await end();
  }

  /** The joiner is there, holds the same, and nothing tells of the transfers any more. */
  async isWhole(frozen?: LabNode): Promise<readonly string[]> {
    await this.joiner.waitFor('Synced', 90_000);
    await this.donor.waitFor('Synced', 30_000);
    this.#writing = false;
    await this.#writer;
    const problems = [
      ...(await compareNodes(this.donor, this.joiner)),
      // What is killed where it stands still cannot clean up: the next transfer does.
      ...(await traces([this.donor, this.joiner].filter((node) => node !== frozen))),
    ];
    this.#writing = true;
    this.#writer = this.#write();
    return problems.map(String);
  }

  /** Whether the joiner's data directory says that it holds an incomplete copy. */
  isMarked(): boolean {
    return existsSync(join(this.joiner.dataDirectory, partialCopyFile));
  }

  /** What the joiner's Galera believes to have: `UUID:seqno`, all zeros for nothing. */
  believed(): string {
    const text = readFileIfThere(join(this.joiner.dataDirectory, 'grastate.dat')) ?? '';
    return /^uuid:\s+(\S+)/m.exec(text)?.[1] ?? '00000000-0000-0000-0000-000000000000';
  }

  /** Whether something listens on the port of transfers. */
  isListening(node: LabNode): boolean {
    const inside = ['ip', 'netns', 'exec', node.namespace ?? ''];
    return runSync([...inside, 'ss', '-ltnH', 'sport', '=', ':4444']).trim() !== '';
  }

  /** Seconds from `sinceMs` until the donor has taken a write that began after it. */
  async untilWritable(sinceMs: number): Promise<number> {
    while (this.#last.sinceMs < sinceMs && !this.#isOver) await wait(20);
    return (this.#last.untilMs - sinceMs) / 1000;
  }

  /** Keeps the donor's server from flushing its tables, until what this gives is called. */
  async holdTables(): Promise<() => Promise<void>> {
    const running = this.donor
      .sql('SET SESSION wsrep_on=0; UPDATE load_.held SET id = id + SLEEP(60)')
      .catch(() => undefined);
    const find = `SELECT id FROM information_schema.processlist WHERE info LIKE 'UPDATE load_.held%'`;
    return async () => {
      for (const { id } of await this.donor.query(find).catch(() => []))
        await this.donor.sql(`KILL QUERY ${id ?? ''}`).catch(() => undefined);
      await running;
    };
  }

  processes(node: LabNode, program: RegExp): NodeProcess[] {
    return runSync(['ip', 'netns', 'pids', node.namespace ?? ''])
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => ({ pid: Number(line), words: wordsOf(Number(line)) }))
      .filter(({ words }) => words.length > 0 && program.test(words.join(' ')))
      .filter(({ words }) => words[2] !== 'agent' && !/(^|\/)(mariadb|ip|ss|setpriv)$/.test(words[0] ?? ''));
  }

  /** The script and all that it, or an agent for it, has started. */
  scripts(node: LabNode): NodeProcess[] {
    return this.processes(node, /./).filter(
      ({ words }) => !/mariadbd$/.test(words[0] ?? '') && !stranger.test(words.join(' ')),
    );
  }

  #sstOf(node: LabNode): OptionGroup {
    const { ca, cert, key } = this.certificateOf(node);
    const limits = { 'sst-idle-timeout': String(idleSeconds), 'sst-initial-timeout': String(initialSeconds) };
    return { tca: ca, tcert: cert, tkey: key, ...limits, verify: 'checksum', ...this.#sst.get(node) };
  }

  #options(node: LabNode): NodeOptions {
    const options = tunnelOptions(
      node,
      {},
      {
        // The donor alone stays a primary component when its joiner dies or is cut off.
        providerOptions: {
          'pc.weight': node === this.donor ? '3' : '1',
          'pc.recovery': 'false',
          'evs.keepalive_period': 'PT0.5S',
          'evs.inactive_check_period': 'PT0.5S',
          ...this.#patience,
        },
        groups: {
          mysqld: {
            wsrep_sst_donor: 'node1',
            ...(node === this.joiner ? { datadir: join(this.disk.folder, 'data') } : {}),
          },
          sst: this.#sstOf(node),
        },
      },
    );
    const socket = join(this.lab.root, `agent-${node.name}`, 'agent.sock');
    return { ...options, environment: { ...options.environment, GALERA_SST_TUNNEL_SOCKET: socket } };
  }

  /** One row after the other: how long one takes is how long the donor was not writable. */
  async #write(): Promise<void> {
    while (this.#writing) {
      const sinceMs = Date.now();
      try {
        await this.donor.sql(`INSERT INTO load_.t (at) VALUES (${sinceMs})`);
        this.#last = { sinceMs, untilMs: Date.now() };
      } catch {
        // The donor's server may be the one that was ended.
      }
      await wait(50);
    }
  }
}

function patience(seconds: number): Record<string, string> {
  return {
    'evs.suspect_timeout': `PT${seconds}S`,
    'evs.inactive_timeout': `PT${seconds + 1}S`,
    'evs.install_timeout': `PT${seconds + 1}S`,
  };
}

function readFileIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function wordsOf(pid: number): string[] {
  return (readFileIfThere(`/proc/${pid}/cmdline`) ?? '').split('\0').slice(0, -1);
}
