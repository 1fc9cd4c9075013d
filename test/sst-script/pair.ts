import type { Test } from 'tap';
import { BareNode, stateId, type RunOptions, type ScriptRun } from './bare-node.js';
import type { CertificateFiles, Material } from './material.js';

/** A joiner's script that waits and a donor's node, without servers. */
export interface Pair {
  readonly joiner: BareNode;
  readonly donor: BareNode;
  readonly joining: ScriptRun;
  /** What Galera hands to the donor. */
  readonly ready: { readonly auth: string; readonly address: string };
}

/** Makes both nodes, whose option files have what is given in `[sst]`, and starts the joiner. */
export async function waitingPair(
  t: Test,
  material: Material,
  options: {
    readonly sst?: Readonly<Record<string, string>>;
    readonly joinerFiles?: CertificateFiles;
    readonly donorFiles?: CertificateFiles;
    readonly joinerEnv?: Readonly<Record<string, string>>;
    readonly joinerThrough?: readonly string[];
    readonly prepare?: (joiner: BareNode, donor: BareNode) => void;
  } = {},
): Promise<Pair> {
  const [joiner, donor] = [await BareNode.create(), await BareNode.create()];
  t.teardown(async () => {
    await joiner.destroy();
    await donor.destroy();
  });
  joiner.configure(material.groups(options.joinerFiles, options.sst));
  donor.configure(material.groups(options.donorFiles, options.sst));
  options.prepare?.(joiner, donor);
  const joining = joiner.start('joiner', {
    env: options.joinerEnv ?? {},
    through: options.joinerThrough ?? [],
  });
  return { joiner, donor, joining, ready: await joining.ready() };
}

/** Starts the donor with the secret that the joiner has given. */
export function startDonor({ donor, ready }: Pair, options: RunOptions = {}): ScriptRun {
  const env = { WSREP_SST_OPT_REMOTE_AUTH: ready.auth, ...options.env };
  return donor.start('donor', { address: ready.address, ...options, env });
}

/** Does what the donor's server does when it is asked for the lock. */
export async function lockTables(run: ScriptRun, { donor }: Pair): Promise<void> {
  await run.said(/^flush tables$/);
  donor.file('data/tables_flushed', `${stateId}:42 0\n`);
}
