import { parseArgs } from 'node:util';
import { methodNames, type MethodName, type Settings } from './methods.js';

export const scenarios = [
  'main',
  'one-schema',
  'many-tables',
  'files',
  'slow-link',
  'ist',
  'ready',
  'start',
] as const;
export type Scenario = (typeof scenarios)[number];

/** What the benchmark was asked to do. */
export interface BenchOptions {
  scenario: Scenario;
  sizeMiB: number;
  runs: number;
  methods: readonly MethodName[];
  /** `[sst]` of further runs of this method, to compare settings. */
  variants: readonly Settings[];
  root: string | undefined;
  writer: boolean;
  keepJoinerData: boolean;
  json: string;
  /** Only print the report of this earlier file. */
  table: string | undefined;
}

export const usage = `usage: scripts/bench [--scenario ${scenarios.join('|')}] [--size 4G] [--runs 3]
  [--methods ${methodNames.join(',')}]
  [--with OPTION=VALUE[;OPTION=VALUE]]... rsync_tunnel with these settings in [sst] as well, as a method of its own
  [--root DIR] [--writer on|off] [--joiner-data emptied|kept] [--json bench-results.json]
scripts/bench --table FILE.json
Scenario start needs no server: it measures what stands before every transfer and command.`;

/** Reads the command line; throws an Error that says what was expected. */
export function parseOptions(argv: readonly string[]): BenchOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      scenario: text,
      size: text,
      runs: text,
      methods: text,
      with: { ...text, multiple: true, default: [] },
      root: text,
      writer: text,
      'joiner-data': text,
      json: text,
      table: text,
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) throw new Error(usage);
  const scenario = oneOf('--scenario', scenarios, values.scenario ?? 'main');
  const runs = Number(values.runs ?? (scenario === 'start' ? '21' : '3'));
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs: expected a number from 1 up');
  return {
    scenario,
    sizeMiB: parseSize(values.size ?? (['ready', 'ist', 'files'].includes(scenario) ? '64M' : '4G')),
    runs,
    methods: (values.methods?.split(',') ?? methodNames).map((m) => oneOf('--methods', methodNames, m)),
    variants: values.with.map(parseSettings),
    root: values.root,
    writer: oneOf('--writer', ['on', 'off'], values.writer ?? 'on') === 'on',
    keepJoinerData:
      oneOf('--joiner-data', ['emptied', 'kept'], values['joiner-data'] ?? 'emptied') === 'kept',
    json: values.json ?? 'bench-results.json',
    table: values.table,
  };
}

function parseSettings(text: string): Settings {
  const settings = text.split(';').map((one) => /^([a-z-]+)=(.+)$/.exec(one.trim()));
  if (settings.includes(null)) {
    throw new Error(`--with: expected for instance verify=checksum, got '${text}'`);
  }
  return Object.fromEntries(settings.map((found) => [found?.[1] ?? '', found?.[2] ?? '']));
}

function parseSize(text: string): number {
  const [, number, unit] = /^(\d+)([MG])$/.exec(text) ?? [];
  if (number === undefined) throw new Error(`--size: expected for instance 512M or 4G, got '${text}'`);
  return Number(number) * (unit === 'G' ? 1024 : 1);
}

function oneOf<T extends string>(option: string, allowed: readonly T[], text: string): T {
  const found = allowed.find((one) => one === text);
  if (found === undefined) throw new Error(`${option}: expected ${allowed.join(', ')}, got '${text}'`);
  return found;
}
