import { TransferError } from '../errors.js';

/** One `[module]` of the joiner's rsync daemon. */
export interface DaemonModule {
  readonly name: string;
  readonly path: string;
  readonly access: 'write' | 'read';
  /** Whether the peer must know the transfer's secret; off only for donors that run the original script. */
  readonly authenticated: boolean;
  /** A file in the module's directory that a reader waits for; a plain name. */
  readonly waitFor?: string | undefined;
}

export interface DaemonSettings {
  readonly modules: readonly DaemonModule[];
  readonly user: string;
  readonly secretsFile: string;
  readonly logFile: string;
  /** Idle limit of a connection in seconds, 0 for none. */
  readonly timeoutSeconds: number;
  /** Set when the daemon runs as root: without it rsync drops to nobody and fails with misleading errors. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
}

/** The text of rsyncd.conf; `PATH_UNSAFE` for a path that its grammar cannot carry. */
export function rsyncdConf(settings: DaemonSettings): string {
  const lines = [
    'use chroot = no',
    'reverse lookup = no',
    `log file = ${checkPath(settings.logFile)}`,
    `timeout = ${settings.timeoutSeconds}`,
    ...(settings.owner === undefined ? [] : [`uid = ${settings.owner.uid}`, `gid = ${settings.owner.gid}`]),
    ...settings.modules.flatMap((module) => ['', ...moduleLines(module, settings)]),
  ];
  return `${lines.join('\n')}\n`;
}

function moduleLines(module: DaemonModule, settings: DaemonSettings): string[] {
  return [
    `[${module.name}]`,
    `path = ${checkPath(module.path)}`,
    ...(module.access === 'write' ? ['read only = no', 'write only = yes'] : ['read only = yes']),
    ...(module.authenticated
      ? [`auth users = ${settings.user}`, `secrets file = ${checkPath(settings.secretsFile)}`]
      : []),
    // Our donors send files and directories alone. A pipe in the place of a file would let whoever reads it wait for ever.
    ...(module.access === 'write' && module.authenticated
      ? ['refuse options = links devices specials D']
      : []),
    // The original script's donor begins with deleting directories that it has not, also one that holds the redo log
    // here. Unlike a pre-xfer exec this is over before rsync enters the module's directory (3.2.0).
    ...(module.access === 'write' && !module.authenticated
      ? ['early exec = mkdir -p -m 700 "$RSYNC_MODULE_PATH"']
      : []),
    // A constant command: rsync hands it to a shell, the directory is in the environment.
    ...(module.waitFor === undefined ? [] : [`pre-xfer exec = ${waitCommand(module.waitFor)}`]),
  ];
}

/** The named pipe in a module's directory from which one line can be read by each who waits, once the message is there. */
export const gateFile = 'gate';

function waitCommand(file: string): string {
  const [message, gate] = [`"$RSYNC_MODULE_PATH/${file}"`, `"$RSYNC_MODULE_PATH/${gateFile}"`];
  return `until [ -e ${message} ]; do if [ -p ${gate} ]; then read -r _ < ${gate}; else sleep 0.1; fi; done`;
}

function checkPath(path: string): string {
  const reason = whyUnsafe(path);
  if (reason === undefined) return path;
  throw new TransferError('PATH_UNSAFE', `path ${JSON.stringify(path)} has ${reason}`);
}

/**
 * What in a path rsyncd.conf cannot carry, undefined if it can: the file is read line by line, values are trimmed,
 * a line is continued at a backslash, and `%NAME%` is expanded, which begins with an upper case letter and may hold
 * anything (rsync 3.2 and newer, measured with 3.5.0).
 */
export function whyUnsafe(path: string): string | undefined {
  if (/[\0-\x1f\x7f]/.test(path)) return 'a control character, which would end the line in rsyncd.conf';
  if (/%[A-Z][^%]*%/.test(path)) return 'a %NAME%, which the rsync daemon would replace';
  if (path.endsWith('\\')) return 'a backslash at its end, which would join lines in rsyncd.conf';
  if (path !== path.trim()) return 'a space at its beginning or end, which the rsync daemon would cut off';
  return undefined;
}
