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
    // A constant command: rsync hands it to a shell, the directory is in the environment.
    ...(module.waitFor === undefined
      ? []
      : [`pre-xfer exec = until [ -e "$RSYNC_MODULE_PATH/${module.waitFor}" ]; do sleep 0.02; done`]),
  ];
}

/**
 * The file is read line by line, trims values, continues lines at a backslash and expands `%NAME%`, which
 * begins with an upper case letter and may hold anything (rsync 3.2+, measured with 3.5.0).
 */
function checkPath(path: string): string {
  const reason = /[\0-\x1f\x7f]/.test(path)
    ? 'a control character'
    : /%[A-Z][^%]*%/.test(path)
      ? 'a %NAME% that rsync would expand'
      : /\\$/.test(path)
        ? 'a backslash at its end'
        : path !== path.trim()
          ? 'a space at its beginning or end'
          : undefined;
  if (reason === undefined) return path;
  throw new TransferError(
    'PATH_UNSAFE',
    `path ${JSON.stringify(path)} has ${reason}, which rsync's daemon cannot be told`,
  );
}
