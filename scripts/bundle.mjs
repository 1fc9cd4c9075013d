// Bundles the command line into dist/bin: galera-sst-tunnel.js is all of the script that an agent answers,
// own-transfer.js the transfer without an agent, program.js the agent and people's commands. The server waits for the script's
// first line: finding hundreds of small modules, or reading all of them in one file, takes longer than everything else that
// happens before it. program.js is one file, so that an upgrade of the package under a running agent takes nothing away that it
// would still want to load, but for drop-received.js, a program of its own that joiners start: an agent may start a newer one.
// CommonJS, so that what a command does not need is not run, not even node's own modules.
// Beside them: the list of packages that went into them, for licences and the bill of materials.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
rmSync('dist/bin', { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: {
    'galera-sst-tunnel': 'src/cli/main.ts',
    'own-transfer': 'src/cli/own-transfer.ts',
    program: 'src/cli/program.ts',
    'drop-received': 'src/page-cache/drop-received.ts',
    // What is thrown in one file is known in the other.
    errors: 'src/errors.ts',
  },
  outdir: 'dist/bin',
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  // For `import()` of a CommonJS file node looks through all of it for names first: 60 ms for program.js (20.20).
  supported: { 'dynamic-import': false },
  preserveSymlinks: true,
  metafile: true,
  // src/cli/version.ts reads package.json only where it is not bundled.
  define: { bundledVersion: JSON.stringify(version), 'import.meta.url': 'bundleUrl' },
  banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
  // Names stay: a stack trace in a server's log should say something.
  minifyWhitespace: true,
  minifySyntax: true,
  logLevel: 'warning',
  plugins: [{ name: 'files of their own', setup: keepApart }],
});
chmodSync('dist/bin/galera-sst-tunnel.js', 0o755);
// The package as a whole is of type module.
writeFileSync('dist/bin/package.json', '{ "type": "commonjs" }\n');
writeFileSync('dist/bin/bundled.json', `${JSON.stringify(packagesOf(metafile), undefined, 2)}\n`);

/** Files that are loaded at run time instead of being part of each file that uses them. */
function keepApart({ onResolve }) {
  onResolve({ filter: /(?:^|\/)(?:errors|own-transfer|program)\.js$/ }, ({ path, kind, importer }) => {
    if (kind === 'entry-point' || importer.includes('node_modules')) return undefined;
    return { path: `./${path.split('/').at(-1)}`, external: true };
  });
}

/** The packages whose files are in the bundle, by folder. */
function packagesOf({ outputs }) {
  const inputs = Object.values(outputs).flatMap((output) =>
    Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  );
  const folders = inputs.flatMap(([path]) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  return [...new Set(folders)].sort().map((folder) => {
    const described = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
    return { folder, name: described.name, version: described.version, license: described.license };
  });
}
