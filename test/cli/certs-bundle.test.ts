import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { issueCertificate } from '../../src/certificates/issue.js';
import { readPair } from '../../src/certificates/authority.js';
import { splitPem } from '../../src/certificates/pem.js';
import { bundle } from '../../src/cli/certs-bundle.js';
import { show } from '../../src/cli/certs-show.js';
import { ca, folder, node, openssl } from '../certificates/given.js';

const quiet = (): void => undefined;
const unforced = { isForced: false };

t.test('key, certificate and intermediates become one file that can be tcert', async (t) => {
  const { path, write } = folder(t);
  const sub = await issueCertificate({ ca, commonName: 'Sub CA', isCa: true, keyType: 'ec' });
  const leaf = await node({ ca: sub, commonName: 'node1' });
  const files = [
    write('key', leaf.keyPem),
    write('chain', ca.certPem + sub.certPem),
    write('cert', leaf.certPem),
    write('again', leaf.certPem),
  ];
  const out = join(path, 'node1.pem');
  bundle(out, files, unforced, quiet);
  t.equal(statSync(out).mode & 0o777, 0o600);
  t.strictSame(
    splitPem(readFileSync(out, 'utf8')).map(({ text }) => text),
    [leaf.certPem, sub.certPem, leaf.keyPem],
  );
  t.equal(readPair(out, out).leaf.commonName, 'node1');
  t.throws(() => bundle(out, files, unforced, quiet), { code: 'FILE_EXISTS' });
});

t.test('what does not go into a tcert is named', async (t) => {
  const { path, write } = folder(t);
  const [leaf, other] = [await node({ commonName: 'node1' }), await node({ commonName: 'node2' })];
  const files = [
    write('key', leaf.keyPem),
    write('all', ca.certPem + other.certPem),
    write('cert', leaf.certPem),
  ];
  const lines: string[] = [];
  bundle(join(path, 'node1.pem'), files, unforced, (line) => lines.push(line));
  t.match(lines.slice(1, 3), [
    /^left out: CN=Test CA from \S+all, the root, which peers have in their tca$/,
    /^left out: CN=node2 from \S+all, which is not above CN=node1$/,
  ]);
});

t.test('many certificates become one file that can be tca, each once', async (t) => {
  const { path, write } = folder(t);
  const nodes = await Promise.all(['a', 'b'].map((commonName) => node({ commonName })));
  const files = nodes.map(({ certPem }, index) => write(`${index}.crt`, certPem));
  const out = join(path, 'all.crt');
  bundle(out, [...files, files[0]!], unforced, quiet);
  t.strictSame(
    splitPem(readFileSync(out, 'utf8')).map(({ text }) => text),
    nodes.map(({ certPem }) => certPem),
  );
});

t.test('what does not fit together is refused', async (t) => {
  const { path, write } = folder(t);
  const [one, other] = await Promise.all([node({ commonName: 'a' }), node({ commonName: 'b' })]);
  const [cert, key, otherKey] = [write('c', one.certPem), write('k', one.keyPem), write('o', other.keyPem)];
  const encrypted = write('e', openssl(['pkey', '-in', key, '-aes256', '-passout', 'pass:secret']));
  const cases = [
    [[cert, otherKey], 'KEY_MISMATCH'],
    [[cert, key, otherKey], 'KEY_MISMATCH'],
    [[key], 'CERTIFICATE_MISSING', /certs show FILE/],
    [[cert, encrypted], 'KEY_ENCRYPTED'],
    [[join(path, 'none')], 'CERTIFICATE_MISSING', /^correct the path: ls -l \//],
    [[path], 'CERTIFICATE_UNREADABLE'],
  ] as const;
  for (const [files, code, hint = /./] of cases)
    t.throws(() => bundle(join(path, 'out'), files, unforced, quiet), { code, hint }, code);
});

t.test('a damaged file is named, with the line of the block', async (t) => {
  const { path, write } = folder(t);
  const { certPem, keyPem } = await node({ commonName: 'a' });
  const bad = (pem: string): string => pem.replace(/\n[^-]{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
  const out = join(path, 'out');
  const cert = write('cert', `\n${bad(certPem)}`);
  t.throws(() => bundle(out, [cert], unforced, quiet), {
    code: 'CERTIFICATE_NOT_PEM',
    message: `the certificate at line 2 of ${cert} cannot be decoded`,
  });
  t.throws(() => bundle(out, [write('both', certPem + bad(keyPem))], unforced, quiet), {
    code: 'CERTIFICATE_NOT_PEM',
    message: 'the private key cannot be decoded',
  });
  await t.rejects(
    show(cert, { json: false, speaks: undefined }, new Date(), quiet),
    { code: 'CERTIFICATE_NOT_PEM' },
    'also by certs show',
  );
});
