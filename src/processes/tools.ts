import { statSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { compressors, type Compressor } from '../config/config.js';
import { TransferError } from '../errors.js';
import { environment } from '../surroundings.js';
import { runBriefly, searchPath } from './spawn.js';

/** Versions of the programs that carry a transfer. */
export interface Tools {
  readonly socat: string;
  readonly rsync: string;
  /** What this rsync can compress with. */
  readonly compressors: readonly Compressor[];
}

/** Older ones lack options that every command here uses: `no-sni` of socat 1.7.4, `--sparse` beside `--inplace` of rsync 3.1.3. */
const oldest = { socat: '1.7.4', rsync: '3.1.3' } as const;

const versionOf = {
  socat: { args: ['-V'], pattern: /socat version (\d+(?:\.\d+)*)/ },
  rsync: { args: ['--version'], pattern: /rsync +version v?(\d+(?:\.\d+)*)/ },
} as const;

/** Finds socat and rsync on the path; `TOOL_MISSING` or `TOOL_TOO_OLD`. */
export async function findTools(): Promise<Tools> {
  const [socat, rsync] = await Promise.all([findTool('socat'), findTool('rsync')]);
  return { socat: socat.version, rsync: rsync.version, compressors: readCompressors(rsync) };
}

/** A program of known version, and all that it printed for it. */
interface FoundTool {
  readonly version: string;
  readonly output: string;
}

/** rsync lists them from 3.2.0 on; zstd failed now and then before 3.2.3. */
function readCompressors({ version, output }: FoundTool): readonly Compressor[] {
  if (!isAtLeast(version, '3.2.3')) return [];
  const list = /^Compress list:\s+([a-z0-9 ]*)/m.exec(output)?.[1]?.split(' ') ?? [];
  return compressors.filter((one) => list.includes(one));
}

/** What a program said last, and the file that said it: an agent need not ask the same one before each transfer. */
const known = new Map<
  string,
  { readonly file: string; readonly found: FoundTool; readonly untilMs: number }
>();
/** A script may stand for the program, or a library be gone that it needs. */
const knownForMs = 3_600_000;

async function findTool(name: 'socat' | 'rsync'): Promise<FoundTool> {
  const file = identityOf(name);
  const before = known.get(name);
  if (before !== undefined && before.file === file && performance.now() < before.untilMs) return before.found;
  const found = await askTool(name);
  // Of one that was replaced meanwhile it is not certain which of both was asked.
  if (file !== undefined && file === identityOf(name)) {
    known.set(name, { file, found, untilMs: performance.now() + knownForMs });
  }
  return found;
}

/** The file that the path leads to under this name, and its state; undefined where there is none. */
function identityOf(name: string): string | undefined {
  for (const directory of searchPath().split(':')) {
    const path = join(directory, name);
    const stat = statOf(path);
    if (stat?.isFile() !== true || (stat.mode & 0o111n) === 0n) continue;
    return [path, stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
  }
  return undefined;
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false, bigint: true });
  } catch {
    // A link to itself, a directory that is closed: whatever becomes of it when the program is started.
    return undefined;
  }
}

async function askTool(name: 'socat' | 'rsync'): Promise<FoundTool> {
  const { args, pattern } = versionOf[name];
  const { outcome, output } = await runBriefly(name, args, 5000);
  if (outcome.kind === 'failed to start') {
    throw new TransferError(
      'TOOL_MISSING',
      `${name} is not on the path of the server (${environment['PATH'] ?? ''})`,
      {
        hint: `install the package ${name}: apt-get install ${name}`,
        cause: outcome.cause,
      },
    );
  }
  const version = pattern.exec(output)?.[1];
  if (version === undefined) {
    throw new TransferError(
      'TOOL_MISSING',
      `${name} ${args.join(' ')} did not print its version: ${JSON.stringify(output.slice(0, 200))}`,
      {
        hint: `install the package ${name}: apt-get install ${name}`,
      },
    );
  }
  if (!isAtLeast(version, oldest[name])) {
    throw new TransferError(
      'TOOL_TOO_OLD',
      `${name} is version ${version}, needed is ${oldest[name]} or newer`,
      {
        hint: `upgrade the package ${name}: apt-get install ${name}`,
      },
    );
  }
  return { version, output };
}

/** Compares dotted version numbers. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [have, need] = [version, wanted].map((text) => text.split('.').map(Number));
  for (let i = 0; i < Math.max(have?.length ?? 0, need?.length ?? 0); i++) {
    const difference = (have?.[i] ?? 0) - (need?.[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
