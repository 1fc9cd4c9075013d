import { asTransferError, describeFailure, TransferError, type Finding } from '../errors.js';
import { compareChecks, type CheckChanges } from '../transfers/check-changes.js';
import { checkNode, type CheckedServer, type NodeFinding } from '../transfers/check-node.js';
import { createWatch } from './rewatch.js';
import { loadServer, type GivenServer, type ServerConfig } from './servers.js';

/** Where the checks of idle servers get their servers from, and who is told. */
export interface ChecksOptions {
  /** Asked before every check. */
  readonly servers: () => Promise<readonly GivenServer[]>;
  /** The latest check of every server, and what has changed since the one before. */
  readonly onChecked: (
    all: readonly CheckedServer[],
    changes: readonly { readonly server: CheckedServer; readonly changes: CheckChanges }[],
  ) => void;
  /** Told of defects, which must not end the agent. */
  readonly onBug: (error: unknown) => void;
  readonly now: () => Date;
  /** Whether a transfer runs: it has the processors for itself, and asks for a check when it ends. Default: none does. */
  readonly isBusy?: (() => boolean) | undefined;
  /** Default: an hour. */
  readonly everyMs?: number | undefined;
}

/** What became of a reload. */
export interface Reloaded {
  readonly servers: number;
  readonly failures: readonly ReloadFailure[];
}

/** Of a server whose option files could not be read. */
export interface ReloadFailure {
  readonly text: string;
  /** What was read before stays in use; else nothing has been read yet. */
  readonly isKept: boolean;
}

/** The self-checks of all servers while nothing runs. */
export interface Checks {
  readonly latest: () => readonly CheckedServer[];
  /** Reads the option files anew and checks all servers; one that is asked for during another begins after it. */
  readonly check: () => Promise<Reloaded>;
  /** The same, without anybody waiting for it, unless a transfer runs. */
  readonly checkSoon: () => void;
}

const hourMs = 3_600_000;

/**
 * Checks when it is asked to, and after the first time by the clock and when a file changes that counts, until the
 * signal aborts. What changes while a transfer runs is seen after it, or by the clock.
 */
export function createChecks(options: ChecksOptions, signal: AbortSignal): Checks {
  const known = new Map<string, Known>();
  let latest: readonly CheckedServer[] = [];
  let queue: Promise<unknown> = Promise.resolve();
  let waiting: Promise<Reloaded> | undefined;

  const checkOrSayWhyNot = async (server: GivenServer): Promise<Checked> => {
    const [before, now] = [known.get(server.name), options.now()];
    try {
      return await checkServer(server, before, now);
    } catch (error) {
      // A defect with one server must not keep the others from being checked.
      options.onBug(error);
      return notChecked(server, before, now, asTransferError(error));
    }
  };
  const checkAll = async (): Promise<Reloaded> => {
    waiting = undefined;
    const servers = await options.servers();
    const results: Checked[] = [];
    for (const server of servers) results.push(await checkOrSayWhyNot(server));
    if (signal.aborted) return { servers: 0, failures: [] };
    known.clear();
    servers.forEach((server, index) => {
      const result = results[index];
      if (result?.known !== undefined) known.set(server.name, result.known);
    });
    const before = latest;
    latest = onePerDataDir(results.map(({ checked }) => checked));
    watch(results.flatMap(({ watched }) => watched));
    const changes = latest.map((server) => {
      const earlier = before.find(({ dataDir }) => dataDir === server.dataDir);
      return { server, changes: compareChecks(earlier, server) };
    });
    options.onChecked(latest, changes);
    return { servers: latest.length, failures: results.flatMap(({ failure }) => failure ?? []) };
  };
  const check = (): Promise<Reloaded> => {
    // What asks while one waits is served by that one: it has not looked yet.
    if (waiting !== undefined) return waiting;
    const next = queue.then(checkAll);
    queue = next.catch(() => undefined);
    return (waiting = next);
  };
  const checkSoon = (): void => {
    if (options.isBusy?.() !== true) void check().catch(options.onBug);
  };
  const watch = createWatch(checkSoon, signal);

  // Also while a transfer runs, which may take hours: certificates expire meanwhile.
  const timer = setInterval(() => void check().catch(options.onBug), options.everyMs ?? hourMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  return { latest: () => latest, check, checkSoon };
}

/** What was last read of a server without an error. */
interface Known {
  readonly config: ServerConfig;
  /** ISO 8601. */
  readonly readAt: string;
}

interface Checked {
  readonly known: Known | undefined;
  readonly checked: CheckedServer;
  readonly watched: readonly string[];
  readonly failure?: ReloadFailure | undefined;
}

async function checkServer(server: GivenServer, before: Known | undefined, now: Date): Promise<Checked> {
  const { result, places, warnings } = await loadServer(server);
  if (!(result instanceof TransferError)) {
    const known = { config: result, readAt: now.toISOString() };
    const checked = withFindings(await checkNode(result.node, now), result.warnings);
    return { known, checked, watched: [...checked.files, ...places] };
  }
  if (before === undefined) return notChecked(server, before, now, result, warnings, places);
  const message = `${result.message}; the checks go on with what was read at ${before.readAt}`;
  const checked = withFindings(await checkNode(before.config.node, now), [asFinding(result, message)]);
  return {
    known: before,
    checked,
    watched: [...checked.files, ...places],
    failure: failureOf(server, result, true),
  };
}

function notChecked(
  server: GivenServer,
  known: Known | undefined,
  now: Date,
  error: TransferError,
  warnings: readonly Finding[] = [],
  watched: readonly string[] = [],
): Checked {
  const dataDir = known?.config.node.joiner.directories.dataDir.value ?? server.name;
  const nothing = { dataDir, at: now.toISOString(), findings: [], certificates: [], files: [] };
  const checked = withFindings(nothing, [asFinding(error, error.message), ...warnings]);
  return { known, checked, watched, failure: failureOf(server, error, known !== undefined) };
}

function failureOf({ name }: GivenServer, error: TransferError, isKept: boolean): ReloadFailure {
  return { text: `${name}: ${error.code}: ${describeFailure(error)}`, isKept };
}

function withFindings(checked: CheckedServer, more: readonly Finding[]): CheckedServer {
  return { ...checked, findings: [...more.map(forBothRoles), ...checked.findings] };
}

function asFinding({ code, option, where, hint }: TransferError, message: string): Finding {
  return { severity: 'error', code, message, option, where, hint };
}

function forBothRoles(finding: Finding): NodeFinding {
  return { ...finding, roles: ['joiner', 'donor'] };
}

/** The first of several ways to the same data directory counts. */
function onePerDataDir(all: readonly CheckedServer[]): readonly CheckedServer[] {
  return [...new Map([...all].reverse().map((one) => [one.dataDir, one])).values()].reverse();
}
