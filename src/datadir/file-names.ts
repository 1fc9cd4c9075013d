import { randomBytes } from 'node:crypto';
import { places, type Place } from './layout.js';

/** Names a file among all of a copy. */
export interface FileName {
  readonly place: Place;
  /** Relative to the place's root, `/` separated. */
  readonly path: string;
}

const chunkBytes = 262_144;
const rowsPerBlock = 4096;
/** What is kept of each name: where it begins, how long it is, its hash. */
const columns = 3;
const longestEncoding = 3;

/**
 * Names of files, each with the number of its row, from 0. They are kept as bytes, out of reach of the garbage collection: some 6 MB
 * for 100,000 names of 40 characters with what finds them, where strings in a `Map` take 14. Names are text without lone
 * surrogates, which would not come out as they were put in.
 */
export class FileNames {
  /** Names one after the other: a byte for the place, then the path in UTF-8. None lies in two chunks; one may have a longer chunk to itself. */
  readonly #chunks: Buffer[] = [];
  /** Bytes of the last chunk that are used. */
  #used = 0;
  readonly #blocks: Uint32Array[] = [];
  #length = 0;
  /** By hash: rows + 1, 0 where there is none; a row is at its place or behind it. Undefined until something is looked for. */
  #slots: Uint32Array | undefined;
  #sought = Buffer.allocUnsafeSlow(1024);

  get length(): number {
    return this.#length;
  }

  /** Appends a name that is not among them; gives its row. */
  add(name: FileName): number {
    const length = this.#encode(name);
    return this.#append(hashOf(this.#sought, length), this.#sought, 0, length);
  }

  /** The row of a name, which is appended where it is not among them. */
  put(name: FileName): number {
    const length = this.#encode(name);
    const hash = hashOf(this.#sought, length);
    return this.#find(hash, this.#sought, 0, length) ?? this.#append(hash, this.#sought, 0, length);
  }

  /** The same for a name that has this row among others. */
  putRow(others: FileNames, row: number): number {
    return this.rowOfRow(others, row) ?? this.addRow(others, row);
  }

  /** Appends the name in a row of others, which is not among these; gives its row. */
  addRow(others: FileNames, row: number): number {
    const { chunk, from, to } = others.#bytesOf(row);
    return this.#append(others.#hashAt(row), chunk, from, to);
  }

  #append(hash: number, bytes: Buffer, from: number, to: number): number {
    const row = this.#length++;
    if (row % rowsPerBlock === 0) this.#blocks.push(new Uint32Array(rowsPerBlock * columns));
    const block = this.#blocks.at(-1);
    if (block !== undefined) {
      const at = (row % rowsPerBlock) * columns;
      block[at] = this.#store(bytes, from, to);
      block[at + 1] = to - from;
      block[at + 2] = hash;
    }
    if (this.#slots === undefined) return row;
    if (this.#length > this.#slots.length / 2) this.#slots = this.#index(this.#length * 4);
    else put(this.#slots, hash, row);
    return row;
  }

  rowOf(name: FileName): number | undefined {
    const length = this.#encode(name);
    return this.#find(hashOf(this.#sought, length), this.#sought, 0, length);
  }

  /** The row of a name that has this row among others; nothing of it is decoded. */
  rowOfRow(others: FileNames, row: number): number | undefined {
    const { chunk, from, to } = others.#bytesOf(row);
    return this.#find(others.#hashAt(row), chunk, from, to);
  }

  /** The place of the name in a row that there is. */
  placeAt(row: number): Place {
    const { chunk, from } = this.#bytesOf(row);
    return places[chunk[from] ?? 0] ?? 'data';
  }

  /** The path of the name in a row that there is. */
  pathAt(row: number): string {
    const { chunk, from, to } = this.#bytesOf(row);
    return chunk.toString('utf8', from + 1, to);
  }

  /** The last four bytes of the path in a row that there is, see `endingOf`; 0 where there are fewer. */
  endingAt(row: number): number {
    const { chunk, from, to } = this.#bytesOf(row);
    return to - from <= 4 ? 0 : chunk.readUInt32BE(to - 4);
  }

  /** Makes the name's bytes those that are sought; gives their number. */
  #encode({ place, path }: FileName): number {
    const longest = 1 + path.length * longestEncoding;
    if (longest > this.#sought.length) this.#sought = Buffer.allocUnsafeSlow(2 * longest);
    this.#sought[0] = places.indexOf(place);
    return 1 + this.#sought.write(path, 1, 'utf8');
  }

  /** Keeps a name's bytes; gives where. */
  #store(bytes: Buffer, begin: number, end: number): number {
    const length = end - begin;
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || this.#used + length > chunkBytes) {
      chunk = Buffer.allocUnsafeSlow(Math.max(chunkBytes, length));
      this.#chunks.push(chunk);
      this.#used = 0;
    }
    const from = this.#used;
    bytes.copy(chunk, from, begin, end);
    this.#used += length;
    return (this.#chunks.length - 1) * chunkBytes + from;
  }

  #bytesOf(row: number): { readonly chunk: Buffer; readonly from: number; readonly to: number } {
    const block = this.#blocks[Math.floor(row / rowsPerBlock)];
    const at = (row % rowsPerBlock) * columns;
    const position = block?.[at] ?? 0;
    const chunk = this.#chunks[Math.floor(position / chunkBytes)];
    if (chunk === undefined) throw new RangeError(`there is no row ${row} among ${this.#length}`);
    const from = position % chunkBytes;
    return { chunk, from, to: from + (block?.[at + 1] ?? 0) };
  }

  #hashAt(row: number): number {
    return this.#blocks[Math.floor(row / rowsPerBlock)]?.[(row % rowsPerBlock) * columns + 2] ?? 0;
  }

  #find(hash: number, bytes: Buffer, begin: number, end: number): number | undefined {
    const slots = (this.#slots ??= this.#index(Math.max(16, this.#length * 2)));
    for (let slot = hash % slots.length; ; slot = (slot + 1) % slots.length) {
      const row = (slots[slot] ?? 0) - 1;
      if (row === -1) return undefined;
      if (this.#hashAt(row) === hash && this.#hasBytes(row, bytes, begin, end)) return row;
    }
  }

  #hasBytes(row: number, bytes: Buffer, begin: number, end: number): boolean {
    const { chunk, from, to } = this.#bytesOf(row);
    if (to - from !== end - begin) return false;
    // In JavaScript: names are short, and each call into the runtime takes longer than their bytes.
    for (let at = from, other = begin; at < to; at++, other++) if (chunk[at] !== bytes[other]) return false;
    return true;
  }

  #index(atLeast: number): Uint32Array {
    const slots = new Uint32Array(2 ** Math.ceil(Math.log2(atLeast)));
    for (let row = 0; row < this.#length; row++) put(slots, this.#hashAt(row), row);
    return slots;
  }
}

/** The last four bytes of a text as one number, and as `endingAt` tells them: `.ibd` and the like are compared without any text. */
export function endingOf(text: string): number {
  const bytes = Buffer.from(text.slice(-4));
  return bytes.length < 4 ? 0 : bytes.readUInt32BE(bytes.length - 4);
}

function put(slots: Uint32Array, hash: number, row: number): void {
  let slot = hash % slots.length;
  while (slots[slot] !== 0) slot = (slot + 1) % slots.length;
  slots[slot] = row + 1;
}

/** Of this process: nobody can choose names that all fall into the same place. */
const seed = randomBytes(4).readUInt32LE();

/** The bytes' 32-bit hash: theirs one after the other, mixed as MurmurHash3 does. */
function hashOf(bytes: Buffer, length: number): number {
  let hash = seed;
  for (let at = 0; at < length; at++) {
    hash = Math.imul(hash ^ (bytes[at] ?? 0), 0xcc9e2d51);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
