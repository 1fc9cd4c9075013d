import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join as joinPath } from 'node:path';
import type { Config } from '../config/config.js';
import { find, type Settings } from '../config/settings.js';
import { totalSize } from '../datadir/inventory.js';
import { resolveLayout } from '../datadir/layout.js';
import type { Manifest } from '../datadir/manifest.js';
import { checkSpace, spaceLeft } from '../datadir/space-check.js';
import { errorOf, TransferError } from '../errors.js';
import type { EmitEvent, TransferEvent } from '../events.js';
import { runBriefly } from '../processes/spawn.js';
import { childFailure, supervise, type SupervisedChild } from '../processes/supervise.js';
import type { TransferContext } from '../transfers/context.js';
import { join } from '../transfers/join.js';
import { delay } from '../transfers/wait.js';
import { arbitratorConfig, groupOf, understandArbitrator, type Group } from './arbitrator.js';
import { findOtherNodes, ownNodeName } from './other-nodes.js';
import { withScratch, withTarget } from './scratch.js';
import { startServer, type StartedCopy } from './start-server.js';

/** What a rehearsal is to do. */
export interface Rehearsal {
  /** The configuration that this node would join with. */
  readonly config: Config;
  readonly settings: Settings;
  /** A new directory in it takes the copy. */
  readonly scratch: string;
  /** Keep the copy here instead; must not exist or be empty. */
  readonly keepIn?: string | undefined;
  /** A node's name; default: as this node's server would ask for one, but never itself if there are others. */
  readonly donor?: string | undefined;
  /** Start a server on the copy. */
  readonly startsServer?: boolean | undefined;
}

type Surroundings = Omit<TransferContext, 'say' | 'offerOnly'>;

/** What came of it. */
export interface Rehearsed {
  /** The name of the node that Galera has chosen; undefined if its arbitrator did not say. */
  readonly donor?: string | undefined;
  /** It was this node's own server: of the network nothing has been learnt. */
  readonly isOwnDonor?: boolean | undefined;
  /** `UUID:seqno`, maybe with a domain id. */
  readonly state: string;
  readonly bytes: number;
  readonly files: number;
  readonly seconds: number;
  /** How long the donor's writes waited; undefined if it did not say. */
  readonly lockSeconds?: number | undefined;
  /** Of the server on the copy. */
  readonly started?: StartedCopy | undefined;
}

/** In the directory of a copy that is kept: the position that the cluster was at. */
const positionFile = 'galera-position';

/**
 * A real transfer from a real donor into a scratch directory, with Galera's arbitrator asking for it in the place of a
 * joining server. This node's own data is not touched.
 * @throws TransferError
 */
export async function rehearse(rehearsal: Rehearsal, given: Surroundings): Promise<Rehearsed> {
  const { config, settings, scratch, keepIn, donor, startsServer } = rehearsal;
  await requirePrograms(startsServer === true ? ['garbd', 'mariadbd'] : ['garbd']);
  const group = groupOf(settings);
  return withScratch(scratch, given.id, async (work) => {
    const dataDir = keepIn ?? joinPath(work, 'data');
    const outcome = await withTarget(dataDir, given.id, async () => {
      const copied = await receive(intoOne(config, dataDir), { group, settings, work, donor }, given);
      if (keepIn !== undefined) writeFileSync(joinPath(keepIn, positionFile), `${copied.state}\n`);
      return copied;
    });
    if (startsServer !== true) return outcome;
    return { ...outcome, started: await startServer({ dataDir, work }, settings, given) };
  });
}

/** What a donor would send, and whether there is room for it. */
export interface Offered {
  readonly donor?: string | undefined;
  /** See `Rehearsed`. */
  readonly isOwnDonor?: boolean | undefined;
  readonly state: string;
  readonly bytes: number;
  readonly files: number;
  /** Of the file system of this node's data directory. */
  readonly freeBytes: number;
}

/**
 * A rehearsal's beginning: Galera chooses a donor, both verify each other, the donor lists its files and goes. No lock, no data.
 * @throws TransferError; DISK_FULL when this node's own directories had no room for the files
 */
export async function rehearseOffer(
  { config, settings, scratch, donor }: Omit<Rehearsal, 'keepIn' | 'startsServer'>,
  given: Surroundings,
): Promise<Offered> {
  await requirePrograms(['garbd']);
  const group = groupOf(settings);
  let offer: Manifest | undefined;
  const {
    state,
    donor: chosen,
    isOwnDonor,
  } = await withScratch(scratch, given.id, async (work) => {
    const offerOnly = (offered: Manifest): void => void (offer = offered);
    // The original script's donor offers nothing: it begins with the lock.
    const limited = { ...intoOne(config, work), allowDonorWithoutSecret: false };
    return receive(limited, { group, settings, work, donor }, { ...given, offerOnly });
  });
  if (offer === undefined) throw new TransferError('PEER_PROTOCOL', 'the donor has offered no files');
  const { directories } = config;
  const findings = await checkSpace(resolveLayout(directories, hostname()), offer, directories, given.signal);
  const [finding] = findings.filter(({ severity }) => severity === 'error');
  if (finding !== undefined) throw errorOf(finding);
  const { bytes: freeBytes } = await spaceLeft(directories.dataDir.value);
  const bytes = totalSize(offer.files);
  return { state, donor: chosen, isOwnDonor, bytes, files: offer.files.length, freeBytes };
}

const packages = {
  garbd: 'install Galera’s arbitrator: apt-get install galera-arbitrator-4 (RPM: galera-4)',
  mariadbd:
    'install the server of the cluster here (apt-get install mariadb-server), or rehearse without --start-server',
} as const;

async function requirePrograms(programs: readonly (keyof typeof packages)[]): Promise<void> {
  for (const program of programs) {
    const { outcome } = await runBriefly(program, ['--version'], 5000);
    if (outcome.kind !== 'failed to start') continue;
    throw new TransferError('TOOL_MISSING', `${program} is not on the path`, { hint: packages[program] });
  }
}

/** How often the cluster is asked for a donor. */
const attemptsAtMost = 5;

interface Request {
  readonly group: Group;
  readonly settings: Settings;
  readonly work: string;
  readonly donor: string | undefined;
}

async function receive(
  config: Config,
  { group, settings, work, donor: named }: Request,
  given: Omit<TransferContext, 'say'>,
): Promise<Rehearsed> {
  const donor = named ?? (await preferredDonors(group, settings, work, given));
  const ending = new AbortController();
  const signal = AbortSignal.any([given.signal, ending.signal]);
  let finished: Extract<TransferEvent, { kind: 'finished' }> | undefined;
  let state = '';
  let chosen: string | undefined;
  let voice: SupervisedChild | undefined;
  let isDonorHere = false;
  const emit: EmitEvent = (event) => {
    if (event.kind === 'finished') finished = event;
    if (event.kind === 'donor') isDonorHere = true;
    given.emit(event);
  };
  const ask = (file: string, attempt = 1): void => {
    const command = { name: 'arbitrator', program: 'garbd', args: ['--cfg', file], cwd: work };
    voice = supervise(
      command,
      { transferId: given.id, emit, signal },
      {
        onStderr: (text) => {
          const said = understandArbitrator(text);
          if (said.kind === 'no donor') ending.abort(noDonor(said.reason, donor));
          if (said.kind === 'donor') chosen = said.name;
          return said.kind !== 'trouble' && said.kind !== 'no donor';
        },
      },
    );
    const asked = voice;
    void asked.ended.then((outcome) => {
      if (signal.aborted) return;
      if (outcome.kind !== 'exited' || outcome.code !== 0)
        ending.abort(childFailure(asked, outcome, 'CHILD_FAILED', hint));
      else if (chosen === undefined && !isDonorHere && attempt < attemptsAtMost) askAgain(file, attempt + 1);
    });
  };
  // A cluster that is just letting an arbitrator go, which has looked for its nodes, may let the next one go with it (26.4.23).
  const askAgain = (file: string, attempt: number): void => {
    emit({ kind: 'notice', text: 'the cluster has let the arbitrator go without a donor: it asks again' });
    void delay(1000, signal).then(
      () => ask(file, attempt),
      () => undefined,
    );
  };
  const context: TransferContext = {
    ...given,
    emit,
    signal,
    say: (line) => {
      if (line.kind === 'result') state = line.state;
      if (line.kind !== 'ready') return;
      const file = joinPath(work, 'garbd.cnf');
      // The address holds the transfer's secret: not for an argument list.
      writeFileSync(file, arbitratorConfig(group, line.address, donor), { mode: 0o600 });
      ask(file);
    },
  };
  try {
    await join(config, context);
  } finally {
    await voice?.stop(2000);
  }
  const { bytes = 0, files = 0, seconds = 0, donorLockSeconds: lockSeconds } = finished ?? {};
  const isOwnDonor = chosen === ownNodeName(settings);
  return { state, donor: chosen, isOwnDonor, bytes, files, seconds, lockSeconds };
}

/** Whom this node's server would ask for; else any other node. */
async function preferredDonors(
  group: Group,
  settings: Settings,
  work: string,
  { id, emit, signal }: Pick<TransferContext, 'id' | 'emit' | 'signal'>,
): Promise<string | undefined> {
  const set = find(settings, 'wsrep-sst-donor', ['server arguments', '[mysqld]'])?.value ?? '';
  if (set !== '') return set;
  const others = await findOtherNodes(group, settings, work, { transferId: id, emit, signal });
  return others?.join(',');
}

function noDonor(reason: string, donor: string | undefined): TransferError {
  const asked = donor === undefined ? 'of the cluster' : `named ${JSON.stringify(donor)}`;
  return new TransferError('PEER_UNREACHABLE', `no node ${asked} can be the donor: Galera says "${reason}"`, {
    hint: `${donor === undefined ? '' : 'name a node by its wsrep_node_name, or leave --donor out; '}a donor must be Synced, and not serve another node already: SHOW STATUS LIKE 'wsrep_local_state_comment' there`,
  });
}

const hint =
  'check wsrep_cluster_address and wsrep_cluster_name (my_print_defaults mysqld), and that the cluster is up';

/** The copy lies in one directory, however this server has its own spread. */
function intoOne(config: Config, dataDir: string): Config {
  const { innodbDataFilePath } = config.directories;
  return {
    ...config,
    role: 'joiner',
    directories: {
      dataDir: { value: dataDir, source: { kind: 'command line', name: 'scratch' } },
      // Absolute names in it would lead out of there.
      ...(innodbDataFilePath?.value.includes('/') === false ? { innodbDataFilePath } : {}),
    },
  };
}
