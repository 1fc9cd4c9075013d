import t from 'tap';
import type { Test } from 'tap';
import type { Config } from '../../src/config/config.js';
import { TransferError } from '../../src/errors.js';
import { refusedWithoutSecret } from '../../src/transfers/without-secret.js';
import { recordTransfer } from './context.js';

const error = new TransferError('SECRET_MISSING', 'a node wants to write');

/** Timers that fire when the test says so. */
function note(t: Test, mode: Config['tls']['mode'], donorIsHere: boolean) {
  const timers: (() => void)[] = [];
  t.intercept(globalThis, 'setTimeout', { value: (act: () => void) => timers.push(act) });
  const { emit, events } = recordTransfer();
  const ended: TransferError[] = [];
  let isHere = false;
  const refused = refusedWithoutSecret(
    { tls: { mode } as Config['tls'] },
    {
      emit,
      isDonorHere: () => isHere,
      giveUp: (reason) => ended.push(reason),
    },
  );
  refused.note(error);
  refused.note(error);
  isHere = donorIsHere;
  const endedAtOnce = ended.length;
  for (const fire of timers) fire();
  return { events, ended, endedAtOnce, reason: refused.reason };
}

for (const [mode, donorIsHere, ends] of [
  ['VERIFY_IDENTITY', false, 1],
  ['VERIFY_CA', true, 0],
  ['REQUIRED', false, 0],
] as const) {
  t.test(`a refused peer under ${mode}, ${donorIsHere ? 'before the donor' : 'alone'}`, async (t) => {
    const { events, ended, endedAtOnce, reason } = note(t, mode, donorIsHere);
    t.equal(endedAtOnce, 0, 'the wait goes on');
    t.equal(ended.length, ends);
    t.equal(reason, error);
    t.match(events, [
      {
        kind: 'finding',
        finding: { severity: 'warning', code: 'SECRET_MISSING', hint: /allow-donor-without/ },
      },
      { kind: 'notice' },
    ]);
  });
}
