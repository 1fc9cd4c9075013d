import { posix } from 'node:path';

/** How the server was told which option files to read; the server's own arguments of the same names. */
export interface OptionFileChoice {
  /** `--no-defaults`: nothing is read. */
  readonly noDefaults?: boolean | undefined;
  /** `--defaults-file`: this file instead of all others. */
  readonly defaultsFile?: string | undefined;
  /** `--defaults-extra-file`: this file before the one in the home directory. */
  readonly defaultsExtraFile?: string | undefined;
  /** The environment: HOME, MARIADB_HOME and MYSQL_HOME count. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative names are relative to; default: this process's own directory. */
  readonly directory?: string | undefined;
}

/** A file to read; a required one must exist and be readable, any other may be missing. */
export interface SearchedFile {
  readonly file: string;
  readonly isRequired: boolean;
}

const extraFile = '';

/**
 * The files in the order in which the server reads them (10.11, built without a SYSCONFDIR of its own, as Debian's
 * and MariaDB's packages for Debian are). A directory named twice counts where it is named last.
 */
export function searchPath(choice: OptionFileChoice): readonly SearchedFile[] {
  if (choice.noDefaults === true) return [];
  if (choice.defaultsFile !== undefined) return [{ file: choice.defaultsFile, isRequired: true }];
  const home = choice.env['MARIADB_HOME'] ?? choice.env['MYSQL_HOME'];
  const directories = [
    '/etc/',
    '/etc/mysql/',
    ...(home === undefined ? [] : [asDirectory(home)]),
    extraFile,
    '~/',
  ];
  return directories
    .filter((directory, index) => directories.lastIndexOf(directory) === index)
    .flatMap((directory): SearchedFile[] => {
      if (directory !== extraFile) {
        return [{ file: `${directory}${directory.startsWith('~') ? '.' : ''}my.cnf`, isRequired: false }];
      }
      return choice.defaultsExtraFile === undefined
        ? []
        : [{ file: choice.defaultsExtraFile, isRequired: true }];
    });
}

function asDirectory(path: string): string {
  return path === '' ? extraFile : posix.normalize(`${path}/`);
}
