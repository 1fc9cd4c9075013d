import t from 'tap';
import { parseOptions } from './options.js';

t.test('by default everything is run, two cluster tests at once where there are two cores', (t) => {
  t.strictSame(parseOptions([], 8), {
    suites: ['unit', 'cluster'],
    only: undefined,
    unitJobs: 8,
    clusterJobs: 2,
  });
  t.equal(parseOptions([], 1).clusterJobs, 1);
  t.end();
});

t.test('options narrow it down', (t) => {
  const options = parseOptions(['--suite', 'cluster', '--only', 'ist|sst', '--jobs', '1'], 8);
  t.strictSame(options, { suites: ['cluster'], only: /ist|sst/, unitJobs: 8, clusterJobs: 1 });
  t.end();
});

t.test('other words are refused', (t) => {
  for (const argv of [['--suite', 'some'], ['--jobs', '0'], ['--jobs', 'two'], ['--fast'], ['all']]) {
    t.throws(() => parseOptions(argv, 2), argv.join(' '));
  }
  t.end();
});
