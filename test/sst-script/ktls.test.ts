import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type { ScriptRun } from './bare-node.js';
import { hasKernelTls } from '../../src/processes/kernel-tls.js';
import { Material } from './material.js';
import { lockTables, startDonor, waitingPair } from './pair.js';

const cli = fileURLToPath(new URL('../../bin/galera-sst-tunnel.js', import.meta.url));
const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(120_000);

/** A command that runs another one where the kernel seems to offer TLS; that it does not, OpenSSL finds out. */
function offering(folder: string): readonly string[] {
  const fake = join(folder, 'ipv4');
  mkdirSync(fake);
  writeFileSync(join(fake, 'tcp_available_ulp'), 'mptcp tls\n');
  return ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /proc/sys/net/ipv4 && exec "$@"', fake];
}

/** What scripts have logged that have ended well. */
async function logs(t: Test, ...runs: readonly [ScriptRun, ScriptRun]): Promise<[string, string]> {
  for (const run of runs) t.equal(await run.ended, 0, run.stderr.join('\n'));
  return [runs[0].stderr.join('\n'), runs[1].stderr.join('\n')];
}

t.test('with a kernel that offers TLS socat is given settings, and the copy is the same', async (t) => {
  const through = offering(t.testdir());
  const pair = await waitingPair(t, material, { sst: { ktls: 'on' }, joinerThrough: through });
  const donating = startDonor(pair, { through });
  await lockTables(donating, pair);
  const [sent, got] = await logs(t, donating, pair.joining);
  const [from, to] = [pair.donor.dataDir, pair.joiner.dataDir].map((dir) => join(dir, 'shop/orders.ibd'));
  t.same(readFileSync(to!), readFileSync(from!));
  t.match(got, /listener: cd \S+ && OPENSSL_CONF=\/\S+\/openssl\.cnf socat /);
  t.match(sent, /speaks through: OPENSSL_CONF=\/\S+\/openssl\.cnf socat /);
  t.match(sent, /GALERA_SST_TUNNEL_TO=\S+ OPENSSL_CONF=\/\S+\/openssl\.cnf RSYNC_PASSWORD="\$SECRET" rsync /);
  for (const log of [sent, got]) t.notMatch(log, /\[WARNING\]/);
  t.notMatch(sent, /--checksum-choice=none/);

  const { optionFile, dataDir, address } = pair.joiner;
  const words = [
    'plan',
    'joiner',
    '--address',
    address,
    `--datadir=${dataDir}`,
    `--defaults-file=${optionFile}`,
  ];
  const [program = '', ...args] = [...through, process.execPath, cli, ...words];
  const { stdout } = spawnSync(program, args, { encoding: 'utf8' });
  t.match(stdout, /^ktls=ON +# /m);
  t.match(stdout, /openssl\.cnf in \S+XXXXXX\n[^]*\.include \/[^]*\n *galera-sst-tunnel\.Options = KTLS\n/);
  t.match(stdout, / OPENSSL_CONF=\S+XXXXXX\/openssl\.cnf socat /);
});

t.test(
  'without one, or with settings of his own, the administrator is told, and the transfer goes on',
  async (t) => {
    const pair = await waitingPair(t, material, {
      sst: { ktls: 'on' },
      joinerEnv: { OPENSSL_CONF: '/dev/null' },
    });
    const donating = startDonor(pair);
    await lockTables(donating, pair);
    const [sent, got] = await logs(t, donating, pair.joining);
    t.notMatch(sent, /--checksum-choice=none/, 'whoever encrypts');
    t.match(
      got,
      /\[WARNING\] KTLS_UNAVAILABLE: OPENSSL_CONF names "\/dev\/null", .*\(ktls at \S+my\.cnf:\d+\)/,
    );
    t.notMatch(got, / OPENSSL_CONF=/);
    const warning = /\[WARNING\] KTLS_UNAVAILABLE: this kernel offers no TLS: socat encrypts by itself/;
    t.equal(warning.test(sent), !hasKernelTls(), 'as this kernel is');
    t.equal(/ OPENSSL_CONF=/.test(sent), hasKernelTls());
  },
);
