import { find, type Settings } from '../config/settings.js';
import { TransferError } from '../errors.js';

/** Where a cluster is, with the TLS settings of its own connections. */
export interface Group {
  /** `gcomm://…` */
  readonly address: string;
  readonly name: string;
  /** Of wsrep_provider_options, what concerns sockets: a cluster that speaks TLS lets nobody else in. */
  readonly options: string;
}

/**
 * The cluster that this node belongs to.
 * @throws TransferError OPTION_MISSING.
 */
export function groupOf(settings: Settings): Group {
  const given = (name: string): string => find(settings, name, ['server arguments', '[mysqld]'])?.value ?? '';
  const address = given('wsrep-cluster-address');
  if (!/^gcomm:\/\/./.test(address)) {
    throw new TransferError(
      'OPTION_MISSING',
      `wsrep_cluster_address is ${JSON.stringify(address)}, expected gcomm:// with the nodes`,
      {
        option: 'wsrep_cluster_address',
        hint: 'a rehearsal asks the cluster that this node belongs to: name its nodes in [mysqld]; my_print_defaults mysqld shows what is set',
      },
    );
  }
  const tls = given('wsrep-provider-options')
    .split(';')
    .map((option) => option.trim())
    .filter((option) => option.startsWith('socket.'));
  return { address, name: given('wsrep-cluster-name') || 'my_wsrep_cluster', options: tls.join(';') };
}

/**
 * garbd's option file.
 * @param address the joiner's, with the transfer's secret; undefined: nothing is asked for
 * @param donor names of nodes with commas between them; default: Galera chooses
 */
export function arbitratorConfig(
  group: Group,
  address: string | undefined,
  donor: string | undefined,
): string {
  // A port that the system chooses: this node's server may have Galera's own.
  const options = ['gmcast.listen_addr=tcp://0.0.0.0:0', ...(group.options === '' ? [] : [group.options])];
  const lines = {
    address: group.address,
    group: group.name,
    name: 'rehearsal',
    options: options.join(';'),
    ...(address === undefined ? {} : { sst: `rsync_tunnel:${address}` }),
    ...(donor === undefined ? {} : { donor }),
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}

/** What a line of garbd's log (26.4.23) means for a rehearsal; its routine includes the address with the transfer's secret. */
export type ArbitratorLine =
  | { readonly kind: 'routine' }
  | { readonly kind: 'trouble' }
  | { readonly kind: 'donor'; readonly name: string }
  | { readonly kind: 'member'; readonly name: string }
  /** Every member of the cluster has been named. */
  | { readonly kind: 'members told' }
  /** Galera has chosen no donor and garbd ends, with status 0. */
  | { readonly kind: 'no donor'; readonly reason: string };

export function understandArbitrator(line: string): ArbitratorLine {
  const [, reason] = /it is impossible to select State Transfer donor: (.*)$/.exec(line) ?? [];
  // Nobody is free at this moment: garbd asks again.
  if (reason !== undefined && !reason.includes('temporarily')) return { kind: 'no donor', reason };
  const [, name] = / Selected \S+ \((\S+)\)\(\w+\) as donor/.exec(line) ?? [];
  if (name !== undefined) return { kind: 'donor', name };
  const [, member] = / STATE EXCHANGE: got state msg: \S+ from \d+ \((.*)\)$/.exec(line) ?? [];
  if (member !== undefined) return { kind: 'member', name: member };
  if (line.endsWith(' Quorum results:')) return { kind: 'members told' };
  return { kind: / (WARN|ERROR|FATAL): /.test(line) ? 'trouble' : 'routine' };
}
