import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { readLines } from '../../src/processes/lines.js';
import { BareNode, serverUser } from '../sst-script/bare-node.js';
import { Material } from '../sst-script/material.js';
import { blocksOf } from './blocks.js';
import { lockTables, startDonor, waitingPair, type Pair } from '../sst-script/pair.js';

const program = fileURLToPath(new URL('../../bin/galera-sst-tunnel.js', import.meta.url));
const page = (name: string): string =>
  fileURLToPath(new URL(`../../../docs/monitoring/${name}`, import.meta.url));
const read = (name: string): string => readFileSync(page(name), 'utf8');

t.setTimeout(120_000);

/** What the dashboard and the rules ask, the rules without their limits: what is well is not over them. */
function expressions(): string[] {
  const { panels } = JSON.parse(read('dashboard.json')) as { panels: { targets: { expr: string }[] }[] };
  const rules = [...read('alerts.yml').matchAll(/^ +expr: (.*)$/gm)].map(([, expr = '']) => expr);
  return [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...rules.map((expr) => expr.replaceAll(/ (?:[<>]|==) \d[\d *]*/g, ' ')),
  ];
}

t.test('promtool accepts the rules', async (t) => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', page('alerts.yml')], {
    encoding: 'utf8',
  });
  t.equal(status, 0, `${stdout}${stderr}`);
});

t.test("promtool accepts the page's configuration, which has the job that a rule goes by", async (t) => {
  const block = blocksOf(read('../monitoring.md')).find((one) => one.includes('scrape_configs')) ?? '';
  const folder = t.testdir({ 'prometheus.yml': block, 'galera-sst-tunnel-alerts.yml': read('alerts.yml') });
  const words = ['check', 'config', join(folder, 'prometheus.yml')];
  const { status, stdout, stderr } = spawnSync('promtool', words, { encoding: 'utf8' });
  t.equal(status, 0, stderr);
  t.match(stdout, /6 rules found/);
  const [, job = ''] = /job_name: (\S+)/.exec(block) ?? [];
  t.match(read('alerts.yml'), `expr: up{job="${job}"} == 0`);
});

interface RuleCase {
  readonly alertname: string;
  /** Series by their text; a sample a minute, in promtool's notation. */
  readonly series: Readonly<Record<string, string>>;
  /** Minutes from the beginning: not yet, alerted of, over. */
  readonly at: readonly [before: number, during: number, after: number];
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
}

const of = `data_dir="/d",role="donor",instance="node2"`;
const donor = { data_dir: '/d', role: 'donor', instance: 'node2' };
const ruleCases: readonly RuleCase[] = [
  {
    alertname: 'GaleraSstFailed',
    // The first failure of a kind: a counter that appears.
    series: { 'galera_sst_failures_total{role="joiner",code="PORT_BUSY",instance="node2"}': '_x4 1x90' },
    at: [3, 6, 30],
    labels: { role: 'joiner', code: 'PORT_BUSY', instance: 'node2', severity: 'critical' },
    summary: 'a transfer as joiner on node2 has failed: PORT_BUSY',
  },
  {
    alertname: 'GaleraSstFailed',
    series: { 'galera_sst_failures_total{role="joiner",code="PORT_BUSY",instance="node2"}': '1x40 2x50' },
    at: [39, 43, 65],
    labels: { role: 'joiner', code: 'PORT_BUSY', instance: 'node2', severity: 'critical' },
    summary: 'a transfer as joiner on node2 has failed: PORT_BUSY',
  },
  {
    alertname: 'GaleraSstCertificateExpires',
    // In 14 days and 10 minutes; renewed after two hours.
    series: {
      'galera_sst_certificate_expiry_timestamp_seconds{data_dir="/d",use="own",subject="CN=x",serial="0A",instance="node2"}': `${14 * 86_400 + 600}x120 ${90 * 86_400}x60`,
    },
    at: [69, 75, 125],
    labels: {
      ...{ data_dir: '/d', use: 'own', subject: 'CN=x', serial: '0A', instance: 'node2' },
      severity: 'warning',
    },
    summary: 'own certificate CN=x on node2 expires soon',
  },
  {
    alertname: 'GaleraSstCheckFailed',
    series: {
      'galera_sst_check_findings{data_dir="/d",severity="error",code="KEY_MISMATCH",instance="node2"}':
        '1x30 stale',
      'galera_sst_check_findings{data_dir="/d",severity="warning",code="PORT_BUSY",instance="node2"}': '1x60',
    },
    at: [14, 16, 31],
    labels: { data_dir: '/d', code: 'KEY_MISMATCH', instance: 'node2', severity: 'warning' },
    summary: 'a transfer for /d on node2 would fail: KEY_MISMATCH',
  },
  {
    alertname: 'GaleraSstSlow',
    // 100 GB at 20 MB/s, then at 1 MB/s, then done.
    series: {
      [`galera_sst_transfer_expected_bytes{${of}}`]: '100e9x59 stale',
      [`galera_sst_transfer_done_bytes{${of}}`]: '0x59 stale',
      [`galera_sst_transfer_bytes_per_second{${of}}`]: '20e6x29 1e6x29 stale',
    },
    at: [44, 46, 61],
    labels: { ...donor, severity: 'warning' },
    summary: 'the transfer of /d as donor on node2 would take more than 8 hours',
  },
  {
    alertname: 'GaleraSstSlow',
    // Nothing passes, and no limit ends it.
    series: {
      [`galera_sst_transfer_expected_bytes{${of}}`]: '1000x59 stale',
      [`galera_sst_transfer_done_bytes{${of}}`]: '10x59 stale',
      [`galera_sst_transfer_bytes_per_second{${of}}`]: '0x59 stale',
    },
    at: [14, 16, 61],
    labels: { ...donor, severity: 'warning' },
    summary: 'the transfer of /d as donor on node2 would take more than 8 hours',
  },
  {
    alertname: 'GaleraSstWaitsForLock',
    series: {
      [`galera_sst_transfer_phase{${of},phase="waiting for lock"}`]: '_x9 1x20 stale',
      [`galera_sst_transfer_phase{${of},phase="copying"}`]: '_x30 1x30',
    },
    at: [13, 15, 30],
    labels: { ...donor, phase: 'waiting for lock', severity: 'warning' },
    summary: 'the donor node2 waits for the global read lock of /d',
  },
  {
    alertname: 'GaleraSstAgentDown',
    series: { 'up{job="galera-sst-tunnel",instance="node2"}': '1x9 0x20 1x30', 'up{job="node"}': '0x60' },
    at: [14, 16, 32],
    labels: { job: 'galera-sst-tunnel', instance: 'node2', severity: 'warning' },
    summary: 'the agent on node2 does not answer',
  },
];

t.test('every rule alerts of what it is for, and of nothing before and after', async (t) => {
  const rules = read('alerts.yml').split('- alert: ').slice(1);
  const descriptions = new Map(
    rules.map((rule) => [/^\w+/.exec(rule)?.[0], /description: (.*)/.exec(rule)?.[1]]),
  );
  t.strictSame(new Set(ruleCases.map(({ alertname }) => alertname)), new Set(descriptions.keys()));
  const manual = read('../monitoring.md');
  for (const name of descriptions.keys()) t.match(manual, `**${name}**: `, `${name} is described`);
  const tests = ruleCases.map(({ alertname, series, at: [before, during, after], labels, summary }) => {
    const alert = {
      exp_labels: labels,
      exp_annotations: { summary, description: descriptions.get(alertname) },
    };
    const expect = (minutes: number, exp_alerts: readonly object[]) => ({
      eval_time: `${minutes}m`,
      alertname,
      exp_alerts,
    });
    return {
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      alert_rule_test: [expect(before, []), expect(during, [alert]), expect(after, [])],
    };
  });
  const file = join(t.testdir(), 'test.json');
  writeFileSync(file, JSON.stringify({ rule_files: [page('alerts.yml')], tests }));
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  t.equal(status, 0, `${stdout}${stderr}`);
});

t.test('Prometheus has an answer to all that dashboard and rules ask when it scrapes an agent', async (t) => {
  const material = await Material.create();
  t.teardown(() => material.destroy());
  const folder = mkdtempSync(join(tmpdir(), 'monitoring-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  chownSync(folder, serverUser.uid, serverUser.gid);
  const socket = join(folder, 'agent.sock');
  const incomplete = await BareNode.create();
  t.teardown(() => incomplete.destroy());
  incomplete.configure({ mysqld: { datadir: incomplete.dataDir }, sst: {} });

  // Each node has a port that nobody uses: the agent's, and Prometheus's.
  const spare = await BareNode.create();
  t.teardown(() => spare.destroy());
  const [metricsPort, prometheusPort] = [incomplete.port, spare.port];
  const good = join(spare.dir, 'good.cnf');
  const { cert, key } = material.good;
  writeFileSync(
    good,
    `[mysqld]\ndatadir=${spare.dataDir}\nbind_address=127.0.0.1\n[sst]\ntca=${material.ca}\ntcert=${cert}\ntkey=${key}\n`,
  );
  await startAgent(t, socket, metricsPort, [good, incomplete.optionFile]);
  await startPrometheus(t, prometheusPort, metricsPort);

  const env = { GALERA_SST_TUNNEL_SOCKET: socket };
  t.equal(await incomplete.start('joiner', { env }).ended, 22, 'a transfer that fails');
  const first = await transfer(t, material, env, '100m');
  await first.end();
  const waiting = new Set(expressions());
  t.equal(waiting.size, 14);
  const ask = async (): Promise<void> => {
    for (const expression of waiting)
      if (await isAnswered(prometheusPort, expression)) waiting.delete(expression);
    await wait(200);
  };
  // The test's time limit is the limit.
  const second = await transfer(t, material, env, '512k', async () => {
    while ([...waiting].some((expression) => expression.includes('waiting for lock'))) await ask();
  });
  while (waiting.size > 0 && second.runs()) await ask();
  t.strictSame([...waiting], [], 'nothing is left without an answer while a transfer runs');
  const scraped = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  t.ok(second.runs());
  t.strictSame(describedMetrics(), metricsOf(scraped), 'the manual has these metrics');
});

async function isAnswered(port: number, expression: string): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`);
  const { status, data } = (await answer.json()) as { status: string; data?: { result: unknown[] } };
  if (status !== 'success') throw new Error(`${expression}: ${status}`);
  return (data?.result.length ?? 0) > 0;
}

/** Rows of a table by the metric's name: type, labels, meaning. */
type MetricRows = Readonly<Record<string, string>>;

const byName = (rows: readonly (readonly [string, string])[]): MetricRows =>
  Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));

function describedMetrics(): MetricRows {
  const rows = [...read('../monitoring.md').matchAll(/^\| `(\w+)` \| (.*) \|$/gm)];
  return byName(rows.map(([, name = '', rest = '']) => [name, rest.replaceAll('`', '').replace(/ +/g, ' ')]));
}

/** What an agent says of itself, as the manual's tables would have it. */
function metricsOf(text: string): MetricRows {
  const helps = [...text.matchAll(/^# HELP (\w+) (.*)$/gm)];
  return byName(
    helps.map(([, name = '', help = '']) => {
      const type = new RegExp(`^# TYPE ${name} (.*)$`, 'm').exec(text)?.[1] ?? '';
      const sample = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? `, 'm').exec(text);
      const labels = [...(sample?.[1] ?? '').matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label]) => label);
      if (sample === null) throw new Error(`no sample of ${name}`);
      return [name, `${type} | ${labels.join(', ')}${labels.length > 0 ? ' ' : ''}| ${help}`];
    }),
  );
}

/** A copy of 10 MB between two nodes that both use the agent, under the donor's lock. */
async function transfer(
  t: Test,
  material: Material,
  env: Record<string, string>,
  rlimit: string,
  beforeLock: () => Promise<void> = async () => Promise.resolve(),
): Promise<{ end: () => Promise<void>; runs: () => boolean }> {
  const pair: Pair = await waitingPair(t, material, {
    joinerEnv: env,
    prepare: (joiner, donor) => {
      for (const node of [joiner, donor])
        node.configure(material.groups({}, { rlimit, precopy: 'off', tmpdir: node.tmpDir }));
      donor.file('data/shop/large.ibd', Buffer.alloc(10e6, 'l'));
    },
  });
  const donating = startDonor(pair, { env });
  let isOver = false;
  const over = Promise.all([donating.ended, pair.joining.ended]).then(() => {
    isOver = true;
  });
  await beforeLock();
  await lockTables(donating, pair);
  return { end: () => over, runs: () => !isOver };
}

async function startAgent(t: Test, socket: string, port: number, servers: readonly string[]): Promise<void> {
  const words = ['agent', '--socket', socket, '--metrics-listen', `127.0.0.1:${port}`];
  const child = spawn(
    process.execPath,
    [program, ...words, ...servers.flatMap((server) => ['--server', server])],
    { ...serverUser, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  await untilSaid(t, child, '"state":"ready"');
}

async function startPrometheus(t: Test, port: number, metricsPort: number): Promise<void> {
  const folder = t.testdir({
    'prometheus.yml': `global: { scrape_interval: 500ms }
scrape_configs: [{ job_name: galera-sst-tunnel, static_configs: [{ targets: ['127.0.0.1:${metricsPort}'] }] }]
`,
  });
  const words = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
  const child = spawn('prometheus', [...words, `--web.listen-address=127.0.0.1:${port}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await untilSaid(t, child, 'Server is ready');
}

/** Waits for a text in what a service logs; the service is ended with the test. */
async function untilSaid(t: Test, child: ReturnType<typeof spawn>, text: string): Promise<void> {
  const log: string[] = [];
  const exited = once(child, 'exit');
  t.teardown(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  await new Promise<void>((resolve, reject) => {
    readLines(child.stderr!, (line) => {
      log.push(line);
      if (line.includes(text)) resolve();
    });
    void exited.then(() => reject(new Error(`ended without "${text}":\n${log.join('\n')}`)));
  });
}
