import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { sstOptions } from '../../src/config/sst-options.js';

t.setTimeout(120_000);

const script = fileURLToPath(new URL('../../../scripts/install', import.meta.url));
const sample = 'etc/mysql/mariadb.conf.d/61-galera-sst-tunnel.cnf';

/** Not below the checkout: its package.json would count for what is installed there. */
function destination(t: Test, { withServer = false } = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'install-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  if (withServer) mkdirSync(dirname(join(folder, sample)), { recursive: true });
  return folder;
}

/** Everything but directories. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function install(DESTDIR: string, options: { PREFIX?: string; words?: readonly string[] } = {}): string {
  const { words = [], ...env } = options;
  const done = spawnSync(script, words, { encoding: 'utf8', env: { ...process.env, DESTDIR, ...env } });
  if (done.status !== 0) throw new Error(`ended with ${String(done.status)}: ${done.stderr}`);
  return done.stdout;
}

t.test(
  'where the server has its option files the sample is among them, and the message names it',
  async (t) => {
    const folder = destination(t, { withServer: true });
    t.match(install(folder), `set tca, tcert and tkey in [sst] of /${sample}`);
    t.ok(existsSync(join(folder, sample)));
  },
);

t.test('the sample has every option as it would be written, and none that counts', async (t) => {
  const folder = destination(t, { withServer: true });
  install(folder);
  const lines = readFileSync(join(folder, sample), 'utf8').split('\n');
  for (const line of [
    ...['cert', 'server-cert', 'client-cert'].map(
      (name) => `#ssl-${name}=/etc/mysql/ssl/node1.my.cluster.crt`,
    ),
    ...['#tcert=/etc/mysql/ssl/node1.my.cluster.crt', '#tkey=/etc/mysql/ssl/node1.my.cluster.key'],
    ...[
      '#tca=/etc/mysql/ssl/ca.crt',
      '#ssl-client-ca=/etc/mysql/ssl/ca.crt',
      '#ssl-crl=/etc/mysql/ssl/crl.pem',
    ],
    ...['#precopy=auto', '#verify=size', '#compressor=auto', '#allow-donor-without-secret=OFF', '#rlimit='],
    ...['#ssl-mode=VERIFY_IDENTITY', '#sst-idle-timeout=120'],
  ])
    t.ok(lines.includes(line), line);
  for (const name of sstOptions)
    t.ok(
      lines.some((line) => line.startsWith(`#${name}=`)),
      name,
    );
  t.strictSame(
    lines.filter((line) => !/^(#|$)/.test(line)),
    ['[sst]'],
  );
  t.notMatch(lines.join('\n'), 'Default: required');
});

t.test('elsewhere there is none, and none is spoken of', async (t) => {
  const folder = destination(t);
  const said = install(folder);
  t.match(said, 'in [sst] of an option file that the server reads');
  t.notMatch(said, 'mariadb.conf.d');
  t.notOk(existsSync(join(folder, 'etc/mysql')));
});

t.test('PREFIX is where the program is, and what it installs runs from there', async (t) => {
  const folder = destination(t);
  install(folder, { PREFIX: '/opt/sst' });
  for (const name of ['galera-sst-tunnel', 'wsrep_sst_rsync_tunnel']) {
    const file = join(folder, 'opt/sst/bin', name);
    t.equal(statSync(file).mode & 0o777, 0o755, name);
    const { status, stdout } = spawnSync(file, ['--help'], { encoding: 'utf8' });
    t.equal(status, 0, name);
    t.match(stdout, name);
  }
  const unit = readFileSync(join(folder, 'usr/lib/systemd/system/galera-sst-tunnel.service'), 'utf8');
  t.match(unit, /^ExecStart=\/opt\/sst\/bin\/galera-sst-tunnel agent /m);
  const inPrefix = filesIn(join(folder, 'opt/sst'));
  t.ok(inPrefix.includes('share/man/man1/galera-sst-tunnel.1'));
  t.notOk(existsSync(join(folder, 'usr/local')));
});

t.test('--uninstall leaves what was changed in /etc, and nothing else', async (t) => {
  const folder = destination(t, { withServer: true });
  install(folder);
  const settings = join(folder, 'etc/default/galera-sst-tunnel');
  writeFileSync(settings, "AGENT_OPTIONS='--log-format pretty'\n");
  writeFileSync(join(folder, 'usr/local/share/galera-sst-tunnel/of-an-earlier-version.js'), '');
  mkdirSync(join(folder, 'usr/local/share/other'));
  writeFileSync(join(folder, 'usr/local/share/other/file'), '');
  install(folder);
  t.match(readFileSync(settings, 'utf8'), 'pretty', 'another installation keeps it, too');

  t.equal(install(folder, { words: ['--uninstall'] }), `kept: ${settings}\n`);
  t.strictSame(filesIn(folder), ['etc/default/galera-sst-tunnel', 'usr/local/share/other/file']);
});
