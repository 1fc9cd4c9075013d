import { loadServer, resolveServer, type GivenServer, type LoadedServer } from '../agent/servers.js';
import type { Settings } from '../config/settings.js';
import { TransferError } from '../errors.js';

/** What can be made of a server's options. */
export interface LenientlyLoaded extends LoadedServer {
  /** What a transfer would fail with at once, each by itself; `result` is what the rest comes to. */
  readonly errors: readonly TransferError[];
}

/**
 * Reads a server's option files, and goes on without the lines that cannot be: a transfer ends with the first of them, but all of
 * them have to be corrected, and everything else wants to be checked, too.
 */
export async function loadLeniently(given: GivenServer): Promise<LenientlyLoaded> {
  const loaded = await loadServer(given);
  const errors: TransferError[] = [];
  let { result, settings } = loaded;
  while (result instanceof TransferError) {
    errors.push(result);
    settings = settings === undefined ? undefined : withoutLine(settings, result.where);
    if (settings === undefined) break;
    result = attempt(given, settings, loaded);
  }
  return { ...loaded, result, errors };
}

function attempt(given: GivenServer, settings: Settings, { warnings }: LoadedServer): LoadedServer['result'] {
  try {
    return { node: resolveServer(given, settings), warnings };
  } catch (error) {
    if (error instanceof TransferError) return error;
    throw error;
  }
}

/** Undefined where there is no such line: then nothing can be gone on with. */
function withoutLine(settings: Settings, place: string | undefined): Settings | undefined {
  const isOther = ({ file, line }: Settings['sst'][number]): boolean => `${file}:${line}` !== place;
  const [sst, mysqld] = [settings.sst.filter(isOther), settings.mysqld.filter(isOther)];
  const isLess = sst.length + mysqld.length < settings.sst.length + settings.mysqld.length;
  return isLess ? { ...settings, sst, mysqld } : undefined;
}
