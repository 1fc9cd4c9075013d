import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import type { Config } from '../../src/config/config.js';
import type { TransferEvent } from '../../src/events.js';
import { TransferError } from '../../src/errors.js';
import { refusedWithoutSecret, type Refused } from '../../src/transfers/without-secret.js';
import { recordTransfer } from './context.js';

const error = new TransferError('SECRET_MISSING', 'a node wants to write');
const notice = { kind: 'notice', text: 'a node wants to write' } as const;
const { code, hint } = error;
const message = 'a node wants to write; still waiting for the donor';
const warning = { kind: 'finding', finding: { severity: 'warning', code, message, hint } } as const;

/** What has come of peers that were refused. */
interface Course {
  readonly refused: Refused;
  readonly ended: readonly TransferError[];
  readonly events: readonly TransferEvent[];
  donorIsHere: boolean;
}

function begin(mode: Config['tls']['mode'], graceMs = 20): Course {
  const { emit, events } = recordTransfer();
  const ended: TransferError[] = [];
  const giveUp = (reason: TransferError): void => void ended.push(reason);
  const course = { ended, events, donorIsHere: false };
  const tls = { mode } as Config['tls'];
  const refused = refusedWithoutSecret(
    { tls },
    { emit, isDonorHere: () => course.donorIsHere, giveUp },
    graceMs,
  );
  return Object.assign(course, { refused });
}

for (const mode of ['VERIFY_IDENTITY', 'VERIFY_CA'] as const) {
  t.test(`under ${mode} a refused peer ends the wait, once, when no donor comes`, async (t) => {
    const course = begin(mode);
    course.refused.note(error);
    course.refused.note(error);
    t.strictSame(course.ended, [], 'not at once: any holder of a certificate may have come');
    t.equal(course.refused.reason, error);
    t.strictSame(course.events, [warning, notice]);
    while (course.ended.length === 0) await wait(5);
    await wait(40);
    t.strictSame(course.ended, [error]);
  });
}

t.test('the right donor may still come', async (t) => {
  const course = begin('VERIFY_IDENTITY');
  course.refused.note(error);
  course.donorIsHere = true;
  await wait(60);
  t.strictSame(course.ended, []);
});

t.test('what comes beside a donor does not end its transfer', async (t) => {
  const course = begin('VERIFY_CA');
  course.donorIsHere = true;
  course.refused.note(error);
  await wait(60);
  t.strictSame([course.ended, course.events, course.refused.reason], [[], [notice], undefined]);
});

t.test('where nobody is verified the joiner goes on waiting', async (t) => {
  const course = begin('REQUIRED');
  course.refused.note(error);
  await wait(60);
  t.strictSame([course.ended, course.events], [[], [warning]]);
});

t.test('a wait that ends otherwise ends nothing later', async (t) => {
  const course = begin('VERIFY_CA');
  course.refused.note(error);
  course.refused.stop();
  await wait(60);
  t.strictSame(course.ended, []);
});

t.test('a server that gives up after its donor was refused is told why', async (t) => {
  const gone = new TransferError('PARENT_GONE', 'the server has ended');
  const { refused } = begin('VERIFY_CA', 60_000);
  t.equal(refused.reasonBehind(gone), gone, 'nobody was refused');
  refused.note(error);
  t.match(refused.reasonBehind(gone), {
    code: 'SECRET_MISSING',
    message: 'a node wants to write; then the server has ended',
  });
  const other = new TransferError('DISK_FULL', 'full');
  t.equal(refused.reasonBehind(other), other);
  refused.stop();
});
