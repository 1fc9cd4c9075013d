import t from 'tap';
import {
  isCertificateBlock,
  isEncryptedBlock,
  isKeyBlock,
  looksLikeDer,
  splitPem,
} from '../../src/certificates/pem.js';

const cert = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const key = '-----BEGIN EC PRIVATE KEY-----\nBBBB\n-----END EC PRIVATE KEY-----\n';

const cases: { title: string; text: string; found: [string, number][] }[] = [
  { title: 'nothing', text: '', found: [] },
  {
    title: 'key before certificate',
    text: key + cert,
    found: [
      ['EC PRIVATE KEY', 1],
      ['CERTIFICATE', 4],
    ],
  },
  {
    title: 'text between blocks',
    text: `subject=x\n${cert}\nBag\n${key}`,
    found: [
      ['CERTIFICATE', 2],
      ['EC PRIVATE KEY', 7],
    ],
  },
  {
    title: 'CRLF',
    text: (cert + key).replaceAll('\n', '\r\n'),
    found: [
      ['CERTIFICATE', 1],
      ['EC PRIVATE KEY', 4],
    ],
  },
  { title: 'a byte order mark', text: `\uFEFF${cert}`, found: [['CERTIFICATE', 1]] },
  { title: 'no newline at the end', text: cert.trimEnd(), found: [['CERTIFICATE', 1]] },
  { title: 'no END line', text: '-----BEGIN CERTIFICATE-----\nAAAA\n', found: [] },
  {
    title: 'a cut-off block before a whole one',
    text: `-----BEGIN CERTIFICATE-----\nAA\n${cert}`,
    found: [['CERTIFICATE', 3]],
  },
];

for (const { title, text, found } of cases) {
  t.test(`blocks are found with ${title}`, (t) => {
    t.same(
      splitPem(text).map(({ label, line }) => [label, line]),
      found,
    );
    t.notOk(
      splitPem(text).some((block) => block.text.includes('\r')),
      'line ends are plain',
    );
    t.end();
  });
}

t.test('blocks are told apart by their labels', (t) => {
  const [a, b] = splitPem(cert + key);
  t.same(
    [a, b].map((block) => isCertificateBlock(block!)),
    [true, false],
  );
  t.same(
    [a, b].map((block) => isKeyBlock(block!)),
    [false, true],
  );
  t.end();
});

t.test('both styles of encrypted keys are recognised', (t) => {
  const texts = [
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA\n-----END ENCRYPTED PRIVATE KEY-----',
    '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES\n\nAA\n-----END RSA PRIVATE KEY-----',
    key,
  ];
  t.same(
    texts.map((text) => splitPem(text).map(isEncryptedBlock)),
    [[true], [true], [false]],
  );
  t.end();
});

t.test('DER is a sequence as long as the file', (t) => {
  t.ok(looksLikeDer(Buffer.from([0x30, 2, 5, 0])));
  t.ok(looksLikeDer(Buffer.from([0x30, 0x81, 2, 5, 0])));
  t.notOk(looksLikeDer(Buffer.from([0x30, 3, 5, 0])));
  t.notOk(looksLikeDer(Buffer.from('0 text')));
  t.end();
});
