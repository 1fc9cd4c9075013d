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
    ...rules.map((expr) => expr.replaceAll(/ [<>] \d[\d *]*/g, ' ')),
  ];
}

t.test('promtool accepts the rules', async (t) => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', page('alerts.yml')], {
    encoding: 'utf8',
  });
  t.equal(status, 0, `${stdout}${stderr}`);
});

t.test('the first failure of a kind is alerted of, for a while', async (t) => {
  const labels = { role: 'joiner', code: 'PORT_BUSY', instance: 'node2' };
  const series = `galera_sst_failures_total{role="joiner",code="PORT_BUSY",instance="node2"}`;
  const alert = {
    exp_labels: { ...labels, severity: 'critical' },
    exp_annotations: {
      summary: 'a transfer as joiner on node2 has failed: PORT_BUSY',
      description: 'galera-sst-tunnel history and show on that host have its log.',
    },
  };
  const alertname = 'GaleraSstFailed';
  const cases = [
    { eval_time: '3m', alertname, exp_alerts: [] },
    { eval_time: '6m', alertname, exp_alerts: [alert] },
    { eval_time: '30m', alertname, exp_alerts: [] },
  ];
  const file = join(t.testdir(), 'test.json');
  const tests = [{ interval: '1m', input_series: [{ series, values: '_x4 1x40' }], alert_rule_test: cases }];
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
  const second = await transfer(t, material, env, '512k');

  const waiting = new Set(expressions());
  t.equal(waiting.size, 12);
  // The test's time limit is the limit.
  while (waiting.size > 0 && second.runs()) {
    for (const expression of waiting) {
      if (await isAnswered(prometheusPort, expression)) waiting.delete(expression);
    }
    await wait(200);
  }
  t.strictSame([...waiting], [], 'nothing is left without an answer while a transfer runs');
});

async function isAnswered(port: number, expression: string): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`);
  const { status, data } = (await answer.json()) as { status: string; data?: { result: unknown[] } };
  if (status !== 'success') throw new Error(`${expression}: ${status}`);
  return (data?.result.length ?? 0) > 0;
}

/** A copy of 10 MB between two nodes that both use the agent, under the donor's lock. */
async function transfer(
  t: Test,
  material: Material,
  env: Record<string, string>,
  rlimit: string,
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
