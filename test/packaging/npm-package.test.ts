import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

t.setTimeout(120_000);

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const run = (file: string, ...words: string[]): string =>
  execFileSync(file, words, { cwd: checkout, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

t.test('npm install -g of the package works without a network', async (t) => {
  const folder = t.testdir();
  const tarball = run(process.execPath, 'packaging/npm-package.mjs', '--output', folder).trim();
  const env = ['--prefix', join(folder, 'prefix'), '--cache', join(folder, 'cache'), '--offline'];
  run('npm', 'install', '--global', '--no-audit', '--no-fund', ...env, tarball);

  const program = (name: string): string => join(folder, 'prefix/bin', name);
  const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string };
  t.equal(run(program('galera-sst-tunnel'), '--version'), `${version}\n`);
  t.match(run(program('galera-sst-tunnel'), 'certs', '--help'), 'init-ca', 'what only people use is there');
  t.match(run(program('wsrep_sst_rsync_tunnel'), '--help'), /^usage: wsrep_sst_rsync_tunnel/);

  const files = run('tar', '--list', '--file', tarball).split('\n').filter(Boolean);
  t.strictSame(
    files.filter((name) => /^package\/(src|test|node_modules|scripts\/(?!wsrep))/.test(name)),
    [],
  );
  const inPackage = join(folder, 'prefix/lib/node_modules/galera-sst-tunnel');
  t.match(readFileSync(join(inPackage, 'LICENSES-OF-BUNDLED'), 'utf8'), /Apache License/);
  t.notMatch(readFileSync(join(inPackage, 'README.md'), 'utf8'), '](CONTRIBUTING.md)');
});
