import t from 'tap';
import { formatReport, median, ratio, summarise, type Results, type Run } from './report.js';

const medians: { values: number[]; middle: number | undefined }[] = [
  { values: [], middle: undefined },
  { values: [7], middle: 7 },
  { values: [10, 2], middle: 6 },
  { values: [10, 9, 100], middle: 10 },
  { values: [4, 1, 3, 2], middle: 2.5 },
];
for (const { values, middle } of medians) {
  t.equal(median(values), middle, `the median of [${values.join()}] is ${middle}`);
}

const run = (method: string, round: number, joinSeconds: number, lockSeconds?: number): Run => ({
  method,
  round,
  metrics: lockSeconds === undefined ? { joinSeconds } : { joinSeconds, lockSeconds },
});
const runs = [
  run('rsync', 1, 8, 4),
  run('rsync_tunnel', 1, 6),
  run('rsync', 2, 10, 0),
  run('rsync_tunnel', 2, 3),
  run('rsync', 3, 99, 0),
  run('rsync_tunnel', 3, 5),
];
const summary = summarise(runs);

t.strictSame(
  [...summary],
  [
    ['rsync', { joinSeconds: 10, lockSeconds: 0 }],
    ['rsync_tunnel', { joinSeconds: 5 }],
  ],
  'each method has the medians of its own runs, and none where nothing was measured',
);
t.match(
  formatReport({
    ...({ when: '', scenario: 'main', dataMiB: 1, writer: true, joinerData: 'emptied' } as const),
    ...{ cpuCountedBy: 'c', machine: {}, versions: {} },
    runs: [
      run('rsync_tunnel', 1, 10),
      {
        method: 'rsync_tunnel-agent',
        round: 1,
        metrics: { joinSeconds: 10.1, agentCpuPercent: 1.234, agentPeakMiB: 80.5 },
      },
    ],
  }),
  /^Through the agent: 1\.010 of the time of a join without it.* 1\.23 % .* 80\.50 MiB/m,
  'what the agent costs is said beside what it may',
);
t.equal(ratio(summary, 'rsync_tunnel', 'rsync', 'joinSeconds'), 0.5, 'a ratio is ours divided by the peer');
t.equal(ratio(summary, 'rsync_tunnel', 'rsync', 'lockSeconds'), undefined, 'no ratio without both values');
t.equal(ratio(summary, 'rsync', 'rsync', 'lockSeconds'), undefined, 'no ratio to zero');
t.equal(
  ratio(summary, 'rsync', 'mariabackup', 'joinSeconds'),
  undefined,
  'no ratio to a method that did not run',
);

const results: Results = {
  when: '2026-01-01T00:00:00Z',
  scenario: 'main',
  dataMiB: 512,
  writer: true,
  joinerData: 'emptied',
  cpuCountedBy: 'control group',
  machine: { cores: 2, loadAverage: 0.25 },
  versions: {},
  runs,
};
t.equal(
  formatReport(results),
  [
    "Scenario main: 512 MiB, 3 alternating runs, a writer on the donor, joiner's data emptied, CPU by control group, load average 0.25 before on 2 cores.",
    '',
    '| median       | start → Synced, s | lock held, s |',
    '| ------------ | ----------------: | -----------: |',
    '| rsync        |             10.00 |         0.00 |',
    '| rsync_tunnel |              5.00 |            – |',
    '',
    '| rsync_tunnel in proportion | start → Synced, s | lock held, s |',
    '| -------------------------- | ----------------: | -----------: |',
    '| to rsync                   |              0.50 |            – |',
  ].join('\n'),
  'the report has the medians and the ratios of rsync_tunnel to each peer',
);
t.match(
  formatReport({ ...results, failures: [{ method: 'mariabackup', round: 2, reason: 'no disk\nat all' }] }),
  /\n\nRun 2 of mariabackup failed: no disk\n\n/,
  'a run that failed is told of, and counts in no median',
);
t.match(
  formatReport({ ...results, runs: runs.filter((r) => r.method === 'rsync') }),
  /^[^\n]*\n\n(\|[^\n]*\n?){3}$/,
  'a single method has no ratios',
);
