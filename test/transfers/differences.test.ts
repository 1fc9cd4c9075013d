import t from 'tap';
import type { Difference } from '../../src/datadir/compare.js';
import { describeDifferences } from '../../src/transfers/differences.js';

const differences: Difference[] = [
  { kind: 'missing', place: 'data', path: 'a/b.ibd' },
  { kind: 'size', place: 'undo', path: 'undo001', expected: 10, found: 9 },
  { kind: 'unexpected', place: 'aria', path: 'aria_log.00000002' },
  { kind: 'missing directory', place: 'data', path: 'c\nd' },
  { kind: 'unexpected directory', place: 'data', path: 'e' },
  { kind: 'missing', place: 'binlog', path: 'f' },
  { kind: 'missing', place: 'binlog', path: 'g' },
];

t.test('differences are told in a sentence', async (t) => {
  t.equal(
    describeDifferences(differences.slice(0, 1)),
    `the copy differs from the donor's manifest in one place: "a/b.ibd" (data) is missing`,
  );
  t.equal(
    describeDifferences(differences.slice(0, 5)),
    `the copy differs from the donor's manifest in 5 places: "a/b.ibd" (data) is missing; ` +
      `"undo001" (undo) has 9 bytes instead of 10; "aria_log.00000002" (aria) is not the donor's; ` +
      `"c\\nd" (data) is missing; "e" (data) is not the donor's`,
  );
});

t.test('of many only the first few are named', async (t) => {
  t.match(
    describeDifferences(differences),
    /^the copy .* in 7 places: .*"e" \(data\) is not the donor's; and 2 more$/,
  );
});
