import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  authorityFiles,
  currentCrl,
  nextCrl,
  openAuthority,
  readPair,
  requireSigned,
} from '../../src/certificates/authority.js';
import type { IssuedCertificate } from '../../src/certificates/issue.js';
import { ca, failureOf, folder, node, nodeFacts, otherCa } from './given.js';

function authorityIn(t: Test, pair: Partial<IssuedCertificate>): string {
  const { path, write } = folder(t);
  if (pair.certPem !== undefined) write(authorityFiles.cert, pair.certPem);
  if (pair.keyPem !== undefined) write(authorityFiles.key, pair.keyPem);
  return path;
}

t.test('a directory without a CA that could sign says what it lacks', async (t) => {
  const leaf = await node({ commonName: 'node1' });
  const cases = [
    [{}, 'CERTIFICATE_MISSING', /there is no CA in /, /certs init-ca/],
    [{ certPem: ca.certPem }, 'CERTIFICATE_MISSING', /ca.key does not exist/, /--ca-dir/],
    [{ certPem: ca.certPem, keyPem: otherCa.keyPem }, 'KEY_MISMATCH', /does not belong/, /./],
    [leaf, 'CERTIFICATE_USAGE', /"CN=node1" is no CA certificate/, /CA:TRUE/],
  ] as const;
  for (const [pair, code, message, hint] of cases)
    t.match(
      failureOf(() => openAuthority(authorityIn(t, pair))),
      { code, message, hint },
      code,
    );
});

t.test('each list has what the one before had, under the next number', async (t) => {
  const dir = authorityIn(t, ca);
  const authority = openAuthority(dir);
  t.equal(currentCrl(authority), undefined);
  const at = (text: string): Date => new Date(text);
  const store = async (revoke: readonly string[], now: Date): Promise<void> => {
    writeFileSync(authority.crlFile, await nextCrl(authority, { revoke, now, days: 30 }));
  };
  await store(['a1'], at('2026-01-01T00:00:00Z'));
  await store(['00A1', 'B2'], at('2026-02-01T00:00:00Z'));
  const crl = currentCrl(authority);
  t.equal(crl?.number, 2n);
  t.strictSame(
    [...(crl?.revoked ?? [])],
    [
      ['A1', at('2026-01-01T00:00:00Z')],
      ['B2', at('2026-02-01T00:00:00Z')],
    ],
  );
  t.strictSame(
    crl?.thisUpdate,
    at('2026-01-31T23:55:00Z'),
    'a peer whose clock is behind accepts it at once',
  );
  t.strictSame(crl?.nextUpdate, at('2026-03-03T00:00:00Z'));
});

t.test('a list of another CA, and a file that is no list, are left alone', async (t) => {
  const { path, write } = folder(t);
  for (const [name, text] of [
    [authorityFiles.cert, ca.certPem],
    [authorityFiles.key, ca.keyPem],
  ] as const)
    write(name, text);
  const authority = openAuthority(path);
  const foreign = await nextCrl(openAuthority(authorityIn(t, otherCa)), {
    revoke: [],
    now: new Date(),
    days: 1,
  });
  for (const [text, message] of [
    [foreign, /was not signed by "CN=Test CA"/],
    [ca.certPem, /holds no revocation list/],
  ] as const) {
    write(authorityFiles.crl, text);
    t.match(
      failureOf(() => currentCrl(authority)),
      { code: 'CRL_UNUSABLE', message },
    );
  }
});

t.test('only what the CA has signed is its own', async (t) => {
  const authority = openAuthority(authorityIn(t, ca));
  t.doesNotThrow(() => requireSigned(authority, authority.facts, 'ca.crt'));
  const stranger = await nodeFacts({ commonName: 'node1', ca: otherCa });
  t.match(
    failureOf(() => requireSigned(authority, stranger, 'node1.crt')),
    {
      code: 'CERTIFICATE_UNTRUSTED',
      message: /node1.crt "CN=node1" was issued by "CN=Other CA", not by the CA "CN=Test CA" at hand/,
      hint: /--ca-dir/,
    },
  );
});

t.test('a pair that was named on the command line is blamed by its name', async (t) => {
  const dir = authorityIn(t, ca);
  const none = join(dir, 'none');
  t.match(
    failureOf(() => readPair(none, none)),
    { code: 'CERTIFICATE_MISSING', option: none },
  );
});
