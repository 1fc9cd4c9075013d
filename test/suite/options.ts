import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

export const usage = `usage: scripts/test [--suite unit|cluster|all|trixie] [--only PATTERN] [--jobs N]
  --suite    unit: lint and what needs no server; cluster: what starts servers; all: both, the default; trixie: the
             cluster tests in a Debian 13, clusters of both Debians, and the package
  --only     only tasks whose name (lint:eslint, test/plan/donor.test.ts) matches this regular expression
  --jobs     how many cluster tests run at once; default 2 with two cores or more`;

export interface SuiteOptions {
  readonly suites: readonly ('unit' | 'cluster' | 'trixie')[];
  readonly only: RegExp | undefined;
  /** How many unit tests and linters run at once. */
  readonly unitJobs: number;
  readonly clusterJobs: number;
}

/** Reads the command line; throws an Error that says what was expected. */
export function parseOptions(argv: readonly string[], cores = availableParallelism()): SuiteOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      suite: { type: 'string', default: 'all' },
      only: { type: 'string' },
      jobs: { type: 'string' },
    },
  });
  const suite = values.suite;
  if (suite !== 'unit' && suite !== 'cluster' && suite !== 'all' && suite !== 'trixie') {
    throw new Error(`--suite: expected unit, cluster, all or trixie, got ${suite}`);
  }
  const jobs = values.jobs ?? String(Math.min(cores, 2));
  if (!/^[1-9]\d?$/.test(jobs)) throw new Error(`--jobs: expected a number from 1 to 99, got ${jobs}`);
  return {
    suites: suite === 'all' ? ['unit', 'cluster'] : [suite],
    only: values.only === undefined ? undefined : new RegExp(values.only),
    unitJobs: cores,
    clusterJobs: Number(jobs),
  };
}
