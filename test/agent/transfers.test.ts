import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Transfers } from '../../src/agent/transfers.js';
import { keepInMemory } from '../../src/observe/history.js';

interface Given {
  readonly transfers: Transfers;
  /** Asks for a transfer and waits until it has ended. */
  readonly ask: (...argv: readonly string[]) => Promise<void>;
}

function given(): Given {
  const transfers = new Transfers({
    version: '1',
    sinks: [],
    history: keepInMemory(),
    onPassed: () => undefined,
    onEnd: () => undefined,
    onBug: (error) => t.fail(String(error)),
    now: () => new Date(),
  });
  const ask = (...argv: readonly string[]): Promise<void> =>
    new Promise((end) => {
      const readerGone = new AbortController().signal;
      transfers.begin({ argv, env: {}, directory: '/' }, { write: () => undefined, end, readerGone });
    });
  return { transfers, ask };
}

const joiner = ['--role', 'joiner', '--address', '127.0.0.1:1'];

t.test(
  'of data directories that are none nothing stays in the status, and of others the last 64',
  async (t) => {
    const dir = t.testdir({ file: '' });
    const { transfers, ask } = given();
    const shown = (): string[] => transfers.current().map(({ dataDir }) => dataDir);
    for (const name of ['file', 'none', 'file/below']) await ask(...joiner, '--datadir', join(dir, name));
    t.strictSame(shown(), []);
    t.equal(transfers.list().length, 3, 'the history has them');
    await ask(...joiner, '--no-value');
    t.strictSame(shown(), [''], 'one whose arguments cannot be read is shown');
    const names = Array.from({ length: 70 }, (_, index) => join(dir, `data${index}`));
    for (const name of names) {
      mkdirSync(name);
      await ask(...joiner, '--datadir', name, '--defaults-file', '/nowhere/my.cnf');
    }
    t.strictSame(shown(), names.slice(-64));
  },
);

t.test('a data directory or an address that is too long is refused', async (t) => {
  const { transfers, ask } = given();
  const long = 'x'.repeat(4097);
  for (const argv of [
    [...joiner, '--datadir', `/${long}`],
    ['--role', 'joiner', '--address', long],
  ])
    await t.rejects(ask(...argv), { code: 'MALFORMED', message: /at most 4096 bytes/ });
  t.strictSame(transfers.list(), []);
});

t.test('what a failed transfer says is kept only so long', async (t) => {
  const { transfers, ask } = given();
  await ask(...joiner, '--parent', 'x'.repeat(60_000));
  const [status] = transfers.list();
  t.match(status?.outcome, { kind: 'failed', code: 'ARGUMENT_INVALID' });
  t.ok(JSON.stringify(status).length < 10_000);
});
