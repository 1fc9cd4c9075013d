import t from 'tap';
import { execFileSync } from 'node:child_process';
import { Lab, type OptionGroups } from '../lab/index.js';
import { Authority } from './credentials.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

t.setTimeout(300_000);

interface Case {
  name: string;
  /** Both nodes' option files; only the certificates differ. */
  groups: (files: Files) => OptionGroups;
  /** In the donor's log. */
  log?: RegExp;
}

/** What is at hand for a node. */
interface Files {
  ca: string;
  caFolder: string;
  cert: string;
  key: string;
  serverCert: string;
  serverKey: string;
  clientCert: string;
  clientKey: string;
}

const cases: readonly Case[] = [
  {
    name: 'ssl-ca, ssl-cert and ssl-key of [mysqld] alone',
    groups: ({ ca, cert, key }) => ({ mysqld: { ssl_ca: ca, ssl_cert: cert, ssl_key: key } }),
  },
  {
    name: 'a certificate for each role, by the names of the other methods',
    groups: (files) => ({
      sst: {
        'ssl-server-ca': files.ca,
        'ssl-server-cert': files.serverCert,
        'ssl-server-key': files.serverKey,
        'ssl-client-ca': files.ca,
        'ssl-client-cert': files.clientCert,
        'ssl-client-key': files.clientKey,
      },
    }),
    log: /shows "CN=server of node2"/,
  },
  {
    name: 'a directory of CAs and a sockopt',
    groups: ({ caFolder, cert, key }) => ({
      sst: {
        tcap: caFolder,
        tcert: cert,
        tkey: key,
        sockopt: 'cipher=ECDHE-ECDSA-AES256-GCM-SHA384,openssl-max-proto-version=TLS1.2',
      },
    }),
    log: /TLSv1\.2 ECDHE-ECDSA-AES256-GCM-SHA384/,
  },
];

t.test('options for TLS that real servers read too', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const folder = lab.directory('certificates');
  const authority = await Authority.create(folder);
  const caFolder = lab.directory('certificates/hashed');
  execFileSync('cp', ['--preserve=all', authority.caFile, caFolder]);
  execFileSync('openssl', ['rehash', caFolder]);
  const filesOf = async (node: typeof donor): Promise<Files> => {
    const own = await authority.certifyNode(node);
    const server = await authority.certify(`server-${node.name}`, {
      commonName: `server of ${node.name}`,
      dnsNames: [node.host],
      extendedKeyUsages: ['serverAuth'],
    });
    const client = await authority.certify(`client-${node.name}`, {
      commonName: `client of ${node.name}`,
      extendedKeyUsages: ['clientAuth'],
    });
    return {
      ...{ ca: own.ca, caFolder, cert: own.cert, key: own.key },
      ...{ serverCert: server.cert, serverKey: server.key, clientCert: client.cert, clientKey: client.key },
    };
  };
  const [donors, joiners] = [await filesOf(donor), await filesOf(joiner)];

  for (const { name, groups, log } of cases) {
    await t.test(name, async (t) => {
      await joiner.stop();
      await donor.stop();
      await boot(donor, tunnelOptions(donor, {}, { groups: groups(donors) }));
      await donor.sql(
        'CREATE DATABASE IF NOT EXISTS shop; CREATE OR REPLACE TABLE shop.orders AS SELECT 1 AS id;',
      );
      const start = tunnelOptions(joiner, {}, { groups: groups(joiners) });
      const logs = await joins(t, { donor, joiner, start });
      if (log !== undefined) t.match(logs.donor, log);
    });
  }
});
