import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gst-package-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
t.setTimeout(500_000);

/** What a host or a person may have set otherwise. */
const usual = { umask: '022', timeZone: 'UTC' };

/** Builds from the bundle that is there; gives the package's path. */
function build(revision: string, output: string, { umask, timeZone } = usual): string {
  const argv = ['packaging/debian-package.mjs', '--revision', revision, '--output', join(folder, output)];
  const printed = execFileSync('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', process.execPath, ...argv], {
    ...{ cwd: checkout, encoding: 'utf8' },
    env: { ...process.env, TZ: timeZone },
  });
  return printed.split('\n')[0] ?? '';
}

const first = build('1', 'packages');
const bytesIn = (output: string): string[] =>
  readdirSync(join(folder, output))
    .sort()
    .map((name) => `${name} ${readFileSync(join(folder, output, name)).toString('base64')}`);

t.test('built twice, package and bill of materials have the same bytes', async (t) => {
  build('1', 'again', { umask: '077', timeZone: 'Pacific/Auckland' });
  t.equal(bytesIn('packages').length, 2);
  t.ok(JSON.stringify(bytesIn('again')) === JSON.stringify(bytesIn('packages')));
});

t.test('lintian finds nothing, and needs every override', async (t) => {
  const { stdout, stderr, status } = spawnSync(
    'lintian',
    ['--allow-root', '--display-info', '--tag-display-limit=0', first],
    {
      encoding: 'utf8',
      // It leaves files there.
      env: { ...process.env, TMPDIR: folder },
    },
  );
  t.equal(status, 0, stderr);
  const lines = stdout
    .split('\n')
    .filter((line) => !line.startsWith('I: ') || line.includes('unused-override'));
  t.equal(lines.join('\n'), '');
});

t.test('the bill of materials names what is bundled, with its licences', async (t) => {
  const bill = JSON.parse(readFileSync(first.replace(/\.deb$/, '.cdx.json'), 'utf8')) as {
    components: { type: string; name: string; licenses?: unknown[]; hashes?: { content: string }[] }[];
  };
  const libraries = bill.components.filter(({ type }) => type === 'library');
  const names = libraries.map(({ name }) => name);
  for (const name of ['execa', 'yargs', 'pino', 'prom-client']) t.ok(names.includes(name), name);
  t.ok(libraries.every(({ licenses }) => licenses?.length === 1));
  const files = bill.components.filter(({ type }) => type === 'file');
  t.ok(files.length > 0);
  for (const { name, hashes } of files) {
    const script = `dpkg-deb --fsys-tarfile "$0" | tar --extract --to-stdout "./$1" | sha256sum`;
    const sum = execFileSync('sh', ['-c', script, first, name], { encoding: 'utf8' });
    t.equal(hashes?.[0]?.content, sum.split(' ')[0], name);
  }
  const copyright = execFileSync(
    'sh',
    [
      '-c',
      'dpkg-deb --fsys-tarfile "$0" | tar --extract --to-stdout ./usr/share/doc/galera-sst-tunnel/copyright',
      first,
    ],
    { encoding: 'utf8' },
  );
  for (const name of names) t.ok(copyright.includes(`\nFiles: ${name}\n`), `the licence of ${name}`);
});

t.test('apt-get installs it, with what it depends on, in a Debian 13 that has nothing else', async (t) => {
  const script = `
    exec 2>&1
    set -eu
    export DEBIAN_FRONTEND=noninteractive
    for name in nodejs socat rsync galera-sst-tunnel; do
      ! dpkg-query --show --showformat='\${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || echo "there before: $name"
    done
    apt-get update
    apt-get install --yes --no-install-recommends "$0"
    echo "now: $(dpkg-query --show --showformat='\${db:Status-Status} \${Package}, ' nodejs socat rsync galera-sst-tunnel)"
    echo "version: $(galera-sst-tunnel --version)"
    wsrep_sst_rsync_tunnel --help
    setpriv --reuid mysql --regid mysql --clear-groups galera-sst-tunnel plan joiner --address 127.0.0.1 --datadir=/tmp || echo "plan: $?"`;
  const temporary = mkdtempSync(join(folder, 'apt-'));
  copyFileSync(first, join(temporary, 'package.deb'));
  const { stdout, status } = spawnSync(
    join(checkout, 'scripts/in-trixie'),
    ['--online', 'base', 'sh', '-c', script, join(temporary, 'package.deb')],
    { encoding: 'utf8', env: { ...process.env, GST_LAB_TEMPLATES: temporary } },
  );
  t.equal(status, 0, stdout);
  t.notMatch(stdout, 'there before');
  t.match(stdout, /^now: installed galera-sst-tunnel, installed nodejs, installed rsync, installed socat,/m);
  t.match(stdout, /^version: \d+\.\d+\.\d+/m);
  t.match(stdout, /^usage: wsrep_sst_rsync_tunnel/m);
  t.match(
    stdout,
    /OPTION_MISSING: tcert is not set[^]*^plan: 22$/m,
    "the server's user can run it, and nothing is missing for it",
  );
});

t.test('in a Debian 13 with systemd', async (t) => {
  build('2', 'packages');
  await t.spawn(
    join(checkout, 'scripts/boot-trixie'),
    ['node', 'dist/test/trixie/installed.js'],
    { env: { ...process.env, GST_SHARED: join(folder, 'packages') }, stdio: ['ignore', 'pipe', 'inherit'] },
    'install, upgrade during a transfer, remove and purge',
  );
});
