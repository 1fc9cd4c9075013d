import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { loadServer, type GivenServer } from '../agent/servers.js';
import { rehearse, rehearseOffer, type Offered, type Rehearsed } from '../check/rehearse.js';
import { formatAddress } from '../config/address.js';
import { describeFailure, TransferError } from '../errors.js';
import type { EmitEvent } from '../events.js';
import { showBytes } from '../observe/quantities.js';
import { createServerLog } from '../observe/server-log.js';
import { reduceTransfer, statusOf, type TransferState } from '../observe/status.js';
import { currentTime, ownUser } from '../surroundings.js';
import { becomeServer } from './become-server.js';
import { statusLine } from './format-status.js';
import { createRedraw, type Terminal } from './terminal.js';
import { version } from './version.js';

/** What `rehearse` and `backup` are told on the command line. */
export interface RehearseCommand {
  readonly server: GivenServer;
  readonly user: string | undefined;
  readonly donor: string | undefined;
  readonly scratch: string | undefined;
  readonly keepIn: string | undefined;
  readonly isVerbose: boolean;
  /** Stop before lock and data. */
  readonly isPreflight: boolean;
  readonly startsServer: boolean;
}

/** `galera-sst-tunnel rehearse` and `backup --to DIR`; gives the exit status. */
export async function runRehearsal(command: RehearseCommand, terminal: Terminal): Promise<number> {
  const ending = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.once(name, () => ending.abort(new TransferError('INTERRUPTED', `ended by ${name}`)));
  const shown = command.isVerbose ? verbosely() : terminal.isInteractive ? inPlace(terminal) : silently;
  try {
    const done = await becomeServer(command.user);
    if (done !== undefined) return done;
    const { result, settings } = await loadServer(command.server);
    if (result instanceof TransferError) throw result;
    if (settings === undefined) return 2;
    const config = result.node.joiner;
    const { donor, startsServer } = command;
    const keepIn = command.keepIn === undefined ? undefined : resolve(command.keepIn);
    const rehearsal = { config, settings, scratch: resolve(command.scratch ?? tmpdir()), donor };
    const id = randomUUID();
    const given = {
      ...{ id, version, emit: shown.emit, signal: ending.signal, now: currentTime, owner: ownUser() },
    };
    const { dataDir } = config.directories;
    const address = formatAddress(config.address);
    given.emit({ kind: 'started', id, role: 'joiner', version, address, dataDir: dataDir.value });
    const lines = command.isPreflight
      ? describeOffer(await rehearseOffer(rehearsal, given), dataDir.value)
      : describeCopy(await rehearse({ ...rehearsal, keepIn, startsServer }, given), keepIn);
    shown.end();
    terminal.write(lines.map((line) => `${line}\n`).join(''));
    return 0;
  } catch (error) {
    shown.end();
    if (!(error instanceof TransferError)) throw error;
    process.stderr.write(`galera-sst-tunnel: ${error.code}: ${describeFailure(error)}\n`);
    return error.exitStatus;
  }
}

interface Shown {
  readonly emit: EmitEvent;
  /** Takes away what stood there in the meantime. */
  readonly end: () => void;
}

const silently: Shown = { emit: () => undefined, end: () => undefined };

function verbosely(): Shown {
  const emit = createServerLog((line) => process.stderr.write(`${line}\n`), currentTime);
  return { emit, end: () => undefined };
}

/** One line, drawn anew with every event. */
function inPlace(terminal: Terminal): Shown {
  const redraw = createRedraw(terminal);
  let state: TransferState | undefined;
  return {
    emit: (event) => {
      state = reduceTransfer(state, event, currentTime().getTime());
      if (state !== undefined) redraw([statusLine(statusOf(state, currentTime().getTime()))]);
    },
    end: () => redraw([]),
  };
}

/** What a preflight says in the end. */
export function describeOffer(
  { donor, isOwnDonor, bytes, files, freeBytes, state }: Offered,
  dataDir: string,
): readonly string[] {
  return [
    `a transfer would begin: ${donor ?? 'the donor'} has ${files} files with ${showBytes(bytes)}, at ${state}`,
    `${dataDir} has ${showBytes(freeBytes)} free, and what it holds now would be replaced`,
    'nothing was locked, nothing was copied',
    ...(isOwnDonor === true ? [ownDonor] : []),
  ];
}

/** What a rehearsal or backup says in the end. */
export function describeCopy(
  { state, donor, isOwnDonor, bytes, files, seconds, lockSeconds, started }: Rehearsed,
  keptIn: string | undefined,
): readonly string[] {
  const rate = seconds > 0 ? `, ${showBytes(bytes / seconds)}/s` : '';
  return [
    `the copy is complete: ${files} files, ${showBytes(bytes)} from ${donor ?? 'the donor'} in ${seconds.toFixed(1)} s${rate}, at ${state}`,
    lockSeconds === undefined
      ? 'the donor did not say how long its writes waited: its log does'
      : `the donor's writes waited for ${lockSeconds.toFixed(lockSeconds < 1 ? 2 : 1)} s`,
    ...(started === undefined
      ? []
      : [`a server (${started.version}) has started on it and opened all ${started.tables} tables`]),
    keptIn === undefined ? 'the copy has been removed again' : `it is in ${keptIn}`,
    ...(isOwnDonor === true ? [ownDonor] : []),
  ];
}

const ownDonor =
  'the donor was this very node: nothing was learnt of the network, nor of the certificates of the others';
