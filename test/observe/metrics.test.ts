import t from 'tap';
import { TransferError } from '../../src/errors.js';
import type { TransferEvent } from '../../src/events.js';
import { createMetrics, type Metrics } from '../../src/observe/metrics.js';
import { reduceTransfer, statusOf, type TransferState } from '../../src/observe/status.js';

const started: TransferEvent = {
  kind: 'started',
  id: 'a',
  role: 'donor',
  version: '1',
  address: 'p',
  dataDir: '/d',
};

function observeAll(metrics: Metrics, events: readonly TransferEvent[]): void {
  let state: TransferState | undefined;
  events.forEach((event, second) => {
    state = reduceTransfer(state, event, second * 1000);
    metrics.observe(statusOf(state!, second * 1000));
  });
  const last = statusOf(state!, events.length * 1000);
  if (last.outcome !== undefined) metrics.ended(last);
}

/** The samples whose names begin so, without help and types. */
async function samples(metrics: Metrics, beginning: string): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => line.startsWith(beginning));
}

const copying: TransferEvent[] = [
  started,
  { kind: 'phase', phase: 'copying' },
  { kind: 'progress', doneBytes: 100, totalBytes: 1000, streams: [] },
  { kind: 'progress', doneBytes: 200, totalBytes: 1000, streams: [] },
];

t.test('a running transfer shows its phase and figures, and nothing once it has ended', async (t) => {
  const metrics = createMetrics('1.0.0');
  observeAll(metrics, copying);
  t.strictSame(await samples(metrics, 'galera_sst_transfer_'), [
    'galera_sst_transfer_phase{data_dir="/d",role="donor",phase="copying"} 1',
    'galera_sst_transfer_done_bytes{data_dir="/d",role="donor"} 200',
    'galera_sst_transfer_expected_bytes{data_dir="/d",role="donor"} 1000',
    'galera_sst_transfer_bytes_per_second{data_dir="/d",role="donor"} 100',
  ]);
  observeAll(metrics, [
    ...copying,
    { kind: 'finished', bypass: false, bytes: 1000, files: 2, seconds: 5, lockSeconds: 0.5 },
  ]);
  t.strictSame(await samples(metrics, 'galera_sst_transfer_'), []);
  t.strictSame(await samples(metrics, 'galera_sst_transfers_total'), [
    'galera_sst_transfers_total{role="donor",outcome="copied"} 1',
  ]);
  t.strictSame(await samples(metrics, 'galera_sst_copied_bytes_total'), [
    'galera_sst_copied_bytes_total{role="donor"} 1000',
  ]);
  t.strictSame(await samples(metrics, 'galera_sst_lock_seconds_sum'), ['galera_sst_lock_seconds_sum 0.5']);
  t.strictSame(await samples(metrics, 'galera_sst_copy_duration_seconds_count'), [
    'galera_sst_copy_duration_seconds_count{role="donor"} 1',
  ]);
});

t.test('transfers are counted by how they ended', async (t) => {
  const metrics = createMetrics('1.0.0');
  observeAll(metrics, [started, { kind: 'finished', bypass: true, bytes: 0, files: 0, seconds: 0 }]);
  for (let i = 0; i < 2; i++)
    observeAll(metrics, [started, { kind: 'failed', error: new TransferError('TIMED_OUT', 'late') }]);
  t.strictSame(await samples(metrics, 'galera_sst_transfers_total'), [
    'galera_sst_transfers_total{role="donor",outcome="bypassed"} 1',
    'galera_sst_transfers_total{role="donor",outcome="failed"} 2',
  ]);
  t.strictSame(await samples(metrics, 'galera_sst_failures_total'), [
    'galera_sst_failures_total{role="donor",code="TIMED_OUT"} 2',
  ]);
});

t.test('a copy whose verdict fails is counted once, as failed', async (t) => {
  const metrics = createMetrics('1.0.0');
  observeAll(metrics, [
    ...copying,
    { kind: 'finished', bypass: false, bytes: 1000, files: 2, seconds: 5 },
    { kind: 'failed', error: new TransferError('TIMED_OUT', 'gone') },
  ]);
  t.strictSame(await samples(metrics, 'galera_sst_transfers_total'), [
    'galera_sst_transfers_total{role="donor",outcome="failed"} 1',
  ]);
  for (const name of ['copied_bytes_total{', 'copy_duration_seconds_count{'])
    t.strictSame(await samples(metrics, `galera_sst_${name}`), [], name);
});

t.test('a check replaces what the one before it had found', async (t) => {
  const metrics = createMetrics('1.0.0');
  const certificate = {
    use: 'own',
    subject: 'CN="x"',
    serial: '0A',
    notAfter: '2027-01-01T00:00:00Z',
  } as const;
  const finding = { severity: 'error', code: 'PORT_BUSY', message: 'taken', roles: ['joiner'] } as const;
  const check = { dataDir: '/d', at: '2026-01-01T00:00:00Z', files: [] };
  metrics.check([{ ...check, findings: [finding, finding], certificates: [certificate] }]);
  t.strictSame(await samples(metrics, 'galera_sst_check_findings'), [
    'galera_sst_check_findings{data_dir="/d",severity="error",code="PORT_BUSY"} 2',
  ]);
  t.strictSame(await samples(metrics, 'galera_sst_certificate_'), [
    'galera_sst_certificate_expiry_timestamp_seconds{data_dir="/d",use="own",subject="CN=\\"x\\"",serial="0A"} 1798761600',
  ]);
  metrics.check([{ ...check, findings: [], certificates: [] }]);
  t.strictSame(await samples(metrics, 'galera_sst_check_findings'), []);
  t.strictSame(await samples(metrics, 'galera_sst_certificate_'), []);
});

t.test('the process shows itself, and asking twice changes nothing', async (t) => {
  const metrics = createMetrics('1.0.0');
  await metrics.text();
  t.match(await samples(metrics, 'galera_sst_build_info'), [/version="1.0.0",node="v\d+/]);
  for (const name of ['process_resident_memory_bytes', 'process_open_fds', 'process_start_time_seconds']) {
    const [sample] = await samples(metrics, name);
    t.ok(Number(sample?.split(' ')[1]) > 0, name);
  }
  const [cpu] = await samples(metrics, 'process_cpu_seconds_total');
  const used = process.cpuUsage();
  t.ok(Number(cpu?.split(' ')[1]) <= (used.user + used.system) / 1e6 + 0.001, cpu ?? 'none');
});
