import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { filesAt } from './openssl-settings.js';

/** Where an OpenSSL may have its settings: Debian's; SUSE's; RHEL's and Fedora's; that of one which somebody has built. */
export const defaultFiles = [
  '/usr/lib/ssl/openssl.cnf',
  '/etc/ssl/openssl.cnf',
  '/etc/pki/tls/openssl.cnf',
  '/usr/local/ssl/openssl.cnf',
];

/** A name that is nobody else's. */
const own = 'galera_sst_tunnel';

/**
 * Settings for OpenSSL that have it use TLS of the kernel, and are the system's in all else. They include the system's file and add one
 * line to the section that counts for every program, so its name has to be known: a section in its place would drop what a policy demands
 * there, such as the oldest version of TLS (3.0.19). What stands before the dot of `galera-sst-tunnel.Options` counts for nothing, but the name is
 * another than that of the system's own `Options`, which it would replace. It comes last: where an OpenSSL does not know KTLS it goes no further
 * (3.0.19 with a word that it does not know).
 * @param files where to look; undefined is given where not exactly one of them is there, and where it is not understood for certain.
 */
export function ktlsSettings(files: readonly string[] = defaultFiles): string | undefined {
  const file = onlyOne(files);
  const sections: Sections = new Map([['default', new Map<string, string>()]]);
  if (file === undefined || !readInto(sections, file, 'default')) return undefined;
  const lines = [`.include ${file}`];
  let section = 'default';
  for (const name of ['openssl_conf', 'ssl_conf', 'system_default']) {
    const values = sections.get(section);
    const value = values?.get(name);
    // Of `ssl_conf.a` and `ssl_conf` the last one counts.
    const isPlain = [...(values?.keys() ?? [])].every((other) => !other.startsWith(`${name}.`));
    if (!isPlain || (value !== undefined && !sections.has(value))) return undefined;
    if (value === undefined) lines.push(`[${section}]`, `${name} = ${own}_${name}`);
    section = value ?? `${own}_${name}`;
  }
  return [...lines, `[${section}]`, 'galera-sst-tunnel.Options = KTLS', ''].join('\n');
}

function onlyOne(files: readonly string[]): string | undefined {
  const found = files.flatMap((file) => {
    try {
      return [realpathSync(file)];
    } catch {
      return [];
    }
  });
  return new Set(found).size === 1 && isPlainPath(found[0] ?? '') ? found[0] : undefined;
}

/** Names and values by section. */
type Sections = Map<string, Map<string, string>>;

const name = '[A-Za-z0-9_.-]+';
const header = new RegExp(`^\\s*\\[\\s*(${name})\\s*\\]\\s*$`);
const assignment = new RegExp(`^\\s*(${name})\\s*=\\s*(.*?)\\s*$`);
const include = /^\s*\.include(?:\s*=\s*|\s+)(\S+)\s*$/;
const isPlainPath = (path: string): boolean => /^\/[\w./+-]+$/.test(path);

/** A file may include itself. */
const mostFiles = 20;

/**
 * Reads a file and what it includes, as OpenSSL (3.0.19) does: an included file goes on in the section where it is included, and ends where
 * its last one does. Gives whether every line was of a kind that is understood. What hangs on variables, quotes, escapes, the directory of the process
 * or the order of a directory's files is not.
 */
function readInto(sections: Sections, first: string, inSection: string): boolean {
  let section = inSection;
  let files = 0;
  const readFile = (file: string): boolean => {
    files += 1;
    if (files > mostFiles) return false;
    return readFileSync(file, 'latin1').split(/\r?\n/).every(readLine);
  };
  const readLine = (written: string): boolean => {
    // Even a comment goes on in the next line then.
    if (written.endsWith('\\')) return false;
    const line = written.replace(/#.*/, '');
    if (line.trim() === '') return true;
    const included = include.exec(line)?.[1];
    if (included !== undefined)
      return isPlainPath(included) && onlyFileAt(included)?.every(readFile) === true;
    const begun = header.exec(line)?.[1];
    if (begun !== undefined) {
      section = begun;
      if (!sections.has(section)) sections.set(section, new Map());
      return true;
    }
    const [, key, value] = assignment.exec(line) ?? [];
    if (key === undefined || value === undefined) return false;
    sections.get(section)?.set(key, value);
    return true;
  };
  try {
    return readFile(first);
  } catch {
    return false;
  }
}

/** What is not there OpenSSL passes over, and a directory's files it reads in no certain order (3.0.19): undefined for several. */
function onlyFileAt(path: string): readonly string[] | undefined {
  if (!existsSync(path)) return [];
  const files = filesAt(path);
  return files.length > 1 ? undefined : files;
}
