import { join } from 'node:path';
import type { Config } from '../config/config.js';
import type { Layout, Place } from '../datadir/layout.js';
import type { SchemaLink } from '../datadir/schema-links.js';
import type { Command } from './command.js';
import { dataModule, linkModule, messageModules, placeModules, transferUser } from './modules.js';
import { rsyncdConf, type DaemonModule } from './rsyncd-conf.js';
import { listenAddress, listenerOptions, tellIfKilled, tunnelVariables, type TunnelFiles } from './tunnel.js';

/** What the joiner's side of a tunnel consists of, as data. */
export interface JoinerPlan {
  readonly listener: Command;
  readonly daemonConfig: string;
  readonly daemonConfigFile: string;
  readonly daemonLogFile: string;
  readonly secretsFile: string;
  /** Directories for messages; all below the private directory. */
  readonly inbox: string;
  readonly answer: string;
  readonly verdict: string;
  /** The module in which this joiner wants each kind of file: kinds that share a directory share a module. */
  readonly modules: Readonly<Record<Place, string>>;
  /** Schema directories with a module of their own. */
  readonly links: readonly LinkModule[];
}

/**
 * rsync makes a real directory of a link in the path of what it receives, and where it is told to keep it (`--keep-dirlinks` without
 * implied directories) its daemon cannot follow it: ELOOP, and the client ends with 0 (3.5.0). A module follows links.
 */
export interface LinkModule extends SchemaLink {
  readonly module: string;
}

export interface JoinerFacts {
  readonly config: Config;
  readonly layout: Layout;
  readonly links: readonly SchemaLink[];
  readonly files: TunnelFiles;
  /** The private directory of this transfer. */
  readonly workDir: string;
  /** The address to listen on, when the effective address is one of this host's; undefined: all. */
  readonly bind: string | undefined;
  /** User and group of this process. */
  readonly owner: { readonly uid: number; readonly gid: number };
}

/** File names in the message directories. */
export const messageFiles = {
  sign: 'waiting',
  probe: 'probe',
  offer: 'offer.ndjson',
  final: 'final.ndjson',
  failure: 'failure.json',
  total: 'total.json',
  answer: 'answer.json',
  verifying: 'verifying.json',
  verdict: 'verdict.json',
} as const;

/** Decides listener, daemon and modules of a joiner; pure. */
export function planJoiner(facts: JoinerFacts): JoinerPlan {
  const { config, workDir } = facts;
  const daemonConfigFile = join(workDir, 'rsyncd.conf');
  const daemonLogFile = join(workDir, 'rsyncd.log');
  const secretsFile = join(workDir, 'rsyncd.secrets');
  const links = facts.links.map((link, index) => ({ ...link, module: linkModule(index) }));
  const directories = {
    inbox: join(workDir, 'inbox'),
    answer: join(workDir, 'answer'),
    verdict: join(workDir, 'verdict'),
  };
  return {
    listener: {
      name: 'listener',
      givesWay: true,
      program: 'socat',
      args: [
        ...listenerOptions,
        listenAddress(config.address, facts.bind, config.tls, facts.files),
        // When its program fails, socat (1.7.4.4) ends at once and loses what the program said last, one time in
        // three: an rsync that reports "auth failed" or a full disk must not be seen to fail.
        `SYSTEM:rsync --server --daemon --config=rsyncd.conf .; ${tellIfKilled('rsync')}; exit 0`,
      ],
      // The address would need two levels of escaping for a path; relative to the directory it needs none.
      cwd: workDir,
      ...(facts.files.opensslConf === undefined ? {} : { env: tunnelVariables(facts.files) }),
    },
    daemonConfig: rsyncdConf({
      modules: [...placeModulesOf(facts), ...links.map(linkModuleOf), ...messageModulesOf(directories)],
      user: transferUser,
      secretsFile,
      logFile: daemonLogFile,
      timeoutSeconds: 0,
      owner: facts.owner.uid === 0 ? facts.owner : undefined,
    }),
    daemonConfigFile,
    daemonLogFile,
    secretsFile,
    ...directories,
    modules: sharedModules(facts.layout),
    links,
  };
}

function placeModulesOf({ config, layout }: JoinerFacts): DaemonModule[] {
  const places = Object.entries(placePaths(layout)) as [Place, string][];
  return places.map(([place, path]) => ({
    name: placeModules[place],
    path,
    access: 'write',
    authenticated: !(config.allowDonorWithoutSecret && (place === 'data' || place === 'innodb-log')),
  }));
}

function linkModuleOf({ module, target }: LinkModule): DaemonModule {
  return { name: module, path: target, access: 'write', authenticated: true };
}

function messageModulesOf(directories: { inbox: string; answer: string; verdict: string }): DaemonModule[] {
  return [
    { name: messageModules.inbox, path: directories.inbox, access: 'write', authenticated: true },
    {
      name: messageModules.answer,
      path: directories.answer,
      access: 'read',
      authenticated: true,
      waitFor: messageFiles.answer,
    },
    {
      name: messageModules.verdict,
      path: directories.verdict,
      access: 'read',
      authenticated: true,
      waitFor: messageFiles.verdict,
    },
  ];
}

/** The directory of each kind of file; a joiner without a binary log has none for it. */
function placePaths(layout: Layout): Partial<Record<Place, string>> {
  return layout.binlog === undefined ? layout.roots : { ...layout.roots, binlog: layout.binlog.dir };
}

/** The module in which this joiner wants each kind of file: kinds that share a directory share a module. */
export function sharedModules(layout: Layout): Record<Place, string> {
  const paths = placePaths(layout);
  const moduleOf = (place: Place): string => {
    const path = paths[place];
    if (path === undefined) return '';
    const first = (Object.keys(placeModules) as Place[]).find((other) => paths[other] === path);
    return first === undefined ? dataModule : placeModules[first];
  };
  return {
    data: moduleOf('data'),
    'innodb-home': moduleOf('innodb-home'),
    'innodb-log': moduleOf('innodb-log'),
    undo: moduleOf('undo'),
    aria: moduleOf('aria'),
    binlog: moduleOf('binlog'),
  };
}
