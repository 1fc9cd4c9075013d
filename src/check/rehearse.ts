import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join as joinPath } from 'node:path';
import type { Config } from '../config/config.js';
import type { Settings } from '../config/settings.js';
import { totalSize } from '../datadir/inventory.js';
import { resolveLayout } from '../datadir/layout.js';
import type { Manifest } from '../datadir/manifest.js';
import { checkSpace, spaceLeft } from '../datadir/space-check.js';
import { errnoOf, errorOf, TransferError } from '../errors.js';
import type { EmitEvent, TransferEvent } from '../events.js';
import { runBriefly, startSweeper } from '../processes/spawn.js';
import { childFailure, supervise, type SupervisedChild } from '../processes/supervise.js';
import type { TransferContext } from '../transfers/context.js';
import { join } from '../transfers/join.js';
import { arbitratorConfig, groupOf, understandArbitrator, type Group } from './arbitrator.js';
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
  /** A node's name; default: Galera chooses. */
  readonly donor?: string | undefined;
  /** Start a server on the copy. */
  readonly startsServer?: boolean | undefined;
}

type Surroundings = Omit<TransferContext, 'say' | 'offerOnly'>;

/** What came of it. */
export interface Rehearsed {
  /** The name of the node that Galera has chosen; undefined if its arbitrator did not say. */
  readonly donor?: string | undefined;
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
    const undo = makeTarget(dataDir);
    const sweeper = keepIn === undefined ? undefined : startSweeper([keepIn], given.id);
    let outcome: Rehearsed;
    try {
      outcome = await receive(intoOne(config, dataDir), { group, work, donor }, given);
      if (keepIn !== undefined) writeFileSync(joinPath(keepIn, positionFile), `${outcome.state}\n`);
    } catch (error) {
      undo();
      throw error;
    } finally {
      sweeper?.dismiss();
    }
    if (startsServer !== true) return outcome;
    return { ...outcome, started: await startServer({ dataDir, work }, settings, given) };
  });
}

/** What a donor would send, and whether there is room for it. */
export interface Offered {
  readonly donor?: string | undefined;
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
  const { state, donor: chosen } = await withScratch(scratch, given.id, async (work) => {
    const offerOnly = (offered: Manifest): void => void (offer = offered);
    // The original script's donor offers nothing: it begins with the lock.
    const limited = { ...intoOne(config, work), allowDonorWithoutSecret: false };
    return receive(limited, { group, work, donor }, { ...given, offerOnly });
  });
  if (offer === undefined) throw new TransferError('PEER_PROTOCOL', 'the donor has offered no files');
  const { directories } = config;
  const findings = await checkSpace(resolveLayout(directories, hostname()), offer, directories, given.signal);
  const [finding] = findings.filter(({ severity }) => severity === 'error');
  if (finding !== undefined) throw errorOf(finding);
  const { bytes: freeBytes } = await spaceLeft(directories.dataDir.value);
  const bytes = totalSize(offer.files);
  return { state, donor: chosen, bytes, files: offer.files.length, freeBytes };
}

const packages = {
  garbd: 'install Galera’s arbitrator: galera-arbitrator-4 (Debian, Ubuntu), galera-4 (RPM)',
  mariadbd: 'install the server of the cluster here, or rehearse without --start-server',
} as const;

async function requirePrograms(programs: readonly (keyof typeof packages)[]): Promise<void> {
  for (const program of programs) {
    const { outcome } = await runBriefly(program, ['--version'], 5000);
    if (outcome.kind !== 'failed to start') continue;
    throw new TransferError('TOOL_MISSING', `${program} is not on the path`, { hint: packages[program] });
  }
}

/** Gives the work a private directory, which is gone when it has ended, however it did: also when this process is killed. */
async function withScratch<T>(
  scratch: string,
  transferId: string,
  work: (dir: string) => Promise<T>,
): Promise<T> {
  const dir = makeScratch(scratch);
  const sweeper = startSweeper([dir], transferId);
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
    sweeper.dismiss();
  }
}

/** A transfer removes what its donor does not have: nothing may be there. Gives what takes a copy that failed away again. */
function makeTarget(dir: string): () => void {
  try {
    const made = mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (made !== undefined) return () => rmSync(made, { recursive: true, force: true });
    if (readdirSync(dir).length === 0) {
      return () => {
        for (const name of readdirSync(dir)) rmSync(joinPath(dir, name), { recursive: true, force: true });
      };
    }
  } catch (cause) {
    const message = `cannot make the directory ${dir}: ${errnoOf(cause) ?? String(cause)}`;
    throw new TransferError('DIRECTORY_NOT_WRITABLE', message, {
      hint: 'name with --to a directory that the user who copies (--user, mysql by default) may make',
      cause,
    });
  }
  throw new TransferError('FILE_EXISTS', `${dir} is not empty`, {
    hint: 'name with --to a directory that is empty or not there yet: a transfer removes what its donor does not have',
  });
}

function makeScratch(scratch: string): string {
  try {
    return mkdtempSync(joinPath(scratch, 'galera-sst-tunnel-rehearsal-'));
  } catch (cause) {
    const code = errnoOf(cause) === 'ENOENT' ? 'DIRECTORY_MISSING' : 'DIRECTORY_NOT_WRITABLE';
    const message = `cannot make a directory in ${scratch}: ${errnoOf(cause) ?? String(cause)}`;
    throw new TransferError(code, message, {
      hint: 'name with --scratch a directory that the user who rehearses (--user) may write to',
      cause,
    });
  }
}

interface Request {
  readonly group: Group;
  readonly work: string;
  readonly donor: string | undefined;
}

async function receive(
  config: Config,
  { group, work, donor }: Request,
  given: Omit<TransferContext, 'say'>,
): Promise<Rehearsed> {
  const ending = new AbortController();
  const signal = AbortSignal.any([given.signal, ending.signal]);
  let finished: Extract<TransferEvent, { kind: 'finished' }> | undefined;
  let state = '';
  let chosen: string | undefined;
  let voice: SupervisedChild | undefined;
  const emit: EmitEvent = (event) => {
    if (event.kind === 'finished') finished = event;
    given.emit(event);
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
      const command = { name: 'arbitrator', program: 'garbd', args: ['--cfg', file], cwd: work };
      voice = supervise(
        command,
        { transferId: given.id, emit, signal },
        {
          onStderr: (text) => {
            const said = understandArbitrator(text);
            if (said.kind === 'no donor') ending.abort(noDonor(said.reason, donor));
            if (said.kind === 'donor') chosen = said.name;
            return said.kind === 'routine' || said.kind === 'donor';
          },
        },
      );
      const asked = voice;
      void asked.ended.then((outcome) => {
        if (outcome.kind === 'exited' && outcome.code === 0) return;
        ending.abort(childFailure(asked, outcome, 'CHILD_FAILED', hint));
      });
    },
  };
  try {
    await join(config, context);
  } finally {
    await voice?.stop(2000);
  }
  const { bytes = 0, files = 0, seconds = 0, donorLockSeconds: lockSeconds } = finished ?? {};
  return { state, donor: chosen, bytes, files, seconds, lockSeconds };
}

function noDonor(reason: string, donor: string | undefined): TransferError {
  const asked = donor === undefined ? 'no node of the cluster' : `the node ${JSON.stringify(donor)}`;
  const can = donor === undefined ? 'can' : 'cannot';
  return new TransferError('PEER_UNREACHABLE', `${asked} ${can} be the donor: Galera says "${reason}"`, {
    hint: `${donor === undefined ? '' : 'name a node by its wsrep_node_name, or leave --donor out; '}a donor must be Synced, and not serve another node already`,
  });
}

const hint = 'check wsrep_cluster_address and wsrep_cluster_name, and that the cluster is up';

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
