import type { Config } from '../config/config.js';
import type { InventoryFile } from '../datadir/inventory.js';
import type { Layout, Place } from '../datadir/layout.js';
import { splitIntoStreams } from '../datadir/streams.js';
import { planJobs, sendFiles, type Job, type TunnelClient } from '../plan/donor.js';
import { supervise, type SupervisedChild } from '../processes/supervise.js';
import type { TransferContext } from './context.js';
import { rsyncFailure } from './rsync-failure.js';
import type { Workplace } from './workplace.js';

/** What a pass sends and where to. */
export interface Pass {
  /** Appears in the names of its streams and list files. */
  readonly name: string;
  readonly files: readonly InventoryFile[];
  readonly layout: Layout;
  readonly modules: Readonly<Record<Place, string>>;
  readonly client: TunnelClient;
}

/** Sends the files over several rsync streams at once; the first failure ends all of them. */
export async function sendAll(
  pass: Pass,
  config: Config,
  workplace: Workplace,
  context: TransferContext,
): Promise<void> {
  const streams = splitIntoStreams(pass.files, config.streams);
  const total = pass.files.reduce((sum, file) => sum + file.size, 0);
  const failed = new AbortController();
  const within = { ...context, signal: AbortSignal.any([context.signal, failed.signal]) };
  const progress = countProgress(total, context);
  const results = await Promise.allSettled(
    streams.map(async (files, index) => {
      try {
        for (const [step, job] of planJobs(files, pass.layout, pass.modules).entries()) {
          const name = `${pass.name} stream ${index + 1}${step === 0 ? '' : `.${step + 1}`}`;
          await sendJob(job, name, pass.client, workplace, within, progress(name));
        }
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    }),
  );
  context.signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function sendJob(
  job: Job,
  name: string,
  client: TunnelClient,
  workplace: Workplace,
  context: TransferContext,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const list = workplace.write(`${name.replaceAll(' ', '-')}.list`, fileList(job));
  const child: SupervisedChild = supervise(
    sendFiles(job, list, name, client),
    { transferId: context.id, emit: context.emit, signal: context.signal, rate: context.rate },
    {
      onStdout: (line) => {
        const bytes = readProgress(line);
        if (bytes !== undefined) onBytes(bytes);
      },
    },
  );
  const outcome = await child.ended;
  context.signal.throwIfAborted();
  if (outcome.kind !== 'exited' || outcome.code !== 0) throw rsyncFailure(child, outcome, client.sockopt);
  onBytes(job.bytes);
}

/** rsync reads names up to NUL bytes; a leading `./` keeps one that begins with `#` or `;` from being a comment. */
function* fileList(job: Job): Generator<string> {
  const perChunk = 1000;
  for (let from = 0; from < job.files.length; from += perChunk) {
    yield job.files
      .slice(from, from + perChunk)
      .map((file) => `./${file.path}\0`)
      .join('');
  }
}

/** The first number of a `--info=progress2` line: bytes of file contents so far. */
export function readProgress(line: string): number | undefined {
  const bytes = /^\s*([\d,]+)\s+\d+%/.exec(line)?.[1];
  return bytes === undefined ? undefined : Number(bytes.replaceAll(',', ''));
}

function countProgress(
  totalBytes: number,
  { emit }: TransferContext,
): (stream: string) => (bytes: number) => void {
  const byStream = new Map<string, number>();
  return (stream) => (bytes) => {
    byStream.set(stream, Math.max(bytes, byStream.get(stream) ?? 0));
    const doneBytes = Math.min(
      totalBytes,
      [...byStream.values()].reduce((sum, count) => sum + count, 0),
    );
    emit({ kind: 'progress', doneBytes, totalBytes });
  };
}
