/** What one run of one method was measured to be; a value is absent where the method or scenario has none. */
export interface Run {
  method: string;
  round: number;
  metrics: Partial<Record<Metric, number | undefined>>;
}

/** Everything one call of the benchmark found, as it is written to the JSON file. */
export interface Results {
  when: string;
  scenario: string;
  dataMiB: number;
  writer: boolean;
  joinerData: 'emptied' | 'kept';
  /** How processor time was counted: a control group's counter, or the process tree's times. */
  cpuCountedBy: string;
  machine: Record<string, string | number>;
  versions: Record<string, string>;
  runs: Run[];
  /** Runs that came to no end: they count in no median. */
  failures?: { method: string; round: number; reason: string }[];
}

const columns = {
  joinSeconds: 'start → Synced, s',
  readyMs: 'script → ready, ms',
  joinerScriptSeconds: 'joiner script, s',
  donorScriptSeconds: 'donor script, s',
  lockSeconds: 'lock held, s',
  blockedSeconds: 'writes blocked, s',
  longestStallSeconds: 'longest stall, s',
  cpuSeconds: 'CPU, s',
  wireMiB: 'wire, MiB',
  scriptPeakMiB: 'script peak, MiB',
  agentCpuSeconds: 'agents, CPU s',
  agentCpuPercent: 'agents, % of rsync and socat',
  agentPeakMiB: 'agent peak, MiB',
} as const;

export type Metric = keyof typeof columns;
const metrics = Object.keys(columns) as Metric[];

export type Summary = Map<string, Partial<Record<Metric, number>>>;

/** The middle value, or the mean of the two middle ones; undefined without values. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

/** Each method's medians, methods in the order of their first run. */
export function summarise(runs: readonly Run[]): Summary {
  const summary: Summary = new Map();
  for (const method of new Set(runs.map((run) => run.method))) {
    const own = runs.filter((run) => run.method === method);
    const medians: Partial<Record<Metric, number>> = {};
    for (const metric of metrics) {
      const middle = median(own.flatMap((run) => run.metrics[metric] ?? []));
      if (middle !== undefined) medians[metric] = middle;
    }
    summary.set(method, medians);
  }
  return summary;
}

/** `method`'s value divided by the peer's, where both have one and the peer's is not zero. */
export function ratio(summary: Summary, method: string, peer: string, metric: Metric): number | undefined {
  const own = summary.get(method)?.[metric];
  const other = summary.get(peer)?.[metric];
  return own === undefined || other === undefined || other === 0 ? undefined : own / other;
}

/** Two Markdown tables: the medians, and the first method's (or `rsync_tunnel`'s) ratio to each peer. */
export function formatReport(results: Results): string {
  const summary = summarise(results.runs);
  const methods = [...summary.keys()];
  const shown = metrics.filter((metric) => methods.some((m) => summary.get(m)?.[metric] !== undefined));
  const base = methods.includes('rsync_tunnel') ? 'rsync_tunnel' : methods[0];
  const medians = methods.map((m) => [m, ...shown.map((metric) => show(summary.get(m)?.[metric]))]);
  const ratios = methods
    .filter((peer) => peer !== base)
    .map((peer) => [`to ${peer}`, ...shown.map((x) => show(ratio(summary, base ?? '', peer, x)))]);
  const headings = shown.map((metric) => columns[metric]);
  return [
    describe(results),
    formatTable(['median', ...headings], medians),
    ...(results.failures ?? []).map(
      ({ method, round, reason }) => `Run ${round} of ${method} failed: ${reason.split('\n')[0] ?? ''}`,
    ),
    ...throughAgent(summary),
    ...(ratios.length === 0 ? [] : [formatTable([`${base ?? ''} in proportion`, ...headings], ratios)]),
  ].join('\n\n');
}

/** What the agent costs, beside what it may. */
function throughAgent(summary: Summary): string[] {
  const costs = summary.get('rsync_tunnel-agent');
  if (costs === undefined) return [];
  const time = (metric: Metric): string =>
    show(ratio(summary, 'rsync_tunnel-agent', 'rsync_tunnel', metric), 3);
  return [
    [
      'Through the agent:',
      `${time('joinSeconds')} of the time of a join without it, ${time('joinerScriptSeconds')} of the joiner's script, ${time('donorScriptSeconds')} of the donor's (at most 1.02);`,
      `its own CPU time ${show(costs.agentCpuPercent)} % of rsync's and socat's (at most 2);`,
      `${show(costs.agentPeakMiB)} MiB at its peak (at most 143, which are 150 MB).`,
    ].join(' '),
  ];
}

function describe(results: Results): string {
  const rounds = Math.max(0, ...results.runs.map((run) => run.round));
  const writer = results.writer ? 'a writer on the donor' : 'no writer';
  return `Scenario ${results.scenario}: ${results.dataMiB} MiB, ${rounds} alternating runs, ${writer}, joiner's data ${results.joinerData}, CPU by ${results.cpuCountedBy}, load average ${results.machine['loadAverage'] ?? 'unknown'} before on ${results.machine['cores'] ?? 'unknown'} cores.`;
}

function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) =>
    Math.max(title.length, 3, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

function show(value: number | undefined, digits = 2): string {
  if (value === undefined) return '–';
  return value.toFixed(Math.abs(value) >= 100 ? 0 : digits);
}
