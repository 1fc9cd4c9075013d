import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { find, type Settings } from '../config/settings.js';
import { findPortOwner } from '../processes/proc.js';
import { supervise, type Supervision } from '../processes/supervise.js';
import { arbitratorConfig, understandArbitrator, type Group } from './arbitrator.js';

const server = ['server arguments', '[mysqld]'] as const;

/** The name under which Galera knows this node's server. */
export function ownNodeName(settings: Settings): string {
  return find(settings, 'wsrep-node-name', server)?.value || hostname();
}

/**
 * The names of the cluster's nodes without this one, as Galera's arbitrator hears them; undefined when this node's server takes no
 * part in the cluster, or nothing was heard. Left to itself Galera likes to choose this very node as donor, with which nothing is
 * learnt of the network.
 */
export async function findOtherNodes(
  group: Group,
  settings: Settings,
  work: string,
  supervision: Supervision,
): Promise<readonly string[] | undefined> {
  if (findPortOwner(galeraPort(settings)) === undefined) return undefined;
  const file = join(work, 'look.cnf');
  writeFileSync(file, arbitratorConfig(group, undefined, undefined), { mode: 0o600 });
  const names = new Set<string>();
  let hasHeardAll = false;
  let conclude = (): void => undefined;
  const heardAll = new Promise<void>((resolve) => (conclude = resolve));
  const command = { name: 'arbitrator', program: 'garbd', args: ['--cfg', file], cwd: work };
  const arbitrator = supervise(command, supervision, {
    onStderr: (line) => {
      const said = understandArbitrator(line);
      if (said.kind === 'member') names.add(said.name);
      if (said.kind === 'members told') {
        hasHeardAll = true;
        conclude();
      }
      // It is ended in the middle of joining, and complains.
      return hasHeardAll || said.kind !== 'trouble';
    },
  });
  await Promise.race([heardAll, arbitrator.ended]);
  await arbitrator.stop(2000);
  const others = [...names].filter((name) => name !== ownNodeName(settings) && name !== 'rehearsal');
  return others.length === 0 ? undefined : others;
}

function galeraPort(settings: Settings): number {
  const options = find(settings, 'wsrep-provider-options', server)?.value ?? '';
  const listen = /(?:^|;)\s*gmcast\.listen_addr\s*=[^;]*:(\d+)\s*(?:;|$)/.exec(options)?.[1];
  return Number(listen ?? /(?:^|;)\s*base_port\s*=\s*(\d+)/.exec(options)?.[1] ?? 4567);
}
