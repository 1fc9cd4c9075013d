import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, processFacts, succeeds } from './commands.js';
import { removeTraces } from './leftovers.js';
import { LabNode, type LastingOptions, type NodeOptions, type NodeState } from './node.js';
import {
  canMakeNamespaces,
  makeNetwork,
  planNetwork,
  removeIfEmpty,
  writeHosts,
  type Family,
  type Network,
} from './network.js';
import { giveToServer } from './template.js';

export interface LabOptions {
  /** How many nodes there can be; default 2. */
  nodes?: number;
  /** Where everything lies; must not exist; default a new directory in the system's temporary one. */
  root?: string;
  /** What the nodes' names resolve to and what they bind to; default 4. */
  family?: Family;
  /** Default: namespaces where they can be made. */
  mode?: Network['mode'];
  /** For every node's starts. */
  defaults?: LastingOptions;
  /** The lab outlives this process (scripts/lab). */
  kept?: boolean;
  /** Template data directories are made for this lab and go with it; those of other labs stay for the next one. */
  ownTemplates?: boolean;
}

interface LabState {
  name: string;
  root: string;
  kept: boolean;
  ownTemplates: boolean;
  owner: { pid: number; startTime: string };
  family: Family;
  network: Network;
  defaults: LastingOptions;
  nodes: NodeState[];
}

/** Holds a folder for each lab, with a link `root` to where its files are, and the servers' sockets. */
const register = '/run/gst-lab';
const open = new Set<Lab>();
let count = 0;

/** A cluster of real servers on this machine. */
export class Lab {
  readonly name: string;
  readonly root: string;
  readonly mode: Network['mode'];
  readonly nodes: readonly LabNode[];
  readonly #state: LabState;

  private constructor(state: LabState) {
    this.#state = state;
    this.name = state.name;
    this.root = state.root;
    this.mode = state.network.mode;
    const surroundings = {
      ...state,
      runDirectory: join(register, state.name),
      tethered: !state.kept,
      templates: state.ownTemplates ? join(state.root, 'templates') : undefined,
      save: () => this.#save(),
    };
    this.nodes = state.nodes.map(
      (node) => new LabNode(surroundings, state.network.places[node.number - 1]!, node),
    );
  }

  /** Makes the network and the directories for so many nodes; no server runs yet. */
  static create(options: LabOptions = {}): Promise<Lab> {
    sweepAbandonedLabs();
    const kept = options.kept ?? false;
    const name = `gst${kept ? 'k' : ''}${process.pid}-${++count}`;
    const root = options.root ?? join(tmpdir(), name);
    const mode = options.mode ?? (canMakeNamespaces() ? 'namespaces' : 'loopback');
    if (mode === 'loopback' && options.family === 6)
      throw new Error('loopback has one IPv6 address: without network namespaces nodes have IPv4 ones');
    const places = planNetwork(name, options.nodes ?? 2, mode);
    const lab = new Lab({
      name,
      root,
      kept,
      ownTemplates: options.ownTemplates ?? false,
      owner: { pid: process.pid, startTime: processFacts(process.pid)?.startTime ?? '' },
      family: options.family ?? 4,
      network: places,
      defaults: options.defaults ?? {},
      nodes: places.places.map(({ number }) => ({ number, logStart: 0, options: {} })),
    });
    lab.#make();
    return Promise.resolve(lab);
  }

  /** Finds a kept lab again, by name; without a name the only one there is. */
  static attach(name?: string): Lab {
    const names = name === undefined ? labNames().filter((one) => stateOf(one)?.kept) : [name];
    if (names.length !== 1) throw new Error(`expected one lab, found ${names.length}: ${names.join(' ')}`);
    const state = stateOf(names[0]!);
    if (state === undefined) throw new Error(`no lab ${names[0] ?? ''}`);
    return new Lab(state);
  }

  /** Removes what labs left whose process was killed. */
  static sweepAbandoned(): void {
    sweepAbandonedLabs();
  }

  /** Node 1, 2, … */
  node(number: number): LabNode {
    const node = this.nodes[number - 1];
    if (node === undefined) throw new Error(`node ${number} of ${this.nodes.length}`);
    return node;
  }

  /** Boots node 1 and lets the others join one after the other; each is Synced before the next. */
  async startAll(options: NodeOptions = {}, timeoutMs = 60_000): Promise<void> {
    for (const node of this.nodes) {
      await node.start({ ...options, bootstrap: node.number === 1 });
      await node.waitFor('Synced', timeoutMs);
    }
  }

  /** Lets the nodes' names resolve to the other family, or adds lines to the nodes' hosts files. */
  setHosts(family: Family, extra: readonly string[] = []): void {
    writeHosts(this.#state.network, family, extra);
  }

  /** Makes a directory of the lab that the servers can use. */
  directory(path: string): string {
    const folder = join(this.root, path);
    mkdirSync(folder, { recursive: true });
    giveToServer(folder);
    return folder;
  }

  /** Kills what runs and removes all that the lab ever made. Synchronous, so that it works in exit handlers. */
  destroy(): void {
    open.delete(this);
    removeTraces(this.name, this.root);
    rmSync(join(register, this.name), { recursive: true, force: true });
    removeIfEmpty(register);
  }

  #make(): void {
    if (existsSync(this.root)) throw new Error(`${this.root} exists already`);
    const run = join(register, this.name);
    mkdirSync(run, { recursive: true });
    symlinkSync(this.root, join(run, 'root'));
    giveToServer(run);
    if (!this.#state.kept) cleanUpWithProcess(this);
    try {
      mkdirSync(this.root, { recursive: true });
      this.#save();
      if (
        !succeeds([
          'setpriv',
          '--reuid',
          'mysql',
          '--regid',
          'mysql',
          '--init-groups',
          'test',
          '-x',
          this.root,
        ])
      ) {
        throw new Error(`user mysql cannot get at ${this.root}`);
      }
      for (const node of this.nodes) this.directory(node.name);
      if (this.#state.ownTemplates) mkdirSync(join(this.root, 'templates'), { mode: 0o711 });
      makeNetwork(this.#state.network, this.#state.family);
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  #save(): void {
    writeFileSync(join(this.root, 'lab.json'), JSON.stringify(this.#state, undefined, 2));
  }
}

/** The names of all labs on this machine. */
export function labNames(): string[] {
  return existsSync(register) ? readdirSync(register) : [];
}

function stateOf(name: string): LabState | undefined {
  try {
    return JSON.parse(readFileSync(join(register, name, 'root', 'lab.json'), 'utf8')) as LabState;
  } catch {
    return undefined;
  }
}

/** A process that was killed could not clean up: the next lab does it. */
function sweepAbandonedLabs(): void {
  for (const name of labNames()) {
    const owner = /^gst(\d+)-/.exec(name)?.[1];
    if (owner === undefined) continue;
    const startTime = stateOf(name)?.owner.startTime;
    if (isRunning(Number(owner), startTime)) continue;
    removeTraces(name, readlinkSync(join(register, name, 'root')));
    rmSync(join(register, name), { recursive: true, force: true });
  }
}

const destroyAll = (): void => {
  for (const lab of open) lab.destroy();
};

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function onSignal(signal: NodeJS.Signals): void {
  destroyAll();
  for (const one of signals) process.removeListener(one, onSignal);
  process.kill(process.pid, signal);
}

function cleanUpWithProcess(lab: Lab): void {
  if (open.size === 0 && !process.listeners('exit').includes(destroyAll)) {
    process.on('exit', destroyAll);
    for (const signal of signals) process.on(signal, onSignal);
  }
  open.add(lab);
}
