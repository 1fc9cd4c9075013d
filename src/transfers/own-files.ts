import { join } from 'node:path';
import type { Config } from '../config/config.js';
import type { Layout } from '../datadir/layout.js';
import { findObstacles } from '../datadir/obstacles.js';
import type { Finding } from '../errors.js';
import { originalCompletionFile } from '../plan/modules.js';
import { claimFileName } from './claim.js';
import { partialCopyFile } from './partial-copy.js';

/** A joiner's public sign that a transfer is at work (Kubernetes operators and probes look at it). */
export const progressMark = 'sst_in_progress';

/** With these files in its data directory a donor's server answers that it holds its lock, or could not take it. */
export const serverAnswers = { flushed: 'tables_flushed', failed: 'sst_error' } as const;

const signs = [claimFileName, progressMark, originalCompletionFile];
const names: Readonly<Record<Config['role'], readonly string[]>> = {
  joiner: [...signs, partialCopyFile, `${partialCopyFile}.new`],
  // A joiner cannot take a database that has the name of one of its signs.
  donor: [...signs, ...Object.values(serverAnswers)],
};

const hint =
  'move it away; if it is the directory of a database, that needs another name (ls -ld shows what it is)';

/** Whether something else has the name of a file that a full transfer makes, or expects from the server, in this node's directories. */
export function checkOwnFiles(role: Config['role'], { roots, binlog }: Layout): readonly Finding[] {
  const own = names[role].map((name) => join(roots.data, name));
  const index = binlog === undefined ? [] : [binlog.index];
  return findObstacles([...own, ...index], 'file', hint);
}
