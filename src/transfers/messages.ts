import { existsSync, readFileSync } from 'node:fs';
import { compressors, type Compressor } from '../config/config.js';
import type { AnsweredHeld, HeldFile } from '../datadir/held.js';
import { places, type Place } from '../datadir/layout.js';
import { errorTable, TransferError, type ErrorCode } from '../errors.js';

/** What the joiner answers to the donor's offer: where it wants the files, or why it cannot take them. */
export interface Answer {
  readonly tool: string;
  /** rsync's version on the joiner. */
  readonly rsync: string;
  /** What rsync on the joiner can compress with. */
  readonly compressors: readonly Compressor[];
  /** The module for each kind of file; empty for kinds that this joiner does not take. */
  readonly modules: Readonly<Record<Place, string>>;
  /** The module for each schema directory that is a link at the joiner, by its name. */
  readonly links: ReadonlyMap<string, string>;
  /** What it has of the offer since an earlier transfer broke. */
  readonly held: AnsweredHeld;
  /** It wants to compare contents, and needs their hashes in the final manifest. */
  readonly wantsHashes: boolean;
  /** How long this joiner lets a transfer stand still, in ms; 0 without limit. */
  readonly idleTimeoutMs: number;
  /** While it compares it says how far it is. */
  readonly tellsProgress: boolean;
  /** At the end it need not be told what is as it was offered. */
  readonly takesChanges: boolean;
  /** It only rehearses: the donor is to send nothing and take no lock. */
  readonly wantsNothing: boolean;
}

/** A failure as one side tells it to the other. */
export interface ToldFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** Answers and verdicts: good news or a failure. */
export type Told<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: ToldFailure };

/** The failure, as it is written into a message. */
export function tell(error: TransferError): ToldFailure {
  return { code: error.code, message: error.message, hint: error.hint };
}

/** The text of an answer or verdict. */
export function encodeTold(told: Told<object>): string {
  return `${JSON.stringify(told)}\n`;
}

/** Reads a peer's answer; `PEER_PROTOCOL` if it is not one. */
export function readAnswer(file: string): Told<Answer> {
  const told = readTold(file);
  if (!told.ok) return told;
  const { tool, rsync, modules, links, held, wantsHashes, wantsNothing, idleTimeoutMs = 0 } = told.value;
  const offered = told.value['compressors'];
  if (typeof tool !== 'string' || typeof rsync !== 'string' || !isRecord(modules)) throw malformed(file);
  if (typeof idleTimeoutMs !== 'number') throw malformed(file);
  const chosen = places.map((place) => [place, modules[place]] as const);
  for (const [, module] of chosen) {
    if (typeof module !== 'string' || !/^[A-Za-z0-9_-]*$/.test(module)) throw malformed(file);
  }
  const value: Answer = {
    tool,
    rsync,
    compressors: compressors.filter((one) => Array.isArray(offered) && offered.includes(one)),
    modules: Object.fromEntries(chosen) as Record<Place, string>,
    links: readLinks(links, file),
    held: readHeld(held),
    wantsHashes: wantsHashes === true,
    idleTimeoutMs,
    tellsProgress: told.value['tellsProgress'] === true,
    takesChanges: told.value['takesChanges'] === true,
    wantsNothing: wantsNothing === true,
  };
  return { ok: true, value };
}

/** As it stands in an answer: `["schema", "module"]` for each. */
function readLinks(value: unknown, file: string): ReadonlyMap<string, string> {
  if (value === undefined) return new Map();
  if (!Array.isArray(value)) throw malformed(file);
  return new Map(
    value.map((entry) => {
      const [name, module] = Array.isArray(entry) ? (entry as unknown[]) : [];
      if (typeof name !== 'string' || typeof module !== 'string' || !/^[A-Za-z0-9_-]+$/.test(module))
        throw malformed(file);
      return [name, module] as const;
    }),
  );
}

/** As it stands in an answer: `[place number, "path"]` for each file. */
export function encodeHeld({ complete, similar }: AnsweredHeld): object {
  const encode = (files: readonly HeldFile[]): unknown[] =>
    files.map(({ place, path }) => [places.indexOf(place), path]);
  return { complete: encode(complete), similar: encode(similar) };
}

/** What is not understood is not held, and will be sent. */
function readHeld(value: unknown): AnsweredHeld {
  const files = (list: unknown): HeldFile[] =>
    !Array.isArray(list)
      ? []
      : list.flatMap((entry) => {
          const [number, path] = Array.isArray(entry) ? (entry as unknown[]) : [];
          const place = places[Number.isInteger(number) ? (number as number) : -1];
          return place === undefined || typeof path !== 'string' ? [] : [{ place, path }];
        });
  return isRecord(value)
    ? { complete: files(value['complete']), similar: files(value['similar']) }
    : { complete: [], similar: [] };
}

/** The text of a donor's word on how much it sends in all. */
export function encodeTotal(totalBytes: number): string {
  return `${JSON.stringify({ totalBytes })}\n`;
}

/** Reads it; undefined where there is none that is understood: it is for the count only. */
export function readTotal(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const { totalBytes } = parse(file);
    return typeof totalBytes === 'number' && totalBytes >= 0 ? totalBytes : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a peer's verdict or failure. */
export function readTold(file: string): Told<Record<string, unknown>> {
  const value = parse(file);
  if (value['ok'] === true && isRecord(value['value'])) return { ok: true, value: value['value'] };
  const failure = value['failure'];
  if (value['ok'] === false && isRecord(failure)) return { ok: false, failure: readFailure(failure) };
  throw malformed(file);
}

/** The peer's failure as an error of this side: the same cause, marked as the peer's. */
export function peerError(peer: 'joiner' | 'donor', failure: ToldFailure): TransferError {
  return new TransferError('PEER_FAILED', `the ${peer} failed with ${failure.code}: ${failure.message}`, {
    hint: failure.hint,
  });
}

function readFailure(value: Record<string, unknown>): ToldFailure {
  const text = (key: string): string => {
    const found = value[key];
    return (typeof found === 'string' ? found : '').replace(/[\0-\x1f\x7f]/g, ' ').slice(0, 2000);
  };
  const code = text('code');
  return {
    code: Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'PEER_FAILED',
    message: text('message'),
    hint: text('hint'),
  };
}

function parse(file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isRecord(value)) return value;
  } catch (cause) {
    throw malformed(file, cause);
  }
  throw malformed(file);
}

function malformed(file: string, cause?: unknown): TransferError {
  return new TransferError(
    'PEER_PROTOCOL',
    `the peer sent a message that this version does not understand (${file})`,
    { cause },
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
