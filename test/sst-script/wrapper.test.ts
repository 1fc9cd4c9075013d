import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { runSync } from '../lab/commands.js';
import { scriptFile, type BareNode, type RunOptions } from './bare-node.js';
import { refusals, type BadInput } from './failing.js';

t.setTimeout(300_000);

/** A path with the programs that the script needs, but for those left out. */
function pathWithout(node: BareNode, missing: readonly string[]): RunOptions {
  const dir = node.directory('bin');
  for (const tool of ['setpriv', 'sh', 'readlink', 'id', 'date', 'tr', 'node']) {
    if (!missing.includes(tool))
      symlinkSync(runSync(['sh', '-c', `command -v ${tool}`]).trim(), join(dir, tool));
  }
  return { env: { PATH: dir } };
}

/** A path on which `node` is a shell script with these lines. */
function pathWithNode(node: BareNode, lines: string): RunOptions {
  const options = pathWithout(node, ['node']);
  writeFileSync(join(node.dir, 'bin/node'), `#!/bin/sh\n${lines}\n`);
  chmodSync(join(node.dir, 'bin/node'), 0o755);
  return options;
}

/** Another installation's copy of the script, with its program where that belongs, or without. */
function copied(
  node: BareNode,
  to: string,
  program?: { readonly path: string; readonly mode: number },
): RunOptions {
  const script = join(node.dir, to);
  mkdirSync(dirname(script), { recursive: true });
  copyFileSync(scriptFile, script);
  chmodSync(script, 0o755);
  if (program !== undefined) {
    const file = join(node.dir, program.path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '');
    chmodSync(file, program.mode);
  }
  return { script };
}

const name = 'wsrep_sst_rsync_tunnel';
const program = 'galera-sst-tunnel.js';

const installations: BadInput[] = [
  {
    title: 'a checkout that was not built',
    prepare: (node) => copied(node, `checkout/scripts/${name}`),
    code: 'TOOL_MISSING',
    says: [
      /\/checkout\/scripts\/\.\.\/dist\/bin\/galera-sst-tunnel\.js is missing or cannot be read by mysql/,
    ],
    hint: /npm ci && npm run build in its checkout/,
  },
  {
    title: "a build that the server's user may not read",
    prepare: (node) =>
      copied(node, `checkout/scripts/${name}`, { path: `checkout/dist/bin/${program}`, mode: 0o600 }),
    code: 'TOOL_MISSING',
    says: [/\/dist\/bin\/galera-sst-tunnel\.js is missing or cannot be read by mysql/],
    hint: /let the user that the server runs as read it/,
  },
  {
    title: "an installed program that the server's user may not read",
    prepare: (node) =>
      copied(node, `usr/bin/${name}`, { path: `usr/share/galera-sst-tunnel/${program}`, mode: 0o600 }),
    code: 'TOOL_MISSING',
    says: [/\/usr\/bin\/\.\.\/share\/galera-sst-tunnel\/\S+\.js is missing or cannot be read by mysql/],
    hint: /install the package galera-sst-tunnel again/,
  },
  {
    title: 'no readlink on the path',
    prepare: (node) => pathWithout(node, ['readlink']),
    code: 'TOOL_MISSING',
    says: [/readlink -f does not find where \S+\/wsrep_sst_rsync_tunnel lies/],
    hint: /coreutils has to be on the path of the server/,
  },
];

const nodes: BadInput[] = [
  {
    title: 'no node on the path',
    prepare: (node) => pathWithout(node, ['node']),
    code: 'TOOL_MISSING',
    says: [/node is not on the path of the server \(\S+\/bin\)/],
    hint: /install the package nodejs/,
  },
  {
    title: 'a node that fails',
    prepare: (node) =>
      pathWithNode(node, 'echo "node: error while loading shared libraries"; echo again; exit 127'),
    code: 'TOOL_MISSING',
    says: [
      '/bin/node --version does not say its version: status 127, "node: error while loading shared libraries again',
    ],
    hint: /install the package nodejs/,
  },
  {
    title: 'a node that crashes',
    prepare: (node) => pathWithNode(node, 'kill -SEGV $$'),
    code: 'TOOL_MISSING',
    says: ['does not say its version: status 139'],
  },
  {
    title: 'a node that prints nothing',
    prepare: (node) => pathWithNode(node, ''),
    code: 'TOOL_MISSING',
    says: ['does not say its version: status 0, ""'],
  },
  {
    title: 'a node that prints something else',
    prepare: (node) => pathWithNode(node, 'echo hello'),
    code: 'TOOL_MISSING',
    says: ['does not say its version: status 0, "hello'],
  },
];

for (const [title, cases] of Object.entries({ 'where the program cannot be run': installations, nodes })) {
  t.test(title, (t) => {
    refusals(
      t,
      cases.map((one) => ({ ...one, role: 'joiner' })),
    );
    t.end();
  });
}
