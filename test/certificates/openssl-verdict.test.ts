import { join } from 'node:path';
import t from 'tap';
import { loadIdentity } from '../../src/certificates/identity.js';
import { askOpenSsl } from '../../src/certificates/openssl-verdict.js';
import { loadTrust } from '../../src/certificates/trust.js';
import { ca, folder, node, option, otherCa } from './given.js';

t.test('what was agreed to once is agreed to for just that certificate, CA, role and level', async (t) => {
  const { path, write } = folder(t);
  const issued = await node({ commonName: 'node1', days: 30, keyType: 'ec' });
  write('node.crt', issued.certPem);
  write('node.key', issued.keyPem);
  write('ca.crt', ca.certPem);
  write('other.crt', otherCa.certPem);
  const identity = loadIdentity({
    cert: option('tcert', join(path, 'node.crt')),
    key: option('tkey', join(path, 'node.key')),
  });
  const trust = loadTrust({ caFile: option('tca', join(path, 'ca.crt')) });
  const other = loadTrust({ caFile: option('tca', join(path, 'other.crt')) });
  for (let time = 1; time <= 2; time++) {
    t.equal(await askOpenSsl(identity, trust, 'server'), undefined);
    t.equal(await askOpenSsl(identity, trust, 'client'), undefined);
    t.ok(await askOpenSsl(identity, other, 'server'), 'not by another CA');
    t.ok(await askOpenSsl(identity, other, 'client'));
    const level5 = { ciphers: option('sockopt', 'HIGH:@SECLEVEL=5') };
    t.ok(await askOpenSsl(identity, trust, 'server', level5), 'not at another level');
  }
});

t.test('an objection is not remembered', async (t) => {
  const { path, write } = folder(t);
  const issued = await node({
    commonName: 'node1',
    days: 30,
    keyType: 'ec',
    extendedKeyUsages: ['clientAuth'],
  });
  write('node.crt', issued.certPem);
  write('node.key', issued.keyPem);
  write('ca.crt', ca.certPem);
  const identity = loadIdentity({
    cert: option('tcert', join(path, 'node.crt')),
    key: option('tkey', join(path, 'node.key')),
  });
  const trust = loadTrust({ caFile: option('tca', join(path, 'ca.crt')) });
  t.equal(await askOpenSsl(identity, trust, 'client'), undefined);
  for (let time = 1; time <= 2; time++) t.ok(await askOpenSsl(identity, trust, 'server'));
});
