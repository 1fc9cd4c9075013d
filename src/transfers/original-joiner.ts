import { dirname } from 'node:path';
import { takeInventory, type Inventory } from '../datadir/inventory.js';
import type { Place } from '../datadir/layout.js';
import { deleteUnlisted, listModule, sendDirectories, sendMessage } from '../plan/donor.js';
import { dataModule, originalCompletionFile } from '../plan/modules.js';
import type { Command } from '../plan/command.js';
import { supervise } from '../processes/supervise.js';
import { refuseExternalTables, type Premises } from './donate.js';
import { releaseLock, takeLock } from './lock.js';
import { findNotFiles } from './not-files.js';
import { report } from './preflight.js';
import { rsyncFailure } from './rsync-failure.js';
import type { SignsOfLife } from './signs-of-life.js';
import { parseState } from './state.js';
import { sendAll } from './streams.js';

/** It knows two modules, and everything but the redo log in the data directory; binary logs it never takes. */
const modules: Readonly<Record<Place, string>> = {
  data: dataModule,
  'innodb-home': dataModule,
  'innodb-log': `${dataModule}-log_dir`,
  undo: dataModule,
  aria: dataModule,
  binlog: '',
};

/**
 * Serves a joiner that runs the original script (docs/original-protocol.md): no secret, no messages, no manifest; it is
 * complete when the completion file lies in its data directory, whose one line it hands to its server as it is.
 */
export async function donateToOriginal(premises: Premises): Promise<void> {
  const { context, donation, workplace } = premises;
  context.emit({
    kind: 'notice',
    text: 'the joiner gave no secret: it runs the original script, and cannot confirm that the copy is complete',
  });
  let state: string;
  if (donation.bypass) {
    state = parseState(donation.state, '--gtid');
    context.say({ kind: 'continue' });
    context.emit({ kind: 'finished', bypass: true, bytes: 0, files: 0, seconds: 0 });
  } else {
    state = await copy(premises);
  }
  const completion = workplace.write(originalCompletionFile, `${state}\n`);
  await run(sendMessage(completion, dataModule, 'completion file', premises.client), premises);
  context.emit({ kind: 'phase', phase: 'done' });
  workplace.close();
  context.say({ kind: 'done', state });
}

/** That joiner has no limit of its own. */
const noSigns: SignsOfLife = { send: () => Promise.resolve(), everyMs: 3_600_000 };

async function copy(premises: Premises): Promise<string> {
  const { layout, client, context } = premises;
  const started = context.now().getTime();
  const options = { maxBinlogs: 0, signal: context.signal };
  // A joiner that does want a secret says so here, before the lock.
  await run(listModule(dataModule, 'look at the joiner', client), premises);
  const found = await takeInventory(layout, options);
  refuseExternalTables(found);
  report(findNotFiles(found), context.emit);
  const state = await takeLock(layout.roots.data, context, noSigns);
  const locked = context.now().getTime();
  const inventory = await sendUnderLock(premises).finally(() => releaseLock(layout.roots.data, context));
  const ended = context.now().getTime();
  context.emit({
    kind: 'finished',
    bypass: false,
    bytes: inventory.bytes,
    files: inventory.files.length,
    seconds: (ended - started) / 1000,
    lockSeconds: (ended - locked) / 1000,
  });
  return state;
}

async function sendUnderLock(premises: Premises): Promise<Inventory> {
  const { config, layout, client, workplace, context } = premises;
  context.emit({ kind: 'phase', phase: 'copying' });
  const inventory = await takeInventory(layout, { maxBinlogs: 0, signal: context.signal });
  refuseExternalTables(inventory);
  // Its version of rsync is not known: checksums stay on, and holes are filled, since old ones have no --sparse beside
  // --inplace.
  const cautious = { ...client, withoutChecksums: false };
  await run(deleteUnlisted(layout.roots.data, dataModule, 'deletions', cautious), premises);
  await createEmptyDirectories(inventory, { ...premises, client: cautious });
  await sendAll(
    {
      ...{ name: 'copy', files: inventory.files, fillsHoles: true, layout, modules, client: cautious },
      ...{ sentBytes: 0, server: 'locked' },
    },
    config,
    workplace,
    context,
  );
  return inventory;
}

/** Schemas without a file, which no stream would create. */
async function createEmptyDirectories(inventory: Inventory, premises: Premises): Promise<void> {
  const filled = new Set(Array.from(inventory.files, ({ path }) => dirname(path)));
  const empty = inventory.directories.filter((path) => !filled.has(path));
  if (empty.length === 0) return;
  const { layout, workplace, client } = premises;
  const list = workplace.write('directories.list', empty.map((path) => `./${path}\0`).join(''));
  await run(sendDirectories(layout.roots.data, dataModule, list, 'directories', client), premises);
}

async function run(command: Command, { client, context }: Premises): Promise<void> {
  const { id: transferId, emit, signal, rate } = context;
  const child = supervise(command, { transferId, emit, signal, rate });
  const outcome = await child.ended;
  context.signal.throwIfAborted();
  if (outcome.kind !== 'exited' || outcome.code !== 0) throw rsyncFailure(child, outcome, client.sockopt);
}
