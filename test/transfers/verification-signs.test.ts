import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { JoinerPlan } from '../../src/plan/joiner.js';
import {
  longestStandstill,
  lookAtSign,
  showVerification,
  whileItMoves,
} from '../../src/transfers/verification-signs.js';
import { delay } from '../../src/transfers/wait.js';

const never = new AbortController().signal;

t.test('a joiner shows at once that it compares, and then how far it is', async (t) => {
  const shown: string[] = [];
  const outbox = {
    publish: () => undefined,
    show: (...[directory, name, text]: string[]) => void shown.push(`${directory}/${name} ${text}`),
    close: () => undefined,
  };
  let nowMs = 0;
  const onRead = showVerification({ plan: { answer: '/a' } as JoinerPlan, outbox }, () => nowMs);
  for (const [atMs, bytes] of [
    [1000, 10],
    [5000, 10],
    [5001, 10],
    [60_000, 10],
  ] as const) {
    nowMs = atMs;
    onRead(bytes);
  }
  t.strictSame(shown, [
    '/a/verifying.json {"comparedBytes":0}\n',
    '/a/verifying.json {"comparedBytes":20}\n',
    '/a/verifying.json {"comparedBytes":40}\n',
  ]);
});

t.test('a joiner without room for a message compares all the same', async (t) => {
  const outbox = {
    publish: () => undefined,
    show: () => {
      throw new Error('full');
    },
    close: () => undefined,
  };
  t.doesNotThrow(() => showVerification({ plan: {} as JoinerPlan, outbox })(1));
});

t.test('work is waited for beyond the limit while there is something new', async (t) => {
  let looks = 0;
  let done = (): void => undefined;
  const work = new Promise<string>((resolve) => (done = () => resolve('done')));
  const look = async (): Promise<string> => {
    // Several limits' worth of looks.
    if (++looks === 20) done();
    return `${looks}`;
  };
  t.equal(await whileItMoves(work, { limitMs: 300, look }, never), 'done');
});

for (const [what, look] of [
  ['says the same again and again', async () => 'as before'],
  ['says nothing, as older versions do', async () => undefined],
  ['does not answer', () => new Promise<never>(() => undefined)],
] as const) {
  t.test(`a peer is given up that ${what}`, async (t) => {
    await t.rejects(whileItMoves(new Promise(() => undefined), { limitMs: 100, look }, never), {
      message: 'nothing new for 100 ms',
    });
  });
}

t.test(
  'a joiner that tells its progress may stand still for the idle limit, and for three signs',
  async (t) => {
    const cases = [
      [0, 0],
      [1, 15_000],
      [10, 15_000],
      [120, 125_000],
    ] as const;
    for (const [seconds, ms] of cases) t.equal(longestStandstill(seconds), ms, `${seconds} s`);
  },
);

t.test('what the work throws comes at once, and so does an abort', async (t) => {
  const look = async (): Promise<undefined> => undefined;
  const limits = { limitMs: 600_000, look };
  await t.rejects(whileItMoves(Promise.reject(new Error('a bad verdict')), limits, never), {
    message: 'a bad verdict',
  });
  const ended = new AbortController();
  const waiting = whileItMoves(new Promise(() => undefined), limits, ended.signal);
  ended.abort(new Error('over'));
  await t.rejects(waiting, { message: 'over' });
});

t.test('a sign of a look before is not taken for a new one', async (t) => {
  const file = join(t.testdir({}), 'sign');
  t.equal(await lookAtSign(file, async () => writeFileSync(file, 'one')), 'one');
  t.equal(await lookAtSign(file, () => delay(0, AbortSignal.abort(new Error('no such file')))), undefined);
  t.notOk(existsSync(file));
  await lookAtSign(file, async () => writeFileSync(file, 'two'));
  t.equal(readFileSync(file, 'utf8'), 'two');
});
