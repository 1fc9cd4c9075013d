import t, { type Test } from 'tap';
import type { CertificateRequest } from '../../src/certificates/issue.js';
import { loadIdentity } from '../../src/certificates/identity.js';
import { askOpenSsl } from '../../src/certificates/openssl-verdict.js';
import { loadTrust } from '../../src/certificates/trust.js';
import { ca, folder, node, option, otherCa } from './given.js';

/** A node's certificate as the request has it, and the CA that signed it. */
async function shown(t: Test, request: CertificateRequest = {}) {
  const { write } = folder(t);
  const issued = await node({ commonName: 'node1', days: 30, keyType: 'ec', ...request });
  const identity = loadIdentity({
    cert: option('tcert', write('node.crt', issued.certPem)),
    key: option('tkey', write('node.key', issued.keyPem)),
  });
  const trust = loadTrust({ caFile: option('tca', write('ca.crt', ca.certPem)) });
  return { identity, trust, write };
}

t.test('what was agreed to once is agreed to for just that certificate, CA, role and level', async (t) => {
  const { identity, trust, write } = await shown(t);
  const other = loadTrust({ caFile: option('tca', write('other.crt', otherCa.certPem)) });
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
  const { identity, trust } = await shown(t, { extendedKeyUsages: ['clientAuth'] });
  t.equal(await askOpenSsl(identity, trust, 'client'), undefined);
  for (let time = 1; time <= 2; time++) t.ok(await askOpenSsl(identity, trust, 'server'));
});
