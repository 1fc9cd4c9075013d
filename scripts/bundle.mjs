// Bundles the command line into dist/bin: the server waits for the script's first line, and finding hundreds of
// small modules takes longer than everything else that happens before it. Commands are loaded when they are needed.
import { chmodSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist/bin', { recursive: true, force: true });
await build({
  entryPoints: { 'galera-sst-tunnel': 'src/cli/main.ts' },
  outdir: 'dist/bin',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'chunks/[name]-[hash]',
  // Dependencies in CommonJS ask for node's own modules this way.
  banner: {
    js: "import { createRequire as createRequireOf } from 'node:module'; const require = createRequireOf(import.meta.url);",
  },
  logLevel: 'warning',
});
chmodSync('dist/bin/galera-sst-tunnel.js', 0o755);
