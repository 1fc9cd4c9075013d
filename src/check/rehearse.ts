import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import type { Config } from '../config/config.js';
import { find, type Settings } from '../config/settings.js';
import { TransferError } from '../errors.js';
import type { EmitEvent, TransferEvent } from '../events.js';
import { childFailure, supervise, type SupervisedChild } from '../processes/supervise.js';
import type { TransferContext } from '../transfers/context.js';
import { join } from '../transfers/join.js';

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
}

/** What came of it. */
export interface Rehearsed {
  /** `UUID:seqno`, maybe with a domain id. */
  readonly state: string;
  readonly bytes: number;
  readonly files: number;
  readonly seconds: number;
}

/** In the directory of a copy that is kept: the position that the cluster was at. */
const positionFile = 'galera-position';

/**
 * A real transfer from a real donor into a scratch directory, with Galera's arbitrator asking for it in the place of a
 * joining server. This node's own data is not touched.
 * @throws TransferError
 */
export async function rehearse(
  { config, settings, scratch, keepIn, donor }: Rehearsal,
  given: Omit<TransferContext, 'say'>,
): Promise<Rehearsed> {
  const work = mkdtempSync(joinPath(scratch, 'galera-sst-tunnel-rehearsal-'));
  const dataDir = keepIn ?? joinPath(work, 'data');
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const outcome = await receive(intoOne(config, dataDir), groupOf(settings), { work, donor }, given);
    if (keepIn !== undefined) writeFileSync(joinPath(keepIn, positionFile), `${outcome.state}\n`);
    return outcome;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function receive(
  config: Config,
  group: Group,
  { work, donor }: { readonly work: string; readonly donor: string | undefined },
  given: Omit<TransferContext, 'say'>,
): Promise<Rehearsed> {
  const ending = new AbortController();
  const signal = AbortSignal.any([given.signal, ending.signal]);
  let finished: Extract<TransferEvent, { kind: 'finished' }> | undefined;
  let state = '';
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
      voice = supervise(command, { transferId: given.id, emit, signal });
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
  const { bytes = 0, files = 0, seconds = 0 } = finished ?? {};
  return { state, bytes, files, seconds };
}

const hint =
  'check wsrep_cluster_address and wsrep_cluster_name, that the cluster is up, and that garbd (galera-arbitrator-4) is installed';

/** The copy lies in one directory, however this server has its own spread. */
function intoOne(config: Config, dataDir: string): Config {
  return {
    ...config,
    role: 'joiner',
    directories: { dataDir: { value: dataDir, source: { kind: 'command line', name: 'scratch' } } },
  };
}

interface Group {
  readonly address: string;
  readonly name: string;
  readonly options: string;
}

/** Where the cluster is, with the TLS settings of its own connections. */
function groupOf(settings: Settings): Group {
  const given = (name: string): string => find(settings, name, ['server arguments', '[mysqld]'])?.value ?? '';
  const address = given('wsrep-cluster-address');
  if (!/^gcomm:\/\/./.test(address)) {
    throw new TransferError(
      'OPTION_MISSING',
      `wsrep_cluster_address is ${JSON.stringify(address)}, expected gcomm:// with the nodes`,
      {
        option: 'wsrep_cluster_address',
        hint: 'a rehearsal asks the cluster that this node belongs to: name its nodes',
      },
    );
  }
  const tls = given('wsrep-provider-options')
    .split(';')
    .map((option) => option.trim())
    .filter((option) => option.startsWith('socket.'));
  return { address, name: given('wsrep-cluster-name') || 'my_wsrep_cluster', options: tls.join(';') };
}

/** It listens on a port that the system chooses: this node's server may have Galera's own. */
function arbitratorConfig(group: Group, address: string, donor: string | undefined): string {
  const options = ['gmcast.listen_addr=tcp://0.0.0.0:0', ...(group.options === '' ? [] : [group.options])];
  const lines = {
    address: group.address,
    group: group.name,
    name: 'rehearsal',
    options: options.join(';'),
    sst: `rsync_tunnel:${address}`,
    ...(donor === undefined ? {} : { donor }),
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}
