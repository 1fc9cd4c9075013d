import { TransferError } from '../errors.js';
import { FileTable, type FileName, type Files, type ListedFile } from './file-table.js';
import { isSparse } from './inventory.js';
import { places } from './layout.js';

export interface ManifestFile extends ListedFile {
  /** Of the donor's file: any change of it changes one of both. */
  readonly ctimeMs?: number | undefined;
  readonly ino?: number | undefined;
  /** Bytes that the file takes up, where that is clearly less than its size, and would be elsewhere too: holes. */
  readonly allocated?: number | undefined;
  /** The donor's device, which it keeps to itself. */
  readonly dev?: number | undefined;
  /** SHA-256 of the contents, hexadecimal; in a final manifest for a joiner that asked for it. */
  readonly hash?: string | undefined;
}

/** What a donor says its complete copy consists of. */
export interface Manifest extends ManifestHeader {
  readonly files: Files<ManifestFile>;
  /** Relative to the data directory, parents first. */
  readonly directories: readonly string[];
  /** Of a donor: devices whose file systems compress; what is allocated there is not told. */
  readonly elasticDevices?: ReadonlySet<number> | undefined;
  /** What was offered and is not there any more; with `sinceOffer` only. */
  readonly gone?: readonly FileName[] | undefined;
}

export interface ManifestHeader {
  readonly format: 1;
  /** The version of this program on the donor. */
  readonly tool: string;
  readonly serverVersion?: string | undefined;
  /** The state that the copy has: `UUID:seqno`, or with a domain id after a space. */
  readonly gtid?: string | undefined;
  readonly pass: 'offer' | 'final' | 'bypass';
  /** Names of the binary logs among the files, in the order of the donor's index. */
  readonly binlogs: readonly string[];
  /** Tells this donor from all others, until its host starts anew. */
  readonly donorId?: string | undefined;
  /** What the donor has sent in all passes together; in a final manifest. */
  readonly sentBytes?: number | undefined;
  /** When the donor began to look at its files, by its clock, ms since 1970. */
  readonly takenMs?: number | undefined;
  /** Of a final manifest: how long the donor's server held its lock. */
  readonly lockSeconds?: number | undefined;
  /** Of a final manifest that names only what is not as it was offered: what the whole has. Directories are named all the same. */
  readonly sinceOffer?: WholeCopy | undefined;
  /**
   * Of a final manifest: files of the server's log tables, as paths below the data directory, that it has written to while they were
   * sent, or may have: sizes, times and hashes are none to compare with.
   */
  readonly writtenUnderLock?: readonly string[] | undefined;
  /** As in the donor's layout: `['ibdata*']`, or the names in the order of its `innodb_data_file_path`. */
  readonly innodbFiles: readonly string[];
}

export interface WholeCopy {
  readonly files: number;
  /** The sum of all sizes. */
  readonly bytes: number;
}

const entriesPerChunk = 500;

/**
 * The manifest as text, in chunks of some 30 KiB: a JSON value a line, first the header, then `"directory"`, then
 * `[place number, "path", size, mtimeMs, {more}]`, then `[place number, "path"]` for what is gone, last the counts, which tell a complete
 * text from a cut one.
 */
export function* encodeManifest(manifest: Manifest): Generator<string, void> {
  const { files, directories, elasticDevices, gone = [], ...header } = manifest;
  yield `${JSON.stringify(header)}\n`;
  yield* inChunks(directories, (path) => JSON.stringify(path));
  yield* inChunks(files, (file) => encodeFile(file, elasticDevices));
  yield* inChunks(gone, ({ place, path }) => JSON.stringify([places.indexOf(place), path]));
  const missing = gone.length === 0 ? {} : { gone: gone.length };
  yield `${JSON.stringify({ files: files.length, directories: directories.length, ...missing })}\n`;
}

function encodeFile(
  { place, path, size, mtimeMs, ctimeMs, ino, dev, allocated, hash }: ManifestFile,
  elasticDevices: ReadonlySet<number> | undefined,
): string {
  const isCompressed = dev !== undefined && elasticDevices?.has(dev) === true;
  const isWorthTelling = allocated !== undefined && isSparse({ size, allocated }) && !isCompressed;
  const known = `[${places.indexOf(place)},${JSON.stringify(path)},${size}`;
  if (mtimeMs === undefined) return `${known}]`;
  // Put together by hand, which takes a third of the time that objects for it would take.
  let more = ctimeMs === undefined ? '' : `,"ctimeMs":${ctimeMs}`;
  if (ino !== undefined) more += `,"ino":${ino}`;
  if (isWorthTelling) more += `,"allocated":${allocated}`;
  if (hash !== undefined) more += `,"hash":${JSON.stringify(hash)}`;
  return more === '' ? `${known},${mtimeMs}]` : `${known},${mtimeMs},{${more.slice(1)}}]`;
}

function* inChunks<T>(entries: Iterable<T>, encode: (entry: T) => string): Generator<string, void> {
  let lines: string[] = [];
  for (const entry of entries) {
    if (lines.push(`${encode(entry)}\n`) < entriesPerChunk) continue;
    yield lines.join('');
    lines = [];
  }
  yield lines.join('');
}

/**
 * Reads the lines of a manifest, trusting nothing: every path is relative and stays below its root, no path comes twice.
 * `sourceName` says in errors where the text came from.
 * @throws TransferError PEER_PROTOCOL.
 */
export function decodeManifest(lines: Iterable<string>, sourceName: string): Manifest {
  const files = new FileTable<ManifestFile>();
  const directories = new Set<string>();
  const gone: FileName[] = [];
  let header: ManifestHeader | undefined;
  let isComplete = false;
  let line = 0;
  const fail = (expected: string, got: unknown): never => {
    throw new TransferError(
      'PEER_PROTOCOL',
      `${sourceName}, line ${line}: expected ${expected}, got ${excerpt(got)}`,
    );
  };
  const safe = (path: unknown): string =>
    isSafePath(path) ? path : fail('a path below its directory', path);

  for (const content of lines) {
    line += 1;
    const value = parseJson(content);
    if (isComplete) fail('nothing after the last line', content);
    if (header === undefined) {
      header = isHeader(value) ? value : fail('the header of a manifest of format 1', content);
    } else if (typeof value === 'string') {
      if (directories.has(safe(value))) fail('every path once', value);
      directories.add(value);
    } else if (Array.isArray(value)) {
      const [number, path, size, mtimeMs, more] = value as unknown[];
      const place = places[Number.isInteger(number) ? (number as number) : -1];
      if (place === undefined) return fail('a known place', content);
      if (value.length === 2 && header.sinceOffer !== undefined) {
        gone.push({ place, path: safe(path) });
        continue;
      }
      if (!isByteCount(size)) return fail('a size in bytes', content);
      if (mtimeMs !== undefined && typeof mtimeMs !== 'number')
        return fail('a time in milliseconds', content);
      const file = fileOf({ place, path: safe(path) }, size, mtimeMs, more);
      const before = files.length;
      if (files.put(file) < before) fail('every path once', path);
    } else {
      isComplete =
        isRecord(value) &&
        value['files'] === files.length &&
        value['directories'] === directories.size &&
        (value['gone'] ?? 0) === gone.length;
      if (!isComplete)
        fail(
          `the end after ${files.length} files, ${directories.size} directories and ${gone.length} that are gone`,
          content,
        );
    }
  }
  if (header === undefined || !isComplete) return fail('a complete manifest', 'its end');
  const all = { ...header, files, directories: [...directories] };
  if (header.sinceOffer !== undefined) return { ...all, gone };
  const stray = strayBinlog(all);
  if (stray !== undefined) fail('binary logs that are among the files', stray);
  return all;
}

/** A binary log that the header names and that is not among the files. */
export function strayBinlog({ binlogs, files }: Manifest): string | undefined {
  const table = FileTable.of(files);
  return binlogs.find((path) => !table.has({ place: 'binlog', path }));
}

/** Relative, without empty, `.` or `..` segments, so that it cannot name anything outside its root. */
export function isSafePath(path: unknown): path is string {
  return (
    typeof path === 'string' &&
    path.isWellFormed() &&
    !path.includes('\0') &&
    !/(?:^|\/)(?:\.{0,2})(?:\/|$)/.test(path)
  );
}

/** With what else is said of the file, as far as it is understood: nothing of it decides where something is written. */
function fileOf(
  { place, path }: FileName,
  size: number,
  mtimeMs: number | undefined,
  more: unknown,
): ManifestFile {
  const { ctimeMs, ino, allocated, hash } = isRecord(more) ? more : nothing;
  return {
    place,
    path,
    size,
    mtimeMs,
    ctimeMs: typeof ctimeMs === 'number' ? ctimeMs : undefined,
    ino: isByteCount(ino) ? ino : undefined,
    allocated: isByteCount(allocated) ? allocated : undefined,
    hash: typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash) ? hash : undefined,
  };
}

const nothing: Readonly<Record<string, unknown>> = {};

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

function isHeader(value: unknown): value is ManifestHeader {
  return (
    isRecord(value) &&
    value['format'] === 1 &&
    isPass(value['pass']) &&
    typeof value['tool'] === 'string' &&
    isAbsentOrText(value['serverVersion']) &&
    isAbsentOrText(value['gtid']) &&
    isAbsentOrText(value['donorId']) &&
    isAbsentOrNumber(value['takenMs']) &&
    isAbsentOrNumber(value['lockSeconds']) &&
    (value['sentBytes'] === undefined || isByteCount(value['sentBytes'])) &&
    (value['sinceOffer'] === undefined || (value['pass'] === 'final' && isWholeCopy(value['sinceOffer']))) &&
    (value['writtenUnderLock'] === undefined || isListOfNames(value['writtenUnderLock'])) &&
    isListOfNames(value['binlogs']) &&
    isListOfNames(value['innodbFiles'])
  );
}

function isWholeCopy(value: unknown): value is WholeCopy {
  return isRecord(value) && isByteCount(value['files']) && isByteCount(value['bytes']);
}

/** The binary logs that a manifest names in its first line; none where that is no header. */
export function binlogsInHeader(line: string): readonly string[] {
  const header = parseJson(line);
  return isHeader(header) ? header.binlogs : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAbsentOrText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isAbsentOrNumber(value: unknown): boolean {
  return value === undefined || typeof value === 'number';
}

function isListOfNames(value: unknown): boolean {
  return Array.isArray(value) && value.every(isSafePath);
}

function isByteCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function excerpt(got: unknown): string {
  const text = typeof got === 'string' ? got : JSON.stringify(got ?? null);
  return JSON.stringify(text.slice(0, 200));
}

function isPass(value: unknown): value is Manifest['pass'] {
  return value === 'offer' || value === 'final' || value === 'bypass';
}
