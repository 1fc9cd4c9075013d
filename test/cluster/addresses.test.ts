import t from 'tap';
import { Lab, type LabNode, type OptionGroups } from '../lab/index.js';
import type { CertificateRequest } from '../../src/certificates/issue.js';
import { Authority } from './credentials.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

t.setTimeout(300_000);

interface Case {
  name: string;
  certificate: (node: LabNode) => CertificateRequest;
  groups: (node: LabNode) => OptionGroups;
  /** In the donor's log. */
  log: (node: LabNode) => string;
}

const named = (address: string): OptionGroups => ({
  mysqld: { bind_address: address, wsrep_node_address: address },
});

const ipv6 = (node: LabNode): string => node.ipv6 ?? '';

const cases: readonly Case[] = [
  {
    name: 'an IPv4 address that is only the common name of the certificate',
    certificate: (node) => ({ commonName: node.ipv4, commonNameInSan: false }),
    groups: (node) => named(node.ipv4),
    log: (node) => `the joiner at ${node.ipv4}:4444`,
  },
  {
    name: 'an IPv6 address',
    certificate: (node) => ({ commonName: 'any.name', ipAddresses: [ipv6(node)] }),
    groups: (node) => ({
      mysqld: { bind_address: ipv6(node), wsrep_node_address: `[${ipv6(node)}]` },
    }),
    log: (node) => `the joiner at [${ipv6(node)}]:4444`,
  },
  {
    name: 'wsrep_sst_receive_address with another port, and a wildcard certificate',
    certificate: () => ({ commonName: 'any.name', dnsNames: ['*.my.cluster'] }),
    groups: (node) => ({
      mysqld: {
        bind_address: node.host,
        wsrep_node_address: node.host,
        wsrep_sst_receive_address: `${node.host}:14444`,
      },
    }),
    log: (node) => `the joiner at ${node.host}:14444`,
  },
];

t.test('a joiner is reached and known by every kind of address', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  await boot(donor, tunnelOptions(donor, await authority.certifyNode(donor)));
  await donor.sql('CREATE DATABASE shop; CREATE TABLE shop.orders AS SELECT 1 AS id;');

  for (const [index, { name, certificate, groups, log }] of cases.entries()) {
    await t.test(name, async (t) => {
      await joiner.stop();
      const certificates = await authority.certify(`case-${index}`, certificate(joiner));
      const start = tunnelOptions(joiner, certificates, { groups: groups(joiner) });
      const logs = await joins(t, { donor, joiner, start });
      t.ok(logs.donor.includes(log(joiner)), log(joiner));
    });
  }
});

t.test('all nodes have IPv6 addresses alone behind their names', async (t) => {
  const lab = await Lab.create({ family: 6 });
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  const sockopt = { sst: { sockopt: 'pf=ip6' } };
  await boot(donor, tunnelOptions(donor, await authority.certifyNode(donor), { groups: sockopt }));
  await donor.sql('CREATE DATABASE shop; CREATE TABLE shop.orders AS SELECT 1 AS id;');
  const certificates = await authority.certifyNode(joiner);

  await t.test('with sockopt=pf=ip6', async (t) => {
    await joins(t, { donor, joiner, start: tunnelOptions(joiner, certificates, { groups: sockopt }) });
  });
  await t.test('without a word about it in sockopt', async (t) => {
    await joiner.stop();
    await joins(t, { donor, joiner, start: tunnelOptions(joiner, certificates) });
  });
  await t.test('with addresses of both families behind the names', async (t) => {
    await joiner.stop();
    lab.setHosts(
      6,
      lab.nodes.map((node) => `${node.ipv4} ${node.host}`),
    );
    await joins(t, { donor, joiner, start: tunnelOptions(joiner, certificates) });
  });
});
