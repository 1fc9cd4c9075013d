// Bundles the command line into one file, dist/bin/galera-sst-tunnel.js: the server waits for the script's first line,
// and finding hundreds of small modules takes longer than everything else that happens before it. One file, so that an
// upgrade of the package under a running agent takes nothing away that it would still want to load. CommonJS, so that
// what a command does not need is not run, not even node's own modules.
// Beside it: the list of packages that went into it, for licences and the bill of materials.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
rmSync('dist/bin', { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { 'galera-sst-tunnel': 'src/cli/main.ts' },
  outdir: 'dist/bin',
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  preserveSymlinks: true,
  metafile: true,
  // src/cli/version.ts reads package.json only where it is not bundled.
  define: { bundledVersion: JSON.stringify(version), 'import.meta.url': 'bundleUrl' },
  banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
  logLevel: 'warning',
});
chmodSync('dist/bin/galera-sst-tunnel.js', 0o755);
// The package as a whole is of type module.
writeFileSync('dist/bin/package.json', '{ "type": "commonjs" }\n');
writeFileSync('dist/bin/bundled.json', `${JSON.stringify(packagesOf(metafile), undefined, 2)}\n`);

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
