import type { Test } from 'tap';
import { errorTable, type ErrorCode } from '../../src/errors.js';
import { findMarked } from '../../src/processes/proc.js';
import { BareNode, type RunOptions, type ScriptRun } from './bare-node.js';

/** How a run has to fail. */
export interface Failure {
  readonly code: ErrorCode;
  /** What the message must hold, each of them. */
  readonly says: readonly (RegExp | string)[];
  /** The option whose place in the option file the message names. */
  readonly option?: string | undefined;
  readonly hint?: RegExp | undefined;
}

/** Bad input that the script turns down, in the roles that it is for: both where none is named. */
export interface BadInput extends Failure {
  readonly title: string;
  readonly role?: 'joiner' | 'donor' | undefined;
  /** Spoils the node. */
  readonly prepare: (node: BareNode) => RunOptions | undefined | Promise<RunOptions | undefined>;
}

/** One test for each case and role, two at a time: script refuses, says why in one line, and touches nothing. */
export function refusals(t: Test, cases: readonly BadInput[]): void {
  t.jobs = 2;
  for (const bad of cases) {
    for (const role of bad.role === undefined ? (['joiner', 'donor'] as const) : [bad.role]) {
      t.test(`${role}: ${bad.title}`, { buffered: true }, async (t) => {
        const node = await BareNode.create();
        t.teardown(() => node.destroy());
        const options = await bad.prepare(node);
        const before = node.contents();
        const run = node.start(role, options);
        await expectFailure(t, run, node, bad);
        t.same(run.stdout, [], 'the server is told nothing');
        t.same(node.contents(), before, 'the data directory is untouched');
      });
    }
  }
}

/** Waits for the script's end and asserts exit status, the one error line, and that nothing is left. */
export async function expectFailure(
  t: Test,
  run: ScriptRun,
  node: BareNode,
  { code, says, option, hint }: Failure,
): Promise<void> {
  const status = await run.ended;
  const errors = run.errors();
  const [line = ''] = errors;
  t.comment(line);
  t.equal(errors.length, 1, 'one error line', { found: run.stderr });
  t.match(line, errorLine, 'in the form that administrators grep');
  t.ok(line.startsWith(`WSREP_SST: [ERROR] ${code}: `), `the code is ${code}`, { found: line });
  t.equal(status, errorTable[code].exit, `the exit status is that of ${code}`);
  for (const part of says) {
    t.ok(typeof part === 'string' ? line.includes(part) : part.test(line), `it says ${String(part)}`, {
      found: line,
    });
  }
  if (option !== undefined) {
    const place = `(${node.placeOf(option)})`;
    t.ok(line.includes(place), `it names the place: ${place}`, { found: line });
  }
  if (hint !== undefined) t.match(/ HINT: .*/.exec(line)?.[0], hint, 'the hint helps');
  t.same(node.privateFiles(), [], 'no private file is left');
  await expectNoProcess(t, run);
}

const errorLine = /^WSREP_SST: \[ERROR\] [A-Z_]+: [^A-Z].* HINT: .+ \(\d{8} \d\d:\d\d:\d\d\.\d{3}\)$/;

/** What a transfer started ends with it; the kernel may take a moment. */
export async function expectNoProcess(t: Test, run: ScriptRun): Promise<void> {
  const id = run.transferId();
  if (id === undefined) return;
  const deadline = Date.now() + 3000;
  while (findMarked(id).length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.same(findMarked(id), [], 'no process of the transfer is left');
}
