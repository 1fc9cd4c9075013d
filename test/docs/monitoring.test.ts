import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { TransferError } from '../../src/errors.js';
import type { TransferEvent } from '../../src/events.js';
import { createMetrics } from '../../src/observe/metrics.js';
import { reduceTransfer, statusOf, type TransferState } from '../../src/observe/status.js';

const read = (name: string): string =>
  readFileSync(new URL(`../../../docs/monitoring/${name}`, import.meta.url), 'utf8');
const dashboard = JSON.parse(read('dashboard.json')) as {
  panels: { title: string; targets: { expr: string }[] }[];
};
const rules = [...read('alerts.yml').matchAll(/^ +expr: (.*)$/gm)].map(([, expr]) => expr ?? '');

/** The names of all figures that an agent has. */
async function exposed(): Promise<Set<string>> {
  const metrics = createMetrics('1.0.0');
  const started = { kind: 'started', role: 'donor', version: '1', peer: 'p', dataDir: '/d' } as const;
  const courses: TransferEvent[][] = [
    [
      { ...started, id: 'a' },
      { kind: 'finished', bypass: false, files: 1, bytes: 1, seconds: 1, lockSeconds: 1 },
    ],
    [
      { ...started, id: 'b' },
      { kind: 'failed', error: new TransferError('TIMED_OUT', 'late') },
    ],
    [
      { ...started, id: 'c' },
      { kind: 'phase', phase: 'copying' },
      { kind: 'progress', doneBytes: 1, totalBytes: 2, streams: [] },
      { kind: 'progress', doneBytes: 2, totalBytes: 2, streams: [] },
    ],
  ];
  for (const events of courses) {
    let state: TransferState | undefined;
    events.forEach((event, second) => {
      state = reduceTransfer(state, event, second * 1000);
      metrics.observe(statusOf(state!, second * 1000), event);
    });
  }
  const text = await metrics.text();
  return new Set(
    [...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_sum`, `${name}_count`, `${name}_bucket`] : [name],
    ),
  );
}

t.test('every figure that the dashboard and the rules ask for is one that the agent has', async (t) => {
  const names = await exposed();
  const expressions = [
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...rules,
  ];
  t.equal(expressions.length, 12);
  for (const expression of expressions) {
    const asked = expression.match(/galera_sst_\w+|process_\w+/g) ?? [];
    t.ok(asked.length > 0, expression);
    for (const name of asked) t.ok(names.has(name), `${name} in ${expression}`);
  }
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

// The package prometheus is not one that the tests need otherwise.
if (hasPromtool) {
  t.test('promtool accepts the rules', async (t) => {
    const { status, stdout, stderr } = spawnSync(
      'promtool',
      ['check', 'rules', 'docs/monitoring/alerts.yml'],
      {
        encoding: 'utf8',
      },
    );
    t.equal(status, 0, `${stdout}${stderr}`);
  });
}
