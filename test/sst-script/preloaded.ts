import type { BareNode, RunOptions } from './bare-node.js';

/** How a node's script is started that carries out this code first; its programs are looked for in the node's `bin` before others. */
export function preloaded(node: BareNode, code: string): RunOptions {
  const file = node.file('preloaded.cjs', code);
  node.directory('bin');
  node.file('bin/node', `#!/bin/sh\nexec '${process.execPath}' --require '${file}' "$@"\n`, 0o755);
  return { env: { PATH: `${node.dir}/bin:${process.env['PATH'] ?? ''}` } };
}

/** The same with a clock that is ahead of the host's. @param aheadMs an expression, taken anew at each look at the clock */
export function withClock(node: BareNode, aheadMs: string): RunOptions {
  return preloaded(
    node,
    `const Real = Date;
    const now = () => Real.now() + (${aheadMs});
    globalThis.Date = class extends Real {
      constructor(...given) { super(...(given.length === 0 ? [now()] : given)); }
      static now() { return now(); }
    };`,
  );
}
