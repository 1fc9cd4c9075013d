import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { find, type Settings } from '../config/settings.js';
import { TransferError } from '../errors.js';
import type { EmitEvent } from '../events.js';
import type { Command } from '../plan/command.js';
import { childFailure, supervise } from '../processes/supervise.js';
import { ownUser } from '../surroundings.js';

/** A copy that a server has been started on. */
export interface StartedCopy {
  readonly version: string;
  /** Of all tables it has opened. */
  readonly tables: number;
}

/**
 * Starts a server on a copy, has it recover and open every table, and ends it. It listens on no port, takes part in no cluster
 * and writes nowhere but in `dataDir` and `work`.
 * @throws TransferError COPY_INCOMPLETE with the tables that cannot be opened; CHILD_FAILED.
 */
export async function startServer(
  { dataDir, work }: { readonly dataDir: string; readonly work: string },
  settings: Settings,
  { id, emit, signal }: { readonly id: string; readonly emit: EmitEvent; readonly signal: AbortSignal },
): Promise<StartedCopy> {
  const [questions, answers] = [join(work, 'questions.sql'), join(work, 'answers')];
  writeFileSync(questions, questionsInto(answers), { mode: 0o600 });
  const { uid } = ownUser();
  const command = serverCommand({ dataDir, questions, uid }, settings);
  const supervision = { transferId: id, emit, signal };
  const child = supervise(command, supervision, { onStderr: (line) => !line.includes('[ERROR]') });
  const outcome = await child.ended;
  signal.throwIfAborted();
  if (outcome.kind !== 'exited' || outcome.code !== 0) {
    throw childFailure(
      child,
      outcome,
      'CHILD_FAILED',
      'the copy is complete, but no server runs on it: use the version that the cluster runs here, or see what its errors say',
    );
  }
  return readAnswers(readFileSync(answers, 'utf8'));
}

/**
 * What decides whether a server can read the data directory is taken from this node's own server, and nothing else: its logs,
 * sockets and directories are in use.
 */
const kept =
  /^(loose-)?(basedir|plugin-dir|lc-messages-dir|character-sets-dir|lower-case-table-names|innodb-(page-size|undo-tablespaces|checksum-algorithm|encrypt.*|encryption.*|default-encryption-key-id|log-file-size)|aria-(block-size|encrypt-tables)|plugin-load(-add)?|plugin-maturity|.*-key-management-.*|encrypt-tmp-files)$/;

/** The server's command line; pure. */
export function serverCommand(
  { dataDir, questions, uid }: { readonly dataDir: string; readonly questions: string; readonly uid: number },
  settings: Settings,
): Command {
  const own = [
    ...settings.mysqld.map(({ name, value }) => ({ name: name.replaceAll('_', '-'), value })),
    ...[...settings.serverArguments].map(([name, value]) => ({ name, value })),
  ].filter(({ name }) => kept.test(name));
  const files = find(settings, 'innodb-data-file-path', ['server arguments', '[mysqld]'])?.value ?? '';
  return {
    name: 'server',
    program: 'mariadbd',
    args: [
      '--no-defaults',
      ...own.map(({ name, value }) => (value === undefined ? `--${name}` : `--${name}=${value}`)),
      ...(files === '' || files.includes('/') ? [] : [`--innodb-data-file-path=${files}`]),
      `--datadir=${dataDir}`,
      '--skip-networking',
      // Relative to the data directory: a socket's path may have 107 bytes only.
      '--socket=rehearsal.sock',
      '--pid-file=rehearsal.pid',
      '--wsrep-provider=none',
      '--skip-slave-start',
      '--event-scheduler=OFF',
      '--innodb-buffer-pool-size=128M',
      '--innodb-buffer-pool-load-at-startup=OFF',
      '--secure-file-priv=',
      `--init-file=${questions}`,
      // It refuses to run as root unless it is told to.
      ...(uid === 0 ? ['--user=root'] : []),
    ],
    cwd: dataDir,
  };
}

/** `TABLE_ROWS` is what a server (10.11.19) gives only for tables that it could open; otherwise the comment says why. */
function questionsInto(file: string): string {
  const path = file.replace(/[\\']/g, '\\$&');
  return [
    `SELECT VERSION(), '', '', '' UNION ALL SELECT TABLE_SCHEMA, TABLE_NAME, IF(TABLE_ROWS IS NULL, 'broken', ''), TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema') INTO OUTFILE '${path}';`,
    'SHUTDOWN;',
    '',
  ].join('\n');
}

/** A line for each table: schema, name, `broken` or nothing, comment, with tabs between them. */
export function readAnswers(text: string): StartedCopy {
  const [first, ...tables] = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  const broken = tables.filter(([, , state]) => state === 'broken');
  if (broken.length === 0) return { version: first?.[0] ?? '', tables: tables.length };
  const shown = broken
    .slice(0, 5)
    .map(([schema = '', name = '', , comment = '']) => `${schema}.${name} (${comment})`);
  const more = broken.length > shown.length ? ` and ${broken.length - shown.length} more` : '';
  throw new TransferError(
    'COPY_INCOMPLETE',
    `a server on the copy cannot open ${broken.length} of ${tables.length} tables: ${shown.join(', ')}${more}`,
    { hint: 'try the same tables on the donor (CHECK TABLE): if they are damaged there, so is every copy' },
  );
}
