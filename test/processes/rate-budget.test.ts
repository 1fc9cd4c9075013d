import t from 'tap';
import {
  beginBudget,
  nextStep,
  noteLateness,
  noteOpenRun,
  notePortion,
  spend,
} from '../../src/processes/rate-budget.js';

const quantum = 212_992;

t.test('a budget grows with time and is spent by bytes, and neither without limit', async (t) => {
  const budget = beginBudget(1e7);
  t.equal(spend(budget, 100, 400_000).tokens, 600_000);
  t.equal(spend(budget, 60_000, 0).tokens, 4e6, 'at most 0.4 s are saved up');
  t.equal(spend(budget, 100, 1e9).tokens, -5e7, 'and no more is owed than 5 s');
  t.equal(spend(beginBudget(1e6), 100, 1e9).tokens, -4e5, 'at low rates no more than one stop can pay');
  t.equal(spend(beginBudget(65_536), 0, quantum).tokens, -quantum, 'but for one portion');
});

t.test('another rate begins without credit and debt, and keeps what is known of the machine', async (t) => {
  const owing = { ...beginBudget(1e6), tokens: -5000, speed: 7 };
  t.match(beginBudget(2e6, owing), { rate: 2e6, tokens: 0, speed: 7 });
});

t.test('what a step is', async (t) => {
  const slow = beginBudget(1e6);
  const fast = beginBudget(2e8);
  const late = { ...noteLateness(fast, 100, 10), usualLatenessMs: 0 };
  const cases = [
    ['a debt is waited for', { ...slow, tokens: -90_000 }, 4, { kind: 'hold', ms: 140 }],
    ['never for long', { ...slow, tokens: -4e5 }, 4, { kind: 'hold', ms: 250 }],
    ['a low rate goes by portions', { ...slow, tokens: 60_000 }, 4, { kind: 'portion', processes: 1, ms: 3 }],
    [
      'more than one where one is not enough',
      { ...beginBudget(1e7), tokens: 4.3e5 },
      4,
      { kind: 'portion', processes: 3, ms: 3 },
    ],
    ['who is behind turns faster', { ...slow, tokens: 4e5 }, 1, { kind: 'portion', processes: 1, ms: 1 }],
    ['a high rate runs freely', { ...fast, tokens: 2e7 }, 1, { kind: 'open', ms: 20 }],
    ['once that is worth it', { ...fast, tokens: 2e6 }, 1, { kind: 'hold', ms: 40 }],
    [
      'but not where it may be called too late',
      { ...late, tokens: 1e7 },
      4,
      { kind: 'portion', processes: 4, ms: 1 },
    ],
    ['unless the valve is too slow for it', { ...late, tokens: 2e7 }, 1, { kind: 'open', ms: 20 }],
    [
      'never where it would go much too far',
      { ...slow, tokens: 3e5, latenessMs: 150, usualLatenessMs: 150 },
      1,
      { kind: 'portion', processes: 1, ms: 1 },
    ],
  ] as const;
  for (const [what, budget, processes, step] of cases) t.strictSame(nextStep(budget, processes), step, what);
  const owing = { ...fast, tokens: -3e8 };
  t.match(nextStep(owing, 4, 249), { kind: 'hold' }, 'much is owed');
  const portion = { kind: 'portion', processes: 1, ms: 1 };
  t.strictSame(nextStep(owing, 4, 250), portion, 'it is paid with a portion between the stops');
  t.match(
    nextStep({ ...slow, tokens: -4e5 }, 4, 250),
    { kind: 'hold' },
    'which would be too much at a low rate',
  );
});

t.test('what is seen is learnt', async (t) => {
  const budget = beginBudget(1e6);
  t.equal(notePortion(budget, 800_000, 2).quantumBytes, 400_000);
  t.equal(noteOpenRun(budget, 3e7, 10).speed, 3e6);
  t.equal(Math.round(noteOpenRun(budget, 0, 10).speed), 9e5, 'what was fast once may be slower now');
  t.equal(noteLateness(noteLateness(budget, 50, 10), 0, 60_000).latenessMs, 3, 'and forgotten');
});
