import { endingOf, FileNames, type FileName } from './file-names.js';
import type { Place } from './layout.js';

export { endingOf, type FileName } from './file-names.js';

/** A file with what is known of it. */
export interface ListedFile extends FileName {
  /** Bytes. */
  readonly size: number;
  readonly mtimeMs?: number | undefined;
  readonly ctimeMs?: number | undefined;
  readonly dev?: number | undefined;
  readonly ino?: number | undefined;
  /** Bytes that it takes up. */
  readonly allocated?: number | undefined;
  readonly hash?: string | undefined;
}

/** Files to be gone through one after the other: an array, a table, a selection. */
export interface Files<T> extends Iterable<T> {
  readonly length: number;
  /** The file with a number, from 0. */
  at(index: number): T | undefined;
}

/** Files that are found by their names. */
export interface FileList<T extends ListedFile> extends Files<T> {
  has(file: FileName): boolean;
  find(file: FileName): T | undefined;
  /** Those that are wanted; of what is kept of them nothing is kept twice. */
  filter(isWanted: (file: T) => boolean): FileList<T>;
}

/** Where a row has its numbers. */
const column = { size: 0, mtimeMs: 1, ctimeMs: 2, dev: 3, ino: 4, allocated: 5 } as const;
const columns = Object.keys(column).length;
const rowsPerBlock = 4096;

/**
 * A list of files in a fifth of the memory that an array of objects takes: some 11 MB for 100,000 files, nearly all of which is no
 * matter for the garbage collection. The objects that come out of it are made when they are asked for.
 */
export class FileTable<T extends ListedFile> implements FileList<T> {
  readonly #names = new FileNames();
  /** The numbers of one row after the other, in blocks of many rows; NaN for what is not known. */
  readonly #blocks: Float64Array[] = [];
  readonly #hashes: (string | undefined)[] = [];

  /** The files as a table: themselves, if they are one. */
  static of<T extends ListedFile>(files: Iterable<T>): FileTable<T> {
    if (files instanceof FileTable) return files as FileTable<T>;
    const table = new FileTable<T>();
    for (const file of files) table.add(file);
    return table;
  }

  get length(): number {
    return this.#names.length;
  }

  /** Appends a file that is not in the table. */
  add(file: T): void {
    this.#write(
      file instanceof TableFile ? this.#names.addRow(file.names, file.row) : this.#names.add(file),
      file,
    );
  }

  /** Appends a file, or replaces what is known of it; gives its row. */
  put(file: T): number {
    const row = file instanceof TableFile ? this.#names.putRow(file.names, file.row) : this.#names.put(file);
    this.#write(row, file);
    return row;
  }

  /** The number of a file's row, from 0. */
  rowOf(name: FileName): number | undefined {
    return name instanceof TableFile ? this.#names.rowOfRow(name.names, name.row) : this.#names.rowOf(name);
  }

  has(file: FileName): boolean {
    return this.rowOf(file) !== undefined;
  }

  find(file: FileName): T | undefined {
    const row = this.rowOf(file);
    return row === undefined ? undefined : this.#read(row);
  }

  at(row: number): T | undefined {
    return row < this.length ? this.#read(row) : undefined;
  }

  filter(isWanted: (file: T) => boolean): FileList<T> {
    return new TableSelection(this, rowsOf(this, isWanted));
  }

  *[Symbol.iterator](): Generator<T, void> {
    for (let row = 0; row < this.length; row++) yield this.#read(row);
  }

  #write(row: number, file: T): void {
    const number = Math.floor(row / rowsPerBlock);
    const block = (this.#blocks[number] ??= new Float64Array(rowsPerBlock * columns));
    const at = (row % rowsPerBlock) * columns;
    block[at + column.size] = file.size;
    block[at + column.mtimeMs] = file.mtimeMs ?? NaN;
    block[at + column.ctimeMs] = file.ctimeMs ?? NaN;
    block[at + column.dev] = file.dev ?? NaN;
    block[at + column.ino] = file.ino ?? NaN;
    block[at + column.allocated] = file.allocated ?? NaN;
    const { hash } = file;
    if (hash !== undefined || this.#hashes.length > row) this.#hashes[row] = hash;
  }

  #read(row: number): T {
    const block = this.#blocks[Math.floor(row / rowsPerBlock)] ?? none;
    const file = new TableFile(this.#names, row, block, (row % rowsPerBlock) * columns, this.#hashes);
    // Just what was put in under this type.
    return file as unknown as T;
  }
}

const none = new Float64Array(0);

/**
 * A file of a table, which is read when it is asked for: most of those who go through very many files ask for one or two numbers of each,
 * and a name is text only when somebody wants to see it. What is put under its name later shows here, too.
 */
class TableFile implements ListedFile {
  constructor(
    readonly names: FileNames,
    readonly row: number,
    private readonly block: Float64Array,
    private readonly from: number,
    private readonly hashes: readonly (string | undefined)[],
  ) {}

  get place(): Place {
    return this.names.placeAt(this.row);
  }

  get path(): string {
    return this.names.pathAt(this.row);
  }

  get size(): number {
    return this.block[this.from + column.size] ?? 0;
  }

  get mtimeMs(): number | undefined {
    return orUnknown(this.block[this.from + column.mtimeMs]);
  }

  get ctimeMs(): number | undefined {
    return orUnknown(this.block[this.from + column.ctimeMs]);
  }

  get dev(): number | undefined {
    return orUnknown(this.block[this.from + column.dev]);
  }

  get ino(): number | undefined {
    return orUnknown(this.block[this.from + column.ino]);
  }

  get allocated(): number | undefined {
    return orUnknown(this.block[this.from + column.allocated]);
  }

  get hash(): string | undefined {
    return this.hashes[this.row];
  }

  /** All that is known of it, by name. */
  toJSON(): ListedFile {
    return plainFile(this);
  }
}

/** The last four bytes of a file's path, as `endingOf` gives them for a text. */
export function endingOfPath(file: FileName): number {
  return file instanceof TableFile ? file.names.endingAt(file.row) : endingOf(file.path);
}

const orUnknown = (number: number | undefined): number | undefined =>
  Number.isNaN(number) ? undefined : number;

/** A file with all that is known of it as an object of its own, which can be spread and compared. */
export function plainFile<T extends ListedFile>(file: T): T {
  const { place, path, size, mtimeMs, ctimeMs, dev, ino, allocated, hash } = file;
  const all = { place, path, size, mtimeMs, ctimeMs, dev, ino, allocated, hash };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as unknown as T;
}

/** Those of the files that have the given numbers, in that order; they are kept where they are. */
export function pick<T>(files: Files<T>, indexes: Uint32Array): Files<T> {
  return new Selection(files, indexes);
}

class Selection<T> implements Files<T> {
  constructor(
    private readonly files: Files<T>,
    protected readonly indexes: Uint32Array,
  ) {}

  get length(): number {
    return this.indexes.length;
  }

  at(index: number): T | undefined {
    const picked = this.indexes[index];
    return picked === undefined ? undefined : this.files.at(picked);
  }

  *[Symbol.iterator](): Generator<T, void> {
    for (const index of this.indexes) {
      const file = this.files.at(index);
      if (file !== undefined) yield file;
    }
  }
}

/** Rows of a table, ascending. */
class TableSelection<T extends ListedFile> extends Selection<T> implements FileList<T> {
  constructor(
    private readonly table: FileTable<T>,
    rows: Uint32Array,
  ) {
    super(table, rows);
  }

  has(file: FileName): boolean {
    const row = this.table.rowOf(file);
    return row !== undefined && isAmong(this.indexes, row);
  }

  find(file: FileName): T | undefined {
    return this.has(file) ? this.table.find(file) : undefined;
  }

  filter(isWanted: (file: T) => boolean): FileList<T> {
    const numbers = rowsOf(this, isWanted);
    return new TableSelection(
      this.table,
      numbers.map((number) => this.indexes[number] ?? 0),
    );
  }
}

/** The numbers of those that are wanted, ascending. */
function rowsOf<T>(files: Iterable<T>, isWanted: (file: T) => boolean): Uint32Array {
  const rows: number[] = [];
  let row = 0;
  for (const file of files) {
    if (isWanted(file)) rows.push(row);
    row += 1;
  }
  return Uint32Array.from(rows);
}

function isAmong(ascending: Uint32Array, wanted: number): boolean {
  let from = 0;
  let to = ascending.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((ascending[middle] ?? 0) < wanted) from = middle + 1;
    else to = middle;
  }
  return ascending[from] === wanted;
}
