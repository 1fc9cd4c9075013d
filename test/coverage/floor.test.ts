import t from 'tap';
import { belowFloor } from './floor.js';

const low = (lines: Readonly<Record<string, number>>): (string | undefined)[] =>
  belowFloor(new Map(Object.entries(lines)), new Set(['plan/donor', 'plan/tunnel'])).map(
    (line) => line.split(':')[0],
  );

t.strictSame(
  low({ total: 84.9, 'plan/donor': 49.9, 'plan/tunnel': 50 }),
  ['total', 'plan/donor'],
  'what is low is named',
);
t.strictSame(
  low({ total: 85, 'plan/lists': 0 }),
  [],
  'what has no test of its name counts in the total only',
);
