import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join as joinPath } from 'node:path';
import { formatAddress } from '../config/address.js';
import type { Config } from '../config/config.js';
import { resolveLayout, type Layout } from '../datadir/layout.js';
import { findSchemaLinks } from '../datadir/schema-links.js';
import { writing } from '../errors.js';
import { planJoiner, type JoinerPlan } from '../plan/joiner.js';
import { dataModule, originalCompletionFile, transferUser } from '../plan/modules.js';
import { findTools } from '../processes/tools.js';
import type { TransferContext } from './context.js';
import { checkOwnCredentials, loadCredentials, tunnelFiles } from './credentials.js';
import { planKernelTls, withSettings } from './ktls.js';
import { withLifetime } from './lifetime.js';
import { whereToListen } from './listening-place.js';
import { freePort } from './port.js';
import { progressMark } from './own-files.js';
import { copyOnDisk } from './on-disk.js';
import { partialCopyIn } from './partial-copy.js';
import { checkPlaces, report } from './preflight.js';
import { receive } from './receive.js';
import { openWorkplace, type Workplace } from './workplace.js';

/**
 * The joiner's side of one transfer: checks itself, listens, tells the server where, lets the donor write, holds what
 * came against the donor's manifest, and gives the server the state that the copy has.
 * @throws TransferError; before `ready` was said the data directory is untouched.
 */
export async function join(config: Config, context: TransferContext): Promise<void> {
  await withLifetime(config, context, (within) => joinWithin(config, within));
}

async function joinWithin(config: Config, context: TransferContext): Promise<void> {
  const { emit, say } = context;
  emit({ kind: 'phase', phase: 'checking' });
  const layout = resolveLayout(config.directories, hostname());
  report(checkPlaces(config, layout), emit);
  const credentials = loadCredentials(config);
  report(await checkOwnCredentials(config, credentials, context.now()), emit);
  const [tools, { bind, findings }] = await Promise.all([findTools(), whereToListen(config)]);
  report(findings, emit);
  const kernelTls = planKernelTls(config);
  report(kernelTls.findings, emit);
  const workplace = openWorkplace({
    dataDir: layout.roots.data,
    tmpDir: config.tmpDir,
    transferId: context.id,
    asked: context.asked,
    emit,
    signs: [progressMark],
  });
  try {
    await freePort(config, bind, context);
    const ownFiles = tunnelFiles(credentials, (pem) => workplace.write('identity.pem', pem));
    const files = withSettings(ownFiles, kernelTls, (name, text) => workplace.write(name, text));
    const links = findSchemaLinks(layout);
    const { dir: workDir } = workplace;
    const plan = planJoiner({ config, layout, links, files, workDir, bind, owner: context.owner });
    const secret = randomBytes(24).toString('hex');
    writeDaemonFiles(workplace, plan, secret);
    const partial = partialCopyIn(layout.roots.data, context);
    const disk = copyOnDisk({ ...context, plan, layout, onFailure: () => partial.distrust() });
    const reception = { ...context, plan, layout, tools, partial, disk };
    const state = await withProgressMark(layout, async () => {
      const received = await receive(config, reception, () =>
        // The server reads lines of at most 511 characters (10.11.19) and hands this one to the donor as it is.
        say({
          kind: 'ready',
          address: `${transferUser}:${secret}@${formatAddress(config.address)}/${dataModule}`,
        }),
      );
      // The donor has its verdict and need not wait for this disk.
      if (partial.hasBegun()) await disk.settle();
      return received;
    });
    emit({ kind: 'phase', phase: 'done' });
    // Not before: whatever ends the transfer until here, the next one goes on with what has come. In an IST the server has a state
    // that it believes in, whatever an earlier transfer has left.
    partial.complete();
    workplace.close();
    // Last of all: the next transfer may begin with it.
    say({ kind: 'result', state });
  } finally {
    workplace.close();
  }
}

function writeDaemonFiles(workplace: Workplace, plan: JoinerPlan, secret: string): void {
  workplace.write('rsyncd.conf', plan.daemonConfig);
  workplace.write('rsyncd.secrets', `${transferUser}:${secret}\n`);
  workplace.write('rsyncd.log', '');
  for (const path of [plan.inbox, plan.answer, plan.verdict])
    writing(path, () => mkdirSync(path, { mode: 0o700 }));
}

/** `sst_in_progress` is a public sign (Kubernetes operators and probes look at it): there before work starts, gone after. */
async function withProgressMark<T>(layout: Layout, work: () => Promise<T>): Promise<T> {
  const mark = joinPath(layout.roots.data, progressMark);
  rmSync(joinPath(layout.roots.data, originalCompletionFile), { force: true });
  writing(mark, () => writeFileSync(mark, '', { mode: 0o660 }));
  try {
    return await work();
  } finally {
    removeMark(mark);
  }
}

/** On a file system that has become read-only it stays, and must not hide why the transfer ends. */
function removeMark(mark: string): void {
  try {
    rmSync(mark, { force: true });
  } catch {
    // The sweeper tries again.
  }
}
