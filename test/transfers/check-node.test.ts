import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import {
  issueCa,
  issueCertificate,
  selfSigned,
  type CertificateRequest,
  type IssuedCertificate,
} from '../../src/certificates/issue.js';
import { resolveConfig } from '../../src/config/config.js';
import { identify } from '../../src/processes/proc.js';
import { checkNode, type CheckedServer, type NodeConfig } from '../../src/transfers/check-node.js';
import { claimFileName } from '../../src/transfers/claim.js';
import { partialCopyIn } from '../../src/transfers/partial-copy.js';
import { openWorkplace } from '../../src/transfers/workplace.js';
import { refusedCertificates } from '../certificates/refused.js';
import { serverArguments, settingsOf } from '../config/given.js';

const ca = await issueCa({ name: 'test CA', keyType: 'ec' });

/** A node on 127.0.0.1 with everything in order, but for what is given. */
async function nodeIn(
  dir: string,
  given: {
    readonly certificate?: CertificateRequest;
    readonly identity?: IssuedCertificate;
    readonly trusts?: string;
    readonly port?: number;
    readonly sst?: Record<string, string>;
  } = {},
): Promise<NodeConfig> {
  const dataDir = join(dir, 'data');
  mkdirSync(dataDir, { recursive: true });
  const issued =
    given.identity ??
    (await issueCertificate({
      commonName: 'node1.my.cluster',
      ipAddresses: ['127.0.0.1'],
      keyType: 'ec',
      ca,
      ...given.certificate,
    }));
  const files = { tcert: 'node.crt', tkey: 'node.key', tca: 'ca.crt' };
  const contents = { tcert: issued.certPem, tkey: issued.keyPem, tca: given.trusts ?? ca.certPem };
  for (const [option, name] of Object.entries(files))
    writeFileSync(join(dir, name), contents[option as keyof typeof contents], { mode: 0o600 });
  const paths = Object.fromEntries(Object.entries(files).map(([option, name]) => [option, join(dir, name)]));
  const places = { direct: { datadir: dataDir }, sst: { ...paths, tmpdir: dir, ...given.sst } };
  const configOf = (role: 'joiner' | 'donor') =>
    resolveConfig(
      { ...serverArguments(places), role, address: `127.0.0.1:${given.port ?? 14_444}` },
      settingsOf(places),
    );
  return { joiner: configOf('joiner'), donor: configOf('donor') };
}

const whoever = { transferId: 'x', emit: () => undefined, signs: [] };

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

const codes = ({ findings }: CheckedServer): string[] =>
  findings.map(({ severity, code, roles }) => `${severity} ${code} ${roles.join('+')}`);

t.test('a node in order has no findings, and says what its certificates are and what to watch', async (t) => {
  const dir = t.testdir();
  const checked = await checkNode(await nodeIn(dir), new Date());
  t.strictSame(codes(checked), []);
  t.equal(checked.dataDir, join(dir, 'data'));
  t.match(
    checked.certificates.map(({ use, subject }) => [use, subject]),
    [
      ['own', /node1/],
      ['trusted', /test CA/],
    ],
  );
  for (const name of ['node.crt', 'node.key', 'ca.crt', 'data'])
    t.ok(checked.files.includes(join(dir, name)), name);
});

t.test('everything that is wrong is found at once, with the roles that it matters for', async (t) => {
  const dir = t.testdir();
  const config = await nodeIn(dir, {
    certificate: { ipAddresses: ['127.0.0.2'] },
    sst: { tmpdir: '/nowhere' },
  });
  t.strictSame(codes(await checkNode(config, new Date())).sort(), [
    'error CERTIFICATE_NAME_MISMATCH joiner',
    'error DIRECTORY_MISSING joiner+donor',
  ]);
});

t.test('what OpenSSL alone refuses is found before a peer finds it, and told once', async (t) => {
  const dir = t.testdir();
  for (const refused of refusedCertificates(dir)) {
    const node = await nodeIn(dir, { identity: refused, trusts: refused.caPem });
    const checked = await checkNode(node, new Date());
    t.strictSame(codes(checked), [`error ${refused.code} joiner+donor`], refused.name);
    t.match(checked.findings[0]?.message, refused.words);
    t.match(checked.findings[0], { option: 'tcert' });
  }
});

t.test('where peers are not verified only what no socat starts with is refused', async (t) => {
  const dir = t.testdir();
  const found = [];
  for (const refused of refusedCertificates(dir)) {
    const node = await nodeIn(dir, {
      identity: refused,
      trusts: refused.caPem,
      sst: { 'ssl-mode': 'REQUIRED' },
    });
    const errors = (await checkNode(node, new Date())).findings.filter(
      ({ severity }) => severity === 'error',
    );
    if (errors.length > 0) found.push(refused.name);
    t.ok(errors.every(({ code }) => code === 'CERTIFICATE_UNTRUSTED'));
  }
  // OpenSSL 3.5 loads a certificate with such a signature (3.0 does not), and leaves it to who verifies.
  const loadsSha1 = Number.parseFloat(process.versions.openssl) >= 3.5;
  t.strictSame(found, ['an RSA key of 1024 bits', ...(loadsSha1 ? [] : ['a signature with SHA-1'])]);
});

t.test('self-signed certificates that one file holds are in order', async (t) => {
  const dir = t.testdir();
  const names = { commonName: 'node1', ipAddresses: ['127.0.0.1'] };
  const [own, other] = [await selfSigned(names), await selfSigned({ commonName: 'node2' })];
  const trusts = other.certPem + own.certPem;
  t.strictSame(codes(await checkNode(await nodeIn(dir, { identity: own, trusts }), new Date())), []);
});

t.test('a tmpdir is checked as a transfer does it, with the same words and exit status', async (t) => {
  const dir = t.testdir({ plain: '' });
  const cases = [
    ['/nowhere', 'DIRECTORY_MISSING', 'the directory /nowhere does not exist'],
    [join(dir, 'plain'), 'DIRECTORY_NOT_WRITABLE', 'cannot write a private directory in '],
  ] as const;
  for (const [tmpdir, code, words] of cases) {
    const node = await nodeIn(dir, { sst: { tmpdir } });
    const failure = thrownBy(() =>
      openWorkplace({ ...whoever, dataDir: join(dir, 'data'), tmpDir: node.joiner.tmpDir }),
    );
    const [finding] = (await checkNode(node, new Date())).findings;
    t.match(failure, { code });
    t.match(finding, { code });
    t.ok(finding?.message.startsWith(words));
    t.equal(finding?.message, (failure as Error).message);
  }
});

t.test('a claim that this user may not read is what a transfer would fail with', async (t) => {
  const dir = t.testdir();
  const config = await nodeIn(dir);
  mkdirSync(join(dir, 'data', claimFileName));
  t.strictSame(codes(await checkNode(config, new Date())), [
    'error FILE_EXISTS joiner+donor',
    'error ALREADY_RUNNING joiner+donor',
  ]);
});

t.test('an incomplete copy is told of while no transfer runs, with the one that has left it', async (t) => {
  const dir = t.testdir();
  const config = await nodeIn(dir);
  const dataDir = join(dir, 'data');
  const partial = partialCopyIn(dataDir, { id: 'the last one', now: () => new Date('2026-01-02T03:04:05Z') });
  partial.begin([]);
  partial.leave();
  const { findings } = await checkNode(config, new Date());
  t.match(findings, [
    {
      ...{ severity: 'warning', code: 'COPY_INCOMPLETE', roles: ['joiner', 'donor'] },
      message: `${dataDir} holds an incomplete copy: transfer the last one, begun at 2026-01-02T03:04:05.000Z, did not end well`,
      hint: /the next transfer goes on where that one ended/,
    },
  ]);
  const workplace = openWorkplace({ ...whoever, dataDir, tmpDir: config.joiner.tmpDir });
  t.strictSame(codes(await checkNode(config, new Date())), [], 'not while one is at work on it');
  workplace.close();
  partialCopyIn(dataDir, { id: 'the next one', now: () => new Date() }).complete();
  t.strictSame(codes(await checkNode(config, new Date())), [], 'not when the copy has been completed');
});

t.test('what cannot be read is a finding, not a failure of the check', async (t) => {
  const dir = t.testdir();
  const config = await nodeIn(dir, { sst: { tcert: join(dir, 'none.crt') } });
  const checked = await checkNode(config, new Date());
  t.strictSame(codes(checked), ['error CERTIFICATE_MISSING joiner+donor']);
  t.strictSame(
    checked.certificates.map(({ use }) => use),
    ['trusted'],
  );
});

t.test('each file that is wrong is told, whatever else is', async (t) => {
  const dir = t.testdir();
  const none = (name: string): string => join(dir, 'none', name);
  const missing = ['tcert', 'tkey', 'tca', 'ssl-crl'];
  const sst = Object.fromEntries(missing.map((name) => [name, none(name)]));
  const allMissing = await checkNode(await nodeIn(dir, { sst }), new Date());
  t.strictSame(
    allMissing.findings.map(({ code, option }) => [code, option]),
    missing.map((name) => ['CERTIFICATE_MISSING', name]),
  );
  const other = await issueCertificate({ commonName: 'other', keyType: 'ec', ca });
  writeFileSync(join(dir, 'other.key'), other.keyPem, { mode: 0o600 });
  const wrongKey = { tkey: join(dir, 'other.key'), tca: none('ca'), 'ssl-crl': none('crl') };
  t.strictSame(codes(await checkNode(await nodeIn(dir, { sst: wrongKey }), new Date())), [
    'error KEY_MISMATCH joiner+donor',
    'error CERTIFICATE_MISSING joiner+donor',
    'error CERTIFICATE_MISSING joiner+donor',
  ]);
  const expired = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') };
  const old = await nodeIn(dir, { certificate: expired, sst: { tca: none('ca') } });
  t.strictSame(codes(await checkNode(old, new Date())), [
    'error CERTIFICATE_MISSING joiner+donor',
    'error CERTIFICATE_EXPIRED joiner+donor',
  ]);
});

t.test('a port that is taken is found, as long as no transfer runs', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => server.close());
  const dir = t.testdir();
  const config = await nodeIn(dir, { port: (server.address() as { port: number }).port });
  t.strictSame(codes(await checkNode(config, new Date())), ['error PORT_BUSY joiner']);
  const claim = { transferId: 'x', owner: identify(process.pid), workDir: join(dir, 'galera-sst-tunnel-x') };
  writeFileSync(join(dir, 'data', claimFileName), JSON.stringify(claim));
  writeFileSync(join(dir, 'data', 'sst_in_progress'), '');
  t.strictSame(codes(await checkNode(config, new Date())), []);
});

t.test('what a transfer that died has left is found and left alone', async (t) => {
  const dir = t.testdir();
  const config = await nodeIn(dir);
  const dead = { pid: process.pid, startTicks: 1, bootId: 'another' };
  const mark = join(dir, 'data', 'sst_in_progress');
  for (const claim of [JSON.stringify({ transferId: 'x', owner: dead, workDir: '/etc' }), '{"cut']) {
    writeFileSync(join(dir, 'data', claimFileName), claim);
    // One that has just been begun may still be written.
    utimesSync(join(dir, 'data', claimFileName), 1, 1);
    writeFileSync(mark, '');
    const checked = await checkNode(config, new Date());
    t.strictSame(codes(checked), ['warning LEFTOVERS joiner+donor']);
    t.equal(
      checked.findings[0]?.message,
      `a transfer that did not end by itself has left ${join(dir, 'data', claimFileName)}, ${mark}`,
    );
    t.match(checked.findings[0]?.hint, ` rm -rf -- ${join(dir, 'data', claimFileName)} ${mark}`);
    t.strictSame(await checkNode(config, new Date(checked.at)), checked, 'looking changes nothing');
  }
});

t.test('that the kernel cannot be left to encrypt is told once, for both roles', async (t) => {
  const before = process.env['OPENSSL_CONF'];
  t.teardown(() => {
    if (before === undefined) delete process.env['OPENSSL_CONF'];
    else process.env['OPENSSL_CONF'] = before;
  });
  process.env['OPENSSL_CONF'] = '/dev/null';
  const checked = await checkNode(await nodeIn(t.testdir(), { sst: { ktls: 'on' } }), new Date());
  t.strictSame(codes(checked), ['warning KTLS_UNAVAILABLE joiner+donor']);
});
