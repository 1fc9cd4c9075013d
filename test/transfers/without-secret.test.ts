import t from 'tap';
import type { Config } from '../../src/config/config.js';
import type { TransferEvent } from '../../src/events.js';
import { TransferError } from '../../src/errors.js';
import { refusedWithoutSecret } from '../../src/transfers/without-secret.js';
import { recordTransfer } from './context.js';

const error = new TransferError('SECRET_MISSING', 'a node wants to write');
const notice = { kind: 'notice', text: 'a node wants to write' } as const;
const { code, hint } = error;
const message = 'a node wants to write; still waiting for the donor';
const warning = { kind: 'finding', finding: { severity: 'warning', code, message, hint } } as const;

const cases: readonly {
  title: string;
  mode: Config['tls']['mode'];
  donorIsHere?: boolean;
  ends?: boolean;
  events: readonly TransferEvent[];
}[] = [
  { title: 'ends the wait at once', mode: 'VERIFY_IDENTITY', ends: true, events: [notice] },
  { title: 'ends the wait at once', mode: 'VERIFY_CA', ends: true, events: [notice] },
  { title: 'does not end a transfer', mode: 'VERIFY_CA', donorIsHere: true, events: [notice, notice] },
  { title: 'leaves the joiner waiting', mode: 'REQUIRED', events: [warning, notice] },
];

for (const { title, mode, donorIsHere = false, ends = false, events: expected } of cases) {
  t.test(`under ${mode} a refused peer ${title}`, async (t) => {
    const { emit, events } = recordTransfer();
    const ended: TransferError[] = [];
    const refused = refusedWithoutSecret(
      { tls: { mode } as Config['tls'] },
      {
        emit,
        isDonorHere: () => donorIsHere,
        giveUp: (reason) => ended.push(reason),
      },
    );
    refused.note(error);
    t.strictSame(ended, ends ? [error] : []);
    t.equal(refused.reason, donorIsHere ? undefined : error);
    refused.note(error);
    t.equal(ended.length, ends ? 1 : 0, 'once is enough');
    t.strictSame(events, expected);
  });
}
