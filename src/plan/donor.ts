import type { Compressor } from '../config/config.js';
import type { SocketOptions } from '../config/tls.js';
import { pick, type FileName, type Files } from '../datadir/file-table.js';
import { rootOf, type Layout, type Place } from '../datadir/layout.js';
import { showCommand, type Command } from './command.js';
import { transferUser } from './modules.js';
import { clientOptions, tellIfKilled, tunnelVariables } from './tunnel.js';

/** The variable that carries socat's address to the connection command. */
export const tunnelVariable = 'GALERA_SST_TUNNEL_TO';

/**
 * rsync's connection command. rsync splits it itself and gives it a socket pair; the shell that it names sees only
 * this constant string. `RSYNC_CONNECT_PROG` would do too, but for that rsync connects through a TCP pair on
 * localhost, whose delayed acknowledgements cost 40 ms a turn and half the throughput (rsync 3.5.0). The shell stays, to
 * tell that socat was killed (by the kernel for want of memory, for one): rsync only sees a connection that ends.
 */
export const connectionCommand = `sh -c 'socat ${clientOptions.join(' ')} STDIO "$${tunnelVariable}"; ${tellIfKilled('socat')}; exit $s'`;

/** What every rsync client of a donor needs to know. */
export interface TunnelClient {
  /** socat's `OPENSSL:` address. */
  readonly connect: string;
  /** Settings for socat's OpenSSL in the place of the system's. */
  readonly opensslConf?: string | undefined;
  /** What of it the administrator chose, for errors. */
  readonly sockopt?: SocketOptions | undefined;
  /** Undefined for a joiner that runs the original script. */
  readonly secret: string | undefined;
  /** Seconds without a byte after which rsync gives up; 0 for none. */
  readonly timeoutSeconds: number;
  /** rsync on both sides is 3.2 or newer and can leave out checksums of what TLS protects anyway. */
  readonly withoutChecksums: boolean;
  /** rsync on both sides can compress with it, and is to. */
  readonly compressor?: Compressor | undefined;
  /** The server writes: files that were listed may be gone when rsync looks for them. */
  readonly mayVanish?: boolean | undefined;
}

/** What decides how a file is sent. */
export interface Sending {
  /** It has holes that are worth keeping. */
  readonly sparse: boolean;
  /** The joiner has something that resembles it: sending the differences will do. */
  readonly similar?: boolean | undefined;
}

/** Paths that are made up when they are asked for: of very many files they need not all be in memory. */
export interface Names extends Iterable<string> {
  readonly length: number;
}

/** The files of one rsync client: from one directory into one module. */
export interface Job {
  readonly module: string;
  readonly root: string;
  /** Their paths, relative to the root. */
  readonly files: Names;
  readonly manner: Manner;
  readonly bytes: number;
}

/**
 * How files are sent: whole, their holes kept or filled, or only where they differ from what the joiner has. Differences and `--sparse`
 * must not come together: beside `--inplace`, rsync before 3.2.4 builds files with wrong contents from it, and before 3.3.0 it leaves
 * the old bytes where the new file ends in a hole (both in its NEWS, the second seen with 3.2.7), which nothing would notice. Whole
 * and with its holes it comes out right over older bytes, too (3.2.7, 3.5.0). Where blocks are the same the joiner's holes stay all the
 * same.
 */
export type Manner =
  | { readonly kind: 'whole'; readonly sparse: boolean }
  | { readonly kind: 'differences'; readonly blockBytes: number };

/** What all jobs that one rsync client can do have in common. */
export type Way = Pick<Job, 'module' | 'root' | 'manner'>;

/** Whether a client that was started for one can do the other. */
export function isSameWay(one: Way, other: Way): boolean {
  return (
    one.module === other.module && one.root === other.root && detailOf(one.manner) === detailOf(other.manner)
  );
}

function keyOfWay({ module, root, manner }: Way): string {
  return JSON.stringify([module, root, detailOf(manner)]);
}

function detailOf(manner: Manner): boolean | number {
  return manner.kind === 'whole' ? manner.sparse : manner.blockBytes;
}

/** InnoDB's usual page. Blocks that begin where pages do: with rsync's own choice one page that has changed spoils two blocks. */
const smallestBlockBytes = 16_384;
/** rsync takes no larger ones (3.5.0, protocol 30). */
const largestBlockBytes = 131_072;
/** The sender keeps some 50 bytes of each, and looks each position up in them. */
const blocksAtMost = 1_048_576;

/** In blocks of how many bytes a file is compared: one page up to 16 GiB, then as many as keep the number of blocks down. */
export function blockBytesFor(size: number): number {
  let bytes = smallestBlockBytes;
  while (bytes < largestBlockBytes && size > bytes * blocksAtMost) bytes *= 2;
  return bytes;
}

function mannerOf(size: number, { sparse, similar = false }: Sending): Manner {
  return similar ? { kind: 'differences', blockBytes: blockBytesFor(size) } : { kind: 'whole', sparse };
}

/**
 * Sends a job's files; names are read from `listFile`, NUL-terminated, relative to the root. From stdin where there is none: the
 * client connects and waits for them.
 */
export function sendFiles(
  job: Way,
  listFile: string | undefined,
  name: string,
  client: TunnelClient,
): Command {
  const command = rsyncClient(name, client, [
    '--files-from',
    listFile ?? '-',
    '--from0',
    ...comparison(job.manner),
    '--inplace',
    '--ignore-times',
    '--perms',
    '--times',
    '--omit-dir-times',
    '--copy-links',
    ...(client.mayVanish === true ? ['--ignore-missing-args'] : []),
    ...compression(client.compressor),
    // Without checksums there are no differences to be found, and nobody would notice what a compressor does wrong.
    ...(client.withoutChecksums && job.manner.kind === 'whole' && client.compressor === undefined
      ? ['--checksum-choice=none']
      : []),
    `${job.root}/`,
    moduleUrl(job.module, client),
  ]);
  const how = client.mayVanish === true ? { ...command, givesWay: true } : command;
  return listFile === undefined ? { ...how, readsInput: true } : how;
}

function comparison(manner: Manner): readonly string[] {
  switch (manner.kind) {
    case 'whole':
      return ['--whole-file', ...(manner.sparse ? ['--sparse'] : [])];
    case 'differences':
      return ['--no-whole-file', `--block-size=${manner.blockBytes}`];
  }
}

/** zstd's level 1 compresses tables almost as well as rsync's default of 3, in half the time. */
function compression(compressor: Compressor | undefined): readonly string[] {
  if (compressor === undefined) return [];
  const level = compressor === 'zstd' ? ['--compress-level=1'] : [];
  return ['--compress', `--compress-choice=${compressor}`, ...level];
}

/** Sends one message file; rsync renames it into place, so that the joiner never sees a part of it. */
export function sendMessage(file: string, module: string, name: string, client: TunnelClient): Command {
  return rsyncClient(name, client, ['--ignore-times', file, moduleUrl(module, client)]);
}

/** Fetches one message file into a directory; the joiner's daemon lets the client wait until it is there. */
export function fetchMessage(
  file: string,
  module: string,
  into: string,
  name: string,
  client: TunnelClient,
): Command {
  const patient = { ...client, timeoutSeconds: longestSilence(client.timeoutSeconds) };
  return fetchSign(file, module, into, name, patient);
}

/** Fetches one message file that is there or not. */
export function fetchSign(
  file: string,
  module: string,
  into: string,
  name: string,
  client: TunnelClient,
): Command {
  return rsyncClient(name, client, ['--ignore-times', `${moduleUrl(module, client)}${file}`, into]);
}

/**
 * While a message is waited for no byte moves: the joiner removes old files or compares the copy, which takes as long as
 * it takes, however short a limit is set for a silent peer. A host that is gone is noticed by the tunnel's keepalive;
 * this ends what waits for a joiner that hangs. One that reads its copy back says how far it is, and is waited for as long as it
 * gets on.
 */
export function longestSilence(timeoutSeconds: number): number {
  return timeoutSeconds === 0 ? 0 : Math.max(10 * timeoutSeconds, 600);
}

/** Lists the top of a module: shows whether the peer lets this client in, and sends nothing. */
export function listModule(module: string, name: string, client: TunnelClient): Command {
  return rsyncClient(name, client, ['--list-only', '--dirs', moduleUrl(module, client)]);
}

/**
 * Deletes what the joiner has and the donor has not: schema directories, files in them, and at the top of the data
 * directory files of the kinds that are sent there; sends nothing. All else at the top is spared, the joiner's own
 * files among it. Only for joiners with the original script: others do it from the manifest.
 */
export function deleteUnlisted(root: string, module: string, name: string, client: TunnelClient): Command {
  const foreign = ['/lost+found', '/.zfs', '/.snapshot', '/.fseventsd', '/.Trashes'];
  // Galera's cache may lie in a directory of its own, and so may the joiner's redo log, as the original script knows.
  const ownToNode = ['galera.cache', 'gcache.page.*', 'grastate.dat', 'gvwstate.dat', '*/ib_logfile*'];
  const sentToTop = ['/*/', '/ibdata*', '/ib_lru_dump', '/undo*', '/aria_log_control', '/aria_log.*'];
  return rsyncClient(name, client, [
    '--recursive',
    '--delete',
    '--existing',
    '--ignore-existing',
    ...[...foreign, ...ownToNode].map((path) => `--filter=- ${path}`),
    ...sentToTop.map((path) => `--filter=+ ${path}`),
    '--filter=- /*',
    `${root}/`,
    moduleUrl(module, client),
  ]);
}

/** Creates directories; `listFile` is as for `sendFiles`. Where files are sent they come by themselves. */
export function sendDirectories(
  root: string,
  module: string,
  listFile: string,
  name: string,
  client: TunnelClient,
): Command {
  return rsyncClient(name, client, [
    '--files-from',
    listFile,
    '--from0',
    '--dirs',
    '--perms',
    '--omit-dir-times',
    '--copy-links',
    `${root}/`,
    moduleUrl(module, client),
  ]);
}

function rsyncClient(name: string, client: TunnelClient, args: readonly string[]): Command {
  return {
    name,
    program: 'rsync',
    args: [
      `--rsh=${connectionCommand}`,
      '--no-motd',
      ...(client.timeoutSeconds > 0 ? [`--timeout=${client.timeoutSeconds}`] : []),
      ...args,
    ],
    env: {
      [tunnelVariable]: client.connect,
      ...tunnelVariables(client),
      ...(client.secret === undefined ? {} : { RSYNC_PASSWORD: client.secret }),
    },
    secretEnv: ['RSYNC_PASSWORD'],
  };
}

/** socat as the connection command runs it, for the log. */
export function showTunnelClient(client: TunnelClient): string {
  return showCommand({
    name: 'tunnel',
    program: 'socat',
    args: [...clientOptions, 'STDIO', client.connect],
    env: tunnelVariables(client),
  });
}

/** The host in the URL is a word only: the connection command decides where it leads. */
function moduleUrl(module: string, client: TunnelClient): string {
  return client.secret === undefined
    ? `rsync://joiner/${module}/`
    : `rsync://${transferUser}@joiner/${module}/`;
}

/**
 * Groups a stream's files into jobs: one for each pair of source directory and module, and each manner of sending. Kinds
 * that lie in one directory on both sides go in one job, so that the common layout needs one connection a stream.
 * @param howToSend is asked once for each file
 * @param links the joiner's modules for schema directories that are links there, by the schema's directory
 */
export function planJobs<T extends FileName & { readonly size: number }>(
  files: Files<T>,
  howToSend: (file: T) => Sending,
  layout: Layout,
  modules: Readonly<Record<Place, string>>,
  links: ReadonlyMap<string, string> = new Map(),
): Job[] {
  type Group = Way & { readonly indexes: number[]; bytes: number };
  const groups = new Map<string, Group>();
  /** Of the file before: mostly the next one's, too. */
  let group: Group | undefined;
  let index = -1;
  for (const file of files) {
    index += 1;
    const root = rootOf(layout, file.place);
    if (modules[file.place] === '' || root === undefined) continue;
    const module = throughLink(file, links)?.module ?? modules[file.place];
    const way = { module, root, manner: mannerOf(file.size, howToSend(file)) };
    if (group === undefined || !isSameWay(group, way)) {
      const key = keyOfWay(way);
      group = groups.get(key) ?? { ...way, indexes: [], bytes: 0 };
      groups.set(key, group);
    }
    group.indexes.push(index);
    group.bytes += file.size;
  }
  return Array.from(groups.values(), ({ indexes, ...job }): Job => {
    const sent = pick(files, Uint32Array.from(indexes));
    return { ...job, files: namesOf(sent, (file) => throughLink(file, links)?.path ?? file.path) };
  }).sort((a, b) => b.bytes - a.bytes);
}

function namesOf<T>(files: Files<T>, nameOf: (file: T) => string): Names {
  return {
    length: files.length,
    *[Symbol.iterator]() {
      for (const file of files) yield nameOf(file);
    },
  };
}

/**
 * A file of a schema that is a link at the joiner goes by its name in there: what follows `/./`. The root stays the data directory: rsync
 * would break its connection off, which to the joiner is a lost donor, if its root were dropped.
 */
function throughLink(
  file: FileName,
  links: ReadonlyMap<string, string>,
): { readonly module: string; readonly path: string } | undefined {
  if (links.size === 0) return undefined;
  const { place, path } = file;
  const end = path.indexOf('/');
  if (place !== 'data' || end === -1) return undefined;
  const schema = path.slice(0, end);
  const module = links.get(schema);
  return module === undefined ? undefined : { module, path: `${schema}/.${path.slice(end)}` };
}
