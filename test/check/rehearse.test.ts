import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { loadServer } from '../../src/agent/servers.js';
import { rehearse, rehearseOffer, type Rehearsal } from '../../src/check/rehearse.js';
import { TransferError } from '../../src/errors.js';
import { folder } from '../certificates/given.js';
import { recordTransfer } from '../transfers/context.js';
import { serverIn } from './given.js';

/** A rehearsal of a node whose cluster nobody answers for; `garbd` does what the test wants. */
async function nodeIn(t: Test, mysqld = 'wsrep_cluster_address=gcomm://192.0.2.1'): Promise<Rehearsal> {
  const server = await serverIn(t, { mysqld });
  const { result, settings } = await loadServer(server);
  if (result instanceof TransferError) throw result;
  const scratch = join(server.argv[1]!, '../scratch');
  mkdirSync(scratch);
  return { config: result.node.joiner, settings: settings!, scratch };
}

function withArbitrator(t: Test, script: string): void {
  const { path: bin, write } = folder(t);
  write('garbd', `#!/bin/sh\n[ "$1" = --version ] && exit 0\n${script}\n`, 0o755);
  const before = process.env['PATH'];
  process.env['PATH'] = `${bin}:${before ?? ''}`;
  t.teardown(() => (process.env['PATH'] = before));
}

type Run = (node: Rehearsal, context: Parameters<typeof rehearse>[1]) => Promise<object>;
const runs: readonly (readonly [string, Run])[] = [
  ['a rehearsal', rehearse],
  ['a preflight', rehearseOffer],
];

for (const [name, run] of runs) {
  t.test(`${name} that cannot begin says why, and leaves nothing behind`, async (t) => {
    await t.test('no cluster is named', async (t) => {
      withArbitrator(t, 'exit 1');
      await t.rejects(run(await nodeIn(t, ''), recordTransfer()), { code: 'OPTION_MISSING' });
    });
    await t.test('the scratch directory is not there', async (t) => {
      withArbitrator(t, 'exit 1');
      const node = { ...(await nodeIn(t)), scratch: '/none' };
      await t.rejects(run(node, recordTransfer()), { code: 'DIRECTORY_MISSING', hint: /--scratch/ });
    });
    await t.test('the arbitrator cannot reach the cluster', async (t) => {
      withArbitrator(
        t,
        'echo "1:0  INFO: sst:secret@here" >&2; echo "1:0 FATAL: failed to open gcomm backend connection: 110" >&2; exit 1',
      );
      const node = await nodeIn(t);
      await t.rejects(run(node, recordTransfer()), {
        code: 'CHILD_FAILED',
        message: /arbitrator: garbd exited with status 1: 1:0 FATAL: failed to open gcomm[^;]*$/,
        hint: /wsrep_cluster_address/,
      });
      t.strictSame(readdirSync(node.scratch), []);
    });
    await t.test('it is ended while it waits', async (t) => {
      withArbitrator(t, 'exec sleep 600');
      const [node, ending] = [await nodeIn(t), new AbortController()];
      const context = recordTransfer(undefined, {
        signal: ending.signal,
        emit: (event) => {
          if (event.kind === 'command' && event.name === 'arbitrator')
            ending.abort(new TransferError('INTERRUPTED', 'ended by a test'));
        },
      });
      await t.rejects(run(node, context), { code: 'INTERRUPTED' });
      t.strictSame(readdirSync(node.scratch), []);
    });
  });
}

t.test('a backup goes only where nothing is, and one that fails leaves nothing', async (t) => {
  withArbitrator(t, 'echo "1:0 FATAL: no" >&2; exit 1');
  const node = await nodeIn(t);
  const target = (name: string): string => join(node.scratch, '..', name);
  const dataDir = node.config.directories.dataDir.value;
  writeFileSync(join(dataDir, 'ibdata1'), 'precious');
  await t.rejects(rehearse({ ...node, keepIn: dataDir }, recordTransfer()), {
    code: 'FILE_EXISTS',
    hint: /removes what its donor does not have/,
  });
  t.strictSame(readdirSync(dataDir), ['ibdata1']);
  mkdirSync(target('empty'));
  for (const name of ['empty', 'new', 'ibdata1/x']) {
    const keepIn = name === 'ibdata1/x' ? join(dataDir, name) : target(name);
    const code = name === 'ibdata1/x' ? 'DIRECTORY_NOT_WRITABLE' : 'CHILD_FAILED';
    await t.rejects(rehearse({ ...node, keepIn }, recordTransfer()), { code }, name);
  }
  t.strictSame(readdirSync(target('empty')), []);
  t.notOk(readdirSync(target('.')).includes('new'));
});

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

const endings = [
  ['rehearse', 'SIGKILL', null],
  ['backup', 'SIGKILL', null],
  ['rehearse', 'SIGTERM', 3],
] as const;

for (const [command, signal, code] of endings) {
  t.test(`${command} that is ended by ${signal} leaves nothing behind`, async (t) => {
    withArbitrator(t, 'exec sleep 600');
    const server = await serverIn(t, { mysqld: 'wsrep_cluster_address=gcomm://192.0.2.1' });
    const scratch = join(server.name, '../scratch');
    mkdirSync(scratch);
    const kept = command === 'backup' ? ['--to', join(scratch, 'kept')] : [];
    const where = [`--defaults-file=${server.name}`, '--scratch', scratch, '--user', 'root', '--verbose'];
    const child = spawn(process.execPath, [program, command, ...where, ...kept], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        if (log.includes('garbd.cnf')) resolve();
      });
      child.once('close', () => reject(new Error(log)));
    });
    t.equal(readdirSync(scratch).length, kept.length === 0 ? 1 : 2, 'it is at work');
    child.kill(signal);
    const [status] = (await once(child, 'close')) as [number | null];
    t.equal(status, code, log);
    const deadline = Date.now() + 10_000;
    while (readdirSync(scratch).length > 0 && Date.now() < deadline) await wait(20);
    t.strictSame(readdirSync(scratch), []);
  });
}
