import { readFileSync } from 'node:fs';
import t from 'tap';
import type { ErrorCode } from '../../src/errors.js';
import { BareNode, type RunOptions } from './bare-node.js';
import { Material } from './material.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(300_000);
t.jobs = 2;

/** What a joiner warns of and does all the same. */
interface Case {
  title: string;
  sst?: Readonly<Record<string, string>>;
  certificate?: Parameters<Material['issue']>[1];
  run?: (node: BareNode) => RunOptions;
  code: ErrorCode;
  says: RegExp;
  /** The option whose place is named. */
  option?: string;
}

const cases: readonly Case[] = [
  {
    title: 'an option of [sst] that nobody knows',
    sst: { tcertt: '/x' },
    code: 'OPTION_UNKNOWN',
    says: /\[sst\] has "tcertt".* HINT: was tcert meant/,
    option: 'tcertt',
  },
  {
    title: 'an effective address that is none of this host',
    certificate: { ipAddresses: ['192.0.2.7'] },
    run: ({ port }) => ({ address: `192.0.2.7:${port}` }),
    code: 'ADDRESS_NOT_LOCAL',
    says: /"192\.0\.2\.7" is no address of this host: the joiner listens on all addresses HINT: .*wsrep_sst_receive_address/,
  },
  {
    title: 'an effective address that this host cannot resolve',
    certificate: { commonName: 'no-such-host.invalid' },
    run: ({ port }) => ({ address: `no-such-host.invalid:${port}` }),
    code: 'ADDRESS_NOT_LOCAL',
    says: /"no-such-host\.invalid" cannot be resolved on this host: the joiner listens on all addresses/,
  },
  {
    title: 'peers that are not verified',
    sst: { 'ssl-mode': 'REQUIRED' },
    code: 'VERIFICATION_OFF',
    says: /peers are not verified \(ssl-mode=REQUIRED\)/,
    option: 'ssl-mode',
  },
  {
    title: 'donors that need no secret',
    sst: { 'allow-donor-without-secret': '1' },
    code: 'VERIFICATION_OFF',
    says: /donors are let in without the transfer's secret .* HINT: remove allow-donor-without-secret/,
    option: 'allow-donor-without-secret',
  },
  {
    title: 'a key that everybody can read',
    sst: { tkey: material.write('open.key', readFileSync(material.good.key), 0o644) },
    code: 'KEY_EXPOSED',
    says: /open\.key/,
    option: 'tkey',
  },
];

for (const { title, sst, certificate, run: options, code, says, option } of cases) {
  t.test(`a joiner warns of ${title}, and listens`, { buffered: true }, async (t) => {
    const node = await BareNode.create();
    t.teardown(() => node.destroy());
    const files =
      certificate === undefined ? {} : await material.issue(`for-${code}-${node.port}`, certificate);
    node.configure(material.groups(files, sst));
    const run = node.start('joiner', options?.(node));
    await run.ready();
    const warnings = run.warnings();
    t.equal(warnings.length, 1, 'one warning', { found: warnings });
    const [warning = ''] = warnings;
    t.match(warning, new RegExp(`^WSREP_SST: \\[WARNING\\] ${code}: .* HINT: .+ \\(\\d{8} [\\d:.]+\\)$`));
    t.match(warning, says);
    if (option !== undefined) t.match(warning, `(${node.placeOf(option)})`);
    process.kill(run.pid, 'SIGTERM');
    t.equal(await run.ended, 3);
  });
}

t.test('what is misspelt is told also when that ends the transfer', { buffered: true }, async (t) => {
  const node = await BareNode.create();
  t.teardown(() => node.destroy());
  node.configure({ sst: { tca: material.ca, tcrt: material.good.cert } });
  const run = node.start('donor');
  t.equal(await run.ended, 22);
  t.match(run.warnings(), [/OPTION_UNKNOWN: .*"tcrt".*was tcert meant/]);
  t.match(run.errors(), [/OPTION_MISSING: tcert is not set/]);
});
