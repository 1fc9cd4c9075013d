import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { show } from '../../src/cli/certs-show.js';
import { issueCrl } from '../../src/certificates/issue-crl.js';
import { ca, folder, node, openssl } from '../certificates/given.js';
import { mysqlServer } from '../certificates/mysql-server.js';

const day = 86_400_000;
const now = new Date('2026-06-01T00:00:00Z');

async function said(what: string, given: { json?: boolean; speaks?: 'tls' | 'mysql' } = {}): Promise<string> {
  const lines: string[] = [];
  const { json = false, speaks } = given;
  await show(what, { json, speaks }, now, (line) => lines.push(line));
  return lines.join('\n');
}

const dates = { notBefore: new Date(now.getTime() - day), notAfter: new Date(now.getTime() + 30 * day) };
const request = { commonName: 'node1.my.cluster', ipAddresses: ['10.0.0.1'], ...dates };

/** A file with a certificate, its key and a list. */
async function fileOfAll(t: Test): Promise<string> {
  const { certPem, keyPem } = await node(request);
  const crl = await issueCrl({
    ca,
    revoked: new Map([['0A', now]]),
    number: 7n,
    thisUpdate: new Date(now.getTime() - 2 * day),
    nextUpdate: new Date(now.getTime() - day),
  });
  return folder(t).write('all.pem', certPem + keyPem + crl);
}

t.test('everything in a file is told, and what is out of date', async (t) => {
  const text = await said(await fileOfAll(t));
  for (const line of [
    'certificate CN=node1.my.cluster',
    '  issued by    CN=Test CA',
    '  names        DNS node1.my.cluster, IP 10.0.0.1',
    '  valid        2026-05-31T00:00:00.000Z to 2026-07-01T00:00:00.000Z: 30 days left',
    '  key          ec prime256v1',
    '  usage        TLS server, TLS client',
    'certificate revocation list number 7',
    '  valid        2026-05-30T00:00:00.000Z to 2026-05-31T00:00:00.000Z: EXPIRED 1 day ago',
    '  revoked      A on 2026-06-01T00:00:00.000Z',
    'private key, ec, of the certificate CN=node1.my.cluster',
  ])
    t.ok(text.split('\n').includes(line), line);
});

t.test('the JSON has a fixed form', async (t) => {
  const data = JSON.parse(await said(await fileOfAll(t), { json: true })) as Record<string, unknown[]>;
  t.strictSame(Object.keys(data), ['certificates', 'crls', 'keys']);
  t.strictSame(Object.keys(data['certificates']?.[0] as object).sort(), [
    'commonName',
    'dnsNames',
    'extendedKeyUsages',
    'fingerprint256',
    'ipAddresses',
    'isCa',
    'issuer',
    'keyType',
    'notAfter',
    'notBefore',
    'pem',
    'selfIssued',
    'serial',
    'subject',
  ]);
  t.match(data['crls'], [{ number: '7', revoked: { A: '2026-06-01T00:00:00.000Z' } }]);
  t.equal(data['keys'], 1);
});

t.test('a key that is encrypted, and one whose certificate is elsewhere', async (t) => {
  const { write } = folder(t);
  const { keyPem } = await node(request);
  const key = write('key', keyPem);
  t.equal(await said(key), 'private key, ec');
  const locked = openssl(['pkey', '-in', key, '-aes256', '-passout', 'pass:x']);
  t.equal(await said(write('locked', locked)), 'private key, encrypted');
  t.notMatch(await said(key), readFileSync(key, 'utf8').split('\n')[1] ?? '', 'the key itself is not shown');
});

t.test('what a database server shows', async (t) => {
  const port = await mysqlServer(t, await node(request));
  const text = await said(`127.0.0.1:${port}`, { speaks: 'mysql' });
  t.match(text, /^127.0.0.1:\d+: TLSv1.3 TLS_\S+, 10.11.19-MariaDB\n\ncertificate CN=node1.my.cluster\n/);
  const data = JSON.parse(await said(`127.0.0.1:${port}`, { speaks: 'mysql', json: true })) as object;
  t.strictSame(Object.keys(data).sort(), ['certificates', 'cipher', 'protocol', 'version']);
});

t.test('what is no file and no address, and what holds nothing', async (t) => {
  await t.rejects(said('node1.my.cluster'), {
    code: 'CERTIFICATE_MISSING',
    message: /neither a file nor HOST:PORT/,
    hint: 'correct the path (ls -l .), or name a server as HOST:PORT',
  });
  const { path, write } = folder(t);
  await t.rejects(said(write('empty', 'nothing')), { code: 'CERTIFICATE_NOT_PEM' });
  await t.rejects(said(path), { code: 'CERTIFICATE_UNREADABLE', message: /is a directory/ });
});
