import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TransferError } from '../../src/errors.js';
import { releaseLock, takeLock } from '../../src/transfers/lock.js';
import { recordTransfer } from './context.js';

const state = '6e8b1c5e-0000-11ee-8000-0242ac120002:42';
const noSign = { send: () => Promise.reject(new Error('no sign of life was due')), everyMs: 60_000 };

t.test('the lock is held once the server has written its state', async (t) => {
  const dir = t.testdir({ tables_flushed: 'left over: 1', sst_error: 'left over' });
  const flushed = join(dir, 'tables_flushed');
  const context = recordTransfer(({ kind }) => {
    if (kind !== 'flush tables') return;
    t.notOk(existsSync(flushed), 'what an earlier transfer left was removed before asking');
    t.notOk(existsSync(join(dir, 'sst_error')));
    // As the server does it: first empty, then with the state.
    writeFileSync(flushed, '');
    setTimeout(() => writeFileSync(flushed, `${state} 7\n`), 15);
  });
  t.equal(await takeLock(dir, context, noSign), `${state} 7`);
  t.strictSame(context.said, [{ kind: 'flush tables' }]);
  t.strictSame(context.events, [
    { kind: 'phase', phase: 'waiting for lock' },
    { kind: 'lock', held: true },
  ]);
  t.notOk(existsSync(flushed));
  // The server writes it a second time.
  writeFileSync(flushed, `${state} 7\n`);
  releaseLock(dir, context);
  t.notOk(existsSync(flushed));
  t.strictSame(context.said.at(-1), { kind: 'continue' });
  t.strictSame(context.events.at(-1), { kind: 'lock', held: false });
});

t.test('a server that cannot flush says so', async (t) => {
  const dir = t.testdir();
  const context = recordTransfer(() => writeFileSync(join(dir, 'sst_error'), ''));
  await t.rejects(takeLock(dir, context, noSign), {
    code: 'FLUSH_FAILED',
    message: 'the server could not flush its tables and take the global read lock',
    exitStatus: 255,
  });
  t.notOk(existsSync(join(dir, 'sst_error')));
  t.notOk(context.events.some(({ kind }) => kind === 'lock'));
  t.strictSame(context.said, [{ kind: 'flush tables' }], 'it no longer listens');
});

t.test('a state that is none is refused', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'tables_flushed');
  const context = recordTransfer(() => writeFileSync(file, 'no: state\n'));
  await t.rejects(takeLock(dir, context, noSign), {
    code: 'PEER_PROTOCOL',
    message: `${file} has no state (UUID:seqno), but "no: state"`,
  });
});

t.test('a server that may hold the lock is told to go on, whatever went wrong', async (t) => {
  const dir = t.testdir();
  const context = recordTransfer();
  const unreachable = {
    send: () => Promise.reject(new TransferError('PEER_UNREACHABLE', 'gone')),
    everyMs: 1,
  };
  await t.rejects(takeLock(dir, context, unreachable), { code: 'PEER_UNREACHABLE' });
  t.strictSame(context.said, [{ kind: 'flush tables' }, { kind: 'continue' }]);
});

t.test('waiting for the lock ends with the transfer', async (t) => {
  const controller = new AbortController();
  const reason = new TransferError('PARENT_GONE', 'gone');
  const context = recordTransfer(() => controller.abort(reason), { signal: controller.signal });
  await t.rejects(takeLock(t.testdir(), context, noSign), reason);
});
