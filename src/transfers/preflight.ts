import { checkDirectories, type DirectoryUse } from '../datadir/space.js';
import type { Layout } from '../datadir/layout.js';
import type { Config } from '../config/config.js';
import { errorOf, TransferError, type Finding } from '../errors.js';
import type { EmitEvent } from '../events.js';
import { findPortOwner, type PortOwner } from '../processes/proc.js';
import { formatAddress } from '../config/address.js';

/** Reports every finding, and stops at the first error among them. */
export function report(findings: readonly Finding[], emit: EmitEvent): void {
  const stopping = findings.find((finding) => finding.severity === 'error');
  for (const finding of findings) if (finding !== stopping) emit({ kind: 'finding', finding });
  if (stopping !== undefined) throw errorOf(stopping);
}

/** Whether the directories that this role reads or writes are there and usable. */
export function checkPlaces(config: Config, layout: Layout): readonly Finding[] {
  const use: DirectoryUse = config.role === 'joiner' ? 'write' : 'read';
  return checkDirectories(layout, config.directories, use);
}

/** Fails with `PORT_BUSY`, naming who has the port, when something listens where the joiner has to. */
export function checkPort(config: Config, bind: string | undefined): void {
  const owner = findPortOwner(config.address.port, bind);
  if (owner !== undefined) throw portBusy(config, owner);
}

/** The error for a port that is taken. */
export function portBusy(config: Config, owner: PortOwner | undefined): TransferError {
  const who =
    owner === undefined
      ? 'another process'
      : owner.pid === undefined
        ? `a process of another user (listening on ${owner.address})`
        : `process ${owner.pid}: ${owner.commandLine ?? ''}`;
  return new TransferError(
    'PORT_BUSY',
    `port ${config.address.port} of ${formatAddress(config.address)} is taken by ${who}`,
  );
}
