import { memoryUsage, uptime } from 'node:process';
import { readdirSync } from 'node:fs';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { currentTime } from '../surroundings.js';
import type { CheckedServer } from '../transfers/check-node.js';
import type { TransferStatus } from './status.js';

/** The agent's figures for Prometheus. */
export interface Metrics {
  readonly contentType: string;
  /** The status of a transfer after each of its events. */
  observe(status: TransferStatus): void;
  /** A transfer has ended: only now is its outcome the last word, as a copy can be complete and its verdict fail yet. */
  ended(status: TransferStatus): void;
  /** The latest self-check of every server: replaces what was there before. */
  check(checked: readonly CheckedServer[]): void;
  /** The text exposition format, version 0.0.4. */
  text(): Promise<string>;
}

const secondsBuckets = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000];

/** What the gauges show: the transfers that run, by data directory and role, and each server's latest check. */
interface Shown {
  readonly running: Map<string, TransferStatus>;
  readonly checks: Map<string, CheckedServer>;
}

/** Makes the figures; each instance has its own. */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  const shown: Shown = { running: new Map(), checks: new Map() };
  const count = countTransfers(registry);
  showTransfers(registry, shown);
  showChecks(registry, shown);
  showProcess(registry, version);
  return {
    contentType: registry.contentType,
    observe: (status) => {
      const key = keyOf(status);
      const other = shown.running.get(key);
      // A second one for the same data directory is refused, and the first one goes on.
      if (other === undefined || other.id === status.id) {
        if (status.outcome === undefined) shown.running.set(key, status);
        else shown.running.delete(key);
      }
    },
    ended: (status) => {
      if (shown.running.get(keyOf(status))?.id === status.id) shown.running.delete(keyOf(status));
      count(status);
    },
    check: (checked) => {
      shown.checks.clear();
      for (const one of checked) shown.checks.set(one.dataDir, one);
    },
    text: () => registry.metrics(),
  };
}

function keyOf({ dataDir, role }: TransferStatus): string {
  return `${dataDir}\0${role}`;
}

function countTransfers(registry: Registry): (status: TransferStatus) => void {
  const registers = [registry];
  const transfers = new Counter({
    name: 'galera_sst_transfers_total',
    help: 'Transfers that have ended, by role and outcome (copied, bypassed, failed).',
    labelNames: ['role', 'outcome'] as const,
    registers,
  });
  const failures = new Counter({
    name: 'galera_sst_failures_total',
    help: 'Transfers that have failed, by role and error code.',
    labelNames: ['role', 'code'] as const,
    registers,
  });
  const bytes = new Counter({
    name: 'galera_sst_copied_bytes_total',
    help: 'Bytes of file contents in completed copies.',
    labelNames: ['role'] as const,
    registers,
  });
  const duration = new Histogram({
    name: 'galera_sst_copy_duration_seconds',
    help: 'From the offer of the files to the proof that the copy is complete.',
    labelNames: ['role'] as const,
    buckets: secondsBuckets,
    registers,
  });
  const locked = new Histogram({
    name: 'galera_sst_lock_seconds',
    help: "How long a copy held the donor's global read lock.",
    buckets: secondsBuckets,
    registers,
  });
  return ({ role, outcome, lockSeconds }) => {
    if (outcome === undefined) return;
    transfers.inc({ role, outcome: outcome.kind });
    if (outcome.kind === 'failed') failures.inc({ role, code: outcome.code });
    if (outcome.kind !== 'copied') return;
    bytes.inc({ role }, outcome.bytes);
    duration.observe({ role }, outcome.seconds);
    if (role === 'donor') locked.observe(lockSeconds);
  };
}

/** A gauge that is filled when somebody asks, with what there is then: nothing outlives what it describes. */
function gauge<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Label[],
  values: () => Iterable<readonly [Readonly<Record<Label, string>>, number]>,
): void {
  new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, value] of values()) this.inc(labels, value);
    },
  });
}

const ofTransfer = ['data_dir', 'role'] as const;

function showTransfers(registry: Registry, { running }: Shown): void {
  const place = ({ dataDir, role }: TransferStatus) => ({ data_dir: dataDir, role });
  const show = (name: string, help: string, valueOf: (status: TransferStatus) => number | undefined): void =>
    gauge(registry, name, help, ofTransfer, () =>
      [...running.values()].flatMap((status) => {
        const value = valueOf(status);
        return value === undefined ? [] : [[place(status), value] as const];
      }),
    );
  gauge(
    registry,
    'galera_sst_transfer_phase',
    '1 for the phase that a running transfer is in.',
    [...ofTransfer, 'phase'],
    () => [...running.values()].map((status) => [{ ...place(status), phase: status.phase }, 1] as const),
  );
  show('galera_sst_transfer_done_bytes', 'Bytes that a running transfer has moved.', (one) => one.bytesDone);
  show(
    'galera_sst_transfer_expected_bytes',
    'Bytes that a running transfer has to move.',
    (one) => one.bytesExpected,
  );
  show(
    'galera_sst_transfer_bytes_per_second',
    'Smoothed rate of a running transfer.',
    (one) => one.ratePerSecond,
  );
}

function showChecks(registry: Registry, { checks }: Shown): void {
  gauge(
    registry,
    'galera_sst_certificate_expiry_timestamp_seconds',
    'When a certificate that a transfer would use expires, in seconds since 1970.',
    ['data_dir', 'use', 'subject', 'serial'],
    () =>
      [...checks].flatMap(([dataDir, { certificates }]) =>
        certificates.map(
          ({ use, subject, serial, notAfter }) =>
            [{ data_dir: dataDir, use, subject, serial }, Date.parse(notAfter) / 1000] as const,
        ),
      ),
  );
  gauge(
    registry,
    'galera_sst_check_findings',
    'What the latest self-check found, by severity (error: a transfer would fail) and code.',
    ['data_dir', 'severity', 'code'],
    () =>
      [...checks].flatMap(([dataDir, { findings }]) =>
        findings.map(({ severity, code }) => [{ data_dir: dataDir, severity, code }, 1] as const),
      ),
  );
  gauge(
    registry,
    'galera_sst_check_timestamp_seconds',
    'When the latest self-check was, in seconds since 1970.',
    ['data_dir'],
    () => [...checks].map(([dataDir, { at }]) => [{ data_dir: dataDir }, Date.parse(at) / 1000] as const),
  );
}

/** prom-client's own figures would wake the process a hundred times a second, to measure how busy its event loop is. */
function showProcess(registry: Registry, version: string): void {
  const startedSeconds = currentTime().getTime() / 1000 - uptime();
  const show = (name: string, help: string, value: () => number): void =>
    gauge(registry, name, help, [], () => [[{}, value()]]);
  gauge(registry, 'galera_sst_build_info', 'The version that runs.', ['version', 'node'], () => [
    [{ version, node: process.version }, 1],
  ]);
  show('process_start_time_seconds', 'Start of the process, in seconds since 1970.', () => startedSeconds);
  show('process_resident_memory_bytes', 'Resident memory size in bytes.', () => memoryUsage.rss());
  show('process_open_fds', 'Number of open file descriptors.', () => readdirSync('/proc/self/fd').length);
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time, without children.',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}
