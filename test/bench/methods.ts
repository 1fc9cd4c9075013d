import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { OptionGroup } from '../lab/option-file.js';

export const methodNames = [
  'rsync_tunnel',
  'rsync_tunnel-agent',
  'rsync',
  'rsync-stunnel',
  'mariabackup',
  'original',
] as const;
export type MethodName = (typeof methodNames)[number];

/** A node's certificate files. */
export interface Certificate {
  ca: string;
  cert: string;
  key: string;
}

/** One way to transfer the data, as it is set up in the option files. */
export interface Method {
  /** The program behind it. */
  script: string;
  /** `[sst]` of a node. */
  sst: (certificate: Certificate) => OptionGroup;
  /** An agent on each node does the transfer. */
  hasAgent?: boolean;
}

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const files = ({ ca, cert, key }: Certificate): OptionGroup => ({ tca: ca, tcert: cert, tkey: key });

export const methods: Record<MethodName, Method> = {
  rsync_tunnel: {
    script: `${checkout}scripts/wsrep_sst_rsync_tunnel`,
    sst: files,
  },
  'rsync_tunnel-agent': {
    script: `${checkout}scripts/wsrep_sst_rsync_tunnel`,
    sst: files,
    hasAgent: true,
  },
  rsync: { script: '/usr/bin/wsrep_sst_rsync', sst: () => ({ 'ssl-mode': 'DISABLED' }) },
  'rsync-stunnel': {
    script: '/usr/bin/wsrep_sst_rsync',
    sst: (certificate) => ({ ...files(certificate), 'ssl-mode': 'VERIFY_CA' }),
  },
  mariabackup: {
    script: '/usr/bin/wsrep_sst_mariabackup',
    sst: (certificate) => ({ ...files(certificate), encrypt: 3 }),
  },
  original: {
    script: `${checkout}test/lab/original/wsrep_sst_rsync_tunnel_original`,
    sst: files,
  },
};

/**
 * The value of wsrep_sst_method. Not the script's own name: the server looks for scripts in its own program
 * directory first (seen in MariaDB 10.11), where the stopwatch could not stand in front of the peers' scripts.
 */
export const sstMethodOf = (name: MethodName): string => `bench_${name}`;

/** The methods whose script is there. */
export function installed(names: readonly MethodName[]): MethodName[] {
  return names.filter((name) => existsSync(methods[name].script));
}

/** Further options of `[sst]`. */
export type Settings = Readonly<Record<string, string>>;

/** What takes part: a method as it is, or this one with more settings. */
export interface Candidate {
  /** As it stands in the report. */
  readonly label: string;
  readonly method: MethodName;
  /** Beside what the method has in `[sst]` anyway. */
  readonly sst: Settings;
}

/** The methods, then a candidate for each variant. */
export function candidatesOf(names: readonly MethodName[], variants: readonly Settings[]): Candidate[] {
  const settings = (sst: Settings): string =>
    Object.entries(sst)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ');
  return [
    ...names.map((method) => ({ label: method, method, sst: {} })),
    ...variants.map((sst) => ({
      label: `rsync_tunnel ${settings(sst)}`,
      method: 'rsync_tunnel' as const,
      sst,
    })),
  ];
}
