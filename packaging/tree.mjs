// What is installed where, below a prefix: the same for the Debian package and for scripts/install.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorTable } from '../dist/src/errors.js';
import { optionDescriptions } from '../dist/src/config/option-descriptions.js';
import { bashCompletion } from './completion.mjs';
import { readCommandLine } from './help.mjs';
import { commandManual, optionManual, scriptManual } from './manual.mjs';
import { sampleOptionFile } from './option-file.mjs';

/**
 * The files, by path relative to the prefix (`/usr`): text and mode.
 * @param date as in 2026-11-22, for the man pages
 */
export function programFiles(checkout, { prefix, version, date }) {
  const read = (path) => readFileSync(join(checkout, path), 'utf8');
  const program = join(checkout, 'dist/bin/galera-sst-tunnel.js');
  const commandLine = readCommandLine(program);
  const about = { date, version };
  const node = prefix === '/usr' ? '#!/usr/bin/node' : '#!/usr/bin/env node';
  return new Map([
    ...bundledFiles(checkout).map((name) => {
      const text = read(`dist/bin/${name}`);
      const file = text.startsWith('#!') ? executable(text.replace(/^#!.*/, node)) : plain(text);
      return [`share/galera-sst-tunnel/${name}`, file];
    }),
    ['bin/wsrep_sst_rsync_tunnel', executable(read('scripts/wsrep_sst_rsync_tunnel'))],
    ['bin/galera-sst-tunnel', { link: '../share/galera-sst-tunnel/galera-sst-tunnel.js' }],
    ['share/man/man1/galera-sst-tunnel.1', plain(commandManual(commandLine, about))],
    ['share/man/man1/wsrep_sst_rsync_tunnel.1', plain(scriptManual(errorTable, about))],
    ['share/man/man5/galera-sst-tunnel.5', plain(optionManual(optionDescriptions, about))],
    ['share/bash-completion/completions/galera-sst-tunnel', plain(bashCompletion(commandLine))],
  ]);
}

/** The program's own files, by name. */
function bundledFiles(checkout) {
  const names = readdirSync(join(checkout, 'dist/bin'));
  return names.filter((name) => name.endsWith('.js')).sort();
}

/** What belongs to the system rather than to a prefix. */
export function systemFiles(checkout, { prefix }) {
  const read = (path) => readFileSync(join(checkout, path), 'utf8');
  return new Map([
    [
      'usr/lib/systemd/system/galera-sst-tunnel.service',
      plain(unitFor(read('systemd/galera-sst-tunnel.service'), prefix)),
    ],
    ['usr/lib/sysusers.d/galera-sst-tunnel.conf', plain(read('packaging/sysusers.conf'))],
    ['etc/default/galera-sst-tunnel', plain(read('packaging/default'))],
    ['etc/mysql/mariadb.conf.d/61-galera-sst-tunnel.cnf', plain(sampleOptionFile(optionDescriptions))],
  ]);
}

/** systemd looks for programs in these two only. */
function unitFor(text, prefix) {
  if (['/usr', '/usr/local'].includes(prefix)) return text;
  return text.replace(/^ExecStart=/m, `ExecStart=${prefix}/bin/`);
}

const plain = (text) => ({ text, mode: 0o644 });
const executable = (text) => ({ text, mode: 0o755 });
