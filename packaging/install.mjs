// scripts/install: the files of the package below PREFIX, without a package manager.
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { programFiles, systemFiles } from './tree.mjs';
import { writeTree } from './write.mjs';

const checkout = resolve(import.meta.dirname, '..');
const { values: given } = parseArgs({ options: { uninstall: { type: 'boolean', default: false } } });
const destination = process.env.DESTDIR ?? '';
const prefix = resolve('/', process.env.PREFIX ?? '/usr/local');

process.umask(0o022);
if (given.uninstall) uninstall(filesToInstall());
else install(filesToInstall());

function install(files) {
  const isOurs = ([path]) => !path.startsWith('/etc/') || !existsSync(join(destination, path));
  writeTree(destination === '' ? '/' : destination, [...files].filter(isOurs));
  const sample = [...files.keys()].find((path) => path.startsWith('/etc/mysql/'));
  const place = sample ?? 'an option file that the server reads (galera-sst-tunnel(5) has the options)';
  console.log(`installed in ${destination}${prefix}; next:
  systemd-sysusers && systemctl daemon-reload && systemctl enable --now galera-sst-tunnel
  set tca, tcert and tkey in [sst] of ${place}
  galera-sst-tunnel check`);
}

/** Configuration that somebody has changed stays. */
function uninstall(files) {
  for (const [path, file] of files) {
    const target = join(destination, path);
    const isChanged =
      path.startsWith('/etc/') && existsSync(target) && readFileSync(target, 'utf8') !== file.text;
    if (isChanged) console.log(`kept: ${target}`);
    else rmSync(target, { force: true });
  }
  // Also what an earlier version has left.
  rmSync(join(destination, prefix, 'share/galera-sst-tunnel'), { recursive: true, force: true });
}

function filesToInstall() {
  const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
  const date = statSync(join(checkout, 'dist/bin/galera-sst-tunnel.js')).mtime.toISOString().slice(0, 10);
  const program = programFiles(checkout, { prefix, version, date });
  // The server's own option files are elsewhere in other distributions: a sample can lie where it does no harm.
  const hasPlace = ([path]) =>
    existsSync(join(destination, '/', dirname(path))) || !path.startsWith('etc/mysql');
  return new Map([
    ...[...program].map(([path, file]) => [join(prefix, path), file]),
    ...[...systemFiles(checkout, { prefix })].filter(hasPlace).map(([path, file]) => [join('/', path), file]),
  ]);
}
