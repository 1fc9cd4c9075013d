import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { errnoOf, errorOf, type Finding } from '../errors.js';
import type { OptionEntry } from './entry.js';
import { parseOptionFile, type Statement } from './parse.js';
import { type OptionFileChoice, searchPath } from './search-path.js';

/** What the option files say, and what the server would only complain about or pass over silently. */
export interface OptionFiles {
  readonly entries: readonly OptionEntry[];
  readonly warnings: readonly Finding[];
  /** Where it was looked for them: files, whether they are there or not, and directories with a `/` at the end. */
  readonly places: readonly string[];
}

/**
 * Reads the option files that a server with these arguments reads, in its order, includes followed.
 * Throws OPTION_FILE_UNREADABLE and OPTION_FILE_INVALID with file and line where the server would refuse to start;
 * inside an included file the server only complains and goes on behind it, which becomes a warning here.
 */
export function readOptionFiles(choice: OptionFileChoice): OptionFiles {
  const { env, directory = process.cwd() } = choice;
  const reading: Reading = { entries: [], warnings: [], places: [], home: env['HOME'], directory };
  for (const { file, isRequired } of searchPath(choice)) {
    const failure = readFile(reading, isRequired ? locate(file, reading) : file, 0);
    if (failure === undefined) continue;
    if (failure.kind === 'broken' || isRequired) throw errorOf({ ...failure.finding, severity: 'error' });
    if (!failure.isMissing) reading.warnings.push(failure.finding);
  }
  return { entries: reading.entries, warnings: reading.warnings, places: [...new Set(reading.places)] };
}

interface Reading {
  readonly entries: OptionEntry[];
  readonly warnings: Finding[];
  readonly places: string[];
  readonly home: string | undefined;
  readonly directory: string;
}

/** Not opened at all, or given up at a line. */
type ReadFailure =
  | { readonly kind: 'unopened'; readonly isMissing: boolean; readonly finding: Finding }
  | { readonly kind: 'broken'; readonly finding: Finding };

/** From this depth on the server skips `!include` and `!includedir`: a file that includes itself is read 11 times. */
const maxIncludeDepth = 10;
/** The server's FN_REFLEN - 3: longer paths are passed over. */
const maxPathBytes = 509;

function readFile(reading: Reading, path: string, depth: number): ReadFailure | undefined {
  const file = cleanUp(expandHome(path, reading.home), reading.directory);
  if (Buffer.byteLength(path) >= maxPathBytes) {
    reading.warnings.push(
      warning('OPTION_FILE_UNREADABLE', 'the path is too long, the server passes it over', file),
    );
    return undefined;
  }
  reading.places.push(file);
  let bytes: Buffer;
  try {
    const status = statSync(file);
    if (status.isFile() && (status.mode & 0o002) !== 0) {
      reading.warnings.push({
        ...warning(
          'OPTION_FILE_UNREADABLE',
          'the option file is writable for everyone, so it is ignored',
          file,
        ),
        hint: 'chmod o-w the option file',
      });
      return undefined;
    }
    // The server opens a directory and finds no line in it.
    if (status.isDirectory()) return undefined;
    // Reading would block until somebody writes.
    if (status.isFIFO()) throw new Error('it is a pipe');
    bytes = readFileSync(file);
  } catch (cause) {
    const message = `cannot read the option file: ${cause instanceof Error ? cause.message : String(cause)}`;
    const isMissing = errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR';
    const hint = isMissing
      ? { hint: 'create the file, or correct the path that names it (namei -l FILE shows where it ends)' }
      : {};
    const finding = { ...warning('OPTION_FILE_UNREADABLE', message, file), ...hint };
    return { kind: 'unopened', isMissing, finding };
  }
  for (const statement of parseOptionFile(bytes)) {
    const finding = follow(reading, statement, file, depth);
    if (finding !== undefined) return { kind: 'broken', finding };
  }
  return undefined;
}

/** Takes in one statement; what it returns ends the file. */
function follow(reading: Reading, statement: Statement, file: string, depth: number): Finding | undefined {
  const where = `${file}:${statement.line}`;
  switch (statement.kind) {
    case 'group':
      return undefined;
    case 'option': {
      const { group, name, value, line } = statement;
      reading.entries.push({ group, name, value, file, line });
      return undefined;
    }
    case 'problem':
      return warning('OPTION_FILE_INVALID', statement.message, where);
    case 'include':
    case 'includedir':
      if (depth >= maxIncludeDepth) {
        const message = `!${statement.kind} is skipped: files are included ${maxIncludeDepth} levels deep at most`;
        reading.warnings.push(warning('OPTION_FILE_INVALID', message, where));
        return undefined;
      }
      if (statement.path === '')
        return warning('OPTION_FILE_INVALID', `!${statement.kind} names no path`, where);
      if (statement.kind === 'includedir') return includeDirectory(reading, statement.path, depth, where);
      includeFile(reading, statement.path, depth, where);
      return undefined;
  }
}

/** A failure inside an included file never ends the including one. */
function includeFile(reading: Reading, path: string, depth: number, where: string): void {
  const failure = readFile(reading, path, depth + 1);
  if (failure === undefined) return;
  const { finding } = failure;
  reading.warnings.push(
    failure.kind === 'unopened'
      ? { ...finding, message: `${finding.message}, included at ${where}` }
      : finding,
  );
}

/** Every name that ends in `.cnf`, hidden ones too, in the order of their bytes. */
function includeDirectory(reading: Reading, path: string, depth: number, where: string): Finding | undefined {
  reading.places.push(`${posix.resolve(reading.directory, path)}/`);
  let names: string[];
  try {
    // As it was written: the server leaves `..` to the system here.
    names = readdirSync(absolute(path, reading.directory));
  } catch (cause) {
    const message = `cannot read the directory of !includedir: ${cause instanceof Error ? cause.message : String(cause)}`;
    return {
      ...warning('OPTION_FILE_UNREADABLE', message, where),
      hint: 'create the directory or remove the line (namei -l DIRECTORY shows where it ends)',
    };
  }
  const files = names.filter((name) => name.endsWith('.cnf'));
  files.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const name of files) includeFile(reading, posix.join(path, name), depth, where);
  return undefined;
}

/** The server resolves links of the files that its arguments name. */
function locate(file: string, { home, directory }: Reading): string {
  try {
    return realpathSync.native(absolute(file, directory));
  } catch {
    return cleanUp(expandHome(file, home), directory);
  }
}

/** Without a look at the dots in it, which are left to the system. */
function absolute(path: string, workingDirectory: string): string {
  return path.startsWith('/') ? path : `${workingDirectory}/${path}`;
}

/** Like the server (10.11) all but the last name: `x.cnf/` and `x.cnf/.` are no file, `nothere/../x.cnf` may be one. */
function cleanUp(path: string, workingDirectory: string): string {
  const nameAt = path.lastIndexOf('/') + 1;
  const directory = posix.resolve(workingDirectory, path.slice(0, nameAt));
  return `${directory === '/' ? '' : directory}/${path.slice(nameAt)}`;
}

/** `~/x` becomes `$HOME/x`; without HOME the server takes the tilde for a directory's name. */
function expandHome(path: string, home: string | undefined): string {
  return home !== undefined && path.startsWith('~/') ? `${home}${path.slice(1)}` : path;
}

function warning(code: Finding['code'], message: string, where: string): Finding {
  return { severity: 'warning', code, message, where };
}
