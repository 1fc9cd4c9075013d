import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { issueCrl } from '../../src/certificates/issue-crl.js';
import { Authority, store } from './credentials.js';
import { meet } from './scripts.js';

const sst = (lines: Record<string, string>): string =>
  `[sst]\n${Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')}`;

const cases = [
  {
    name: 'a revoked joiner, by its own list',
    revoked: 'joiner',
    has: 'joiner',
    fails: /joiner ended:[^]*CERTIFICATE_REVOKED: this node's certificate/,
  },
  {
    name: 'a revoked joiner, by the donor’s list',
    revoked: 'joiner',
    has: 'donor',
    fails: /donor ended:[^]*CERTIFICATE_REVOKED: the certificate of the joiner/,
  },
  {
    name: 'a revoked donor, by its own list',
    revoked: 'donor',
    has: 'donor',
    fails: /donor ended:[^]*CERTIFICATE_REVOKED: this node's certificate/,
  },
  { name: 'nobody that is at hand', revoked: 'other', has: 'donor', fails: undefined },
] as const;

for (const { name, revoked, has, fails } of cases) {
  t.test(
    `revoked is ${name}: the transfer ${fails === undefined ? 'goes on' : 'ends before the lock'}`,
    async (t) => {
      const folder = t.testdir({ c: {} });
      const authority = await Authority.create(join(folder, 'c'));
      const texts: Record<string, string> = {};
      for (const role of ['joiner', 'donor', 'other']) {
        const { ca, cert, key } = await authority.certify(role, {
          commonName: 'any.name',
          ipAddresses: ['127.0.0.1'],
        });
        texts[role] = sst({ tca: ca, tcert: cert, tkey: key });
      }
      const serial = new X509Certificate(readFileSync(join(folder, 'c', `${revoked}.crt`))).serialNumber;
      const crl = await issueCrl({
        ca: authority.ca,
        revoked: new Map([[serial, new Date()]]),
        number: 1n,
        thisUpdate: new Date(Date.now() - 60_000),
        nextUpdate: new Date(Date.now() + 86_400_000),
      });
      const listed = `ssl-crl=${store(join(folder, 'c'), 'crl.pem', crl)}\n`;
      const textOf = (role: 'joiner' | 'donor'): string =>
        `${texts[role] ?? ''}${role === has ? listed : ''}`;
      const meeting = meet({ folder, joiner: textOf('joiner'), donor: textOf('donor') });
      if (fails === undefined) t.equal((await meeting).joiner.code, 0);
      // the donor's script ends before it has asked for the lock
      else await t.rejects(meeting, { message: fails });
    },
  );
}
