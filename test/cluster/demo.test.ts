import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const main = fileURLToPath(new URL('../demo/main.js', import.meta.url));

/**
 * As in a container that may not make namespaces. In a network of its own all the same: other tests have labs on loopback,
 * too.
 */
const withoutNamespaces = [
  ...['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'],
  ...['setpriv', '--bounding-set', '-sys_admin,-net_admin'],
];

t.setTimeout(300_000);

t.test(
  'the demo tells what happens, checks it, and leaves nothing, on loopback addresses as well',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'gst-demo-test-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    chmodSync(folder, 0o1777);
    const [file, ...args] = [...withoutNamespaces, process.execPath, main, '--mib', '8'];
    const { stdout, stderr, status } = spawnSync(file, args, {
      encoding: 'utf8',
      timeout: 240_000,
      env: { ...process.env, TMPDIR: folder, GST_LAB_TEMPLATES: undefined },
    });
    t.equal(status, 0, 'it succeeds', { stdout, stderr });
    t.equal(stderr, '');
    const steps = [...stdout.matchAll(/^ *[\d.]+ s {2}(\d)\. (.*)$/gm)].map(([, number, step]) => [
      number,
      step,
    ]);
    t.match(steps, [
      ['1', /starts a cluster and is filled with data/],
      ['2', /Galera asks for a state snapshot transfer/],
      ['3', /What ran/],
      ['4', /Do both nodes hold the same/],
      ['5', /What could be seen on the wire/],
      ['6', /comes back/],
      ['7', /Cleaning up/],
    ]);
    t.equal(steps.length, 7);
    const shown = (pattern: RegExp): void => void t.match(stdout, pattern);
    shown(/tables: .*InnoDB.*\n.*\n +\d{3,} time zones; \d+ MB on disk/);
    shown(/listener:\n +cd .* && socat .*OPENSSL-LISTEN:4444,.*bind=127\.0\.0\.3,/);
    shown(/export GALERA_SST_TUNNEL_TO='?OPENSSL:127\.0\.0\.3:4444,/);
    shown(/copy stream 1:\n +RSYNC_PASSWORD="\$SECRET" rsync '--rsh=sh .* --files-from /);
    shown(/\+ +\d+\.\d\d s {2}node1 {2}sent \d+ files, \d+ bytes in [\d.]+ s/);
    shown(/synced \d+\.\d s after the start of its server/);
    const checks = [...stdout.matchAll(/^ {5}(yes|NO ) {2}(.*)$/gm)];
    t.match(
      checks.map(([, , check]) => check),
      [
        /CHECKSUM TABLE of \d{2,} tables on both nodes: 0 differ/,
        /only the tunnel's port and Galera's own two/,
        /texts that are in node1's files: needle-1, /,
        /searched in every connection, .*: found none/,
        /incremental state transfer/,
        /CHECKSUM TABLE of \d{2,} tables on both nodes: 0 differ/,
        /nothing is left behind/,
      ],
    );
    t.notOk(
      checks.some(([, mark]) => mark !== 'yes'),
      'every check holds',
    );
    shown(/\nEverything that was checked holds\.\n$/);
    t.same(readdirSync(folder), [], 'no file is left');
  },
);
