import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { derTags, readElement, readElements, readHex, readTime } from '../../src/certificates/der-reader.js';
import { ca } from './given.js';

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

t.test('an element is its tag, its content and both with the length', async (t) => {
  const cases = [
    ['020101', 2, '01', '020101'],
    ['0201017f', 2, '01', '020101'],
    ['3000', 0x30, '', '3000'],
    [`0481ff${'00'.repeat(255)}`, 4, '00'.repeat(255), `0481ff${'00'.repeat(255)}`],
    [`04820100${'11'.repeat(256)}`, 4, '11'.repeat(256), `04820100${'11'.repeat(256)}`],
  ] as const;
  for (const [given, tag, content, whole] of cases) {
    const element = readElement(bytes(given));
    t.strictSame(
      [element.tag, element.content.toString('hex'), element.whole.toString('hex')],
      [tag, content, whole],
      given.slice(0, 20),
    );
  }
});

t.test('what is cut short or no DER is refused', async (t) => {
  for (const given of ['', '02', '0202ff', '0481', '048180', '0480', '0485010000000000', '1f0101'])
    t.throws(() => readElement(bytes(given)), RangeError, given);
});

t.test('whatever the bytes, it ends with elements or a RangeError', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (given) => {
      try {
        const all = readElements(Buffer.from(given));
        return Buffer.concat(all.map(({ whole }) => whole)).equals(Buffer.from(given));
      } catch (error) {
        return error instanceof RangeError;
      }
    }),
  );
});

t.test('a certificate has three parts, and its serial number is the one that Node reads', async (t) => {
  const { raw, serialNumber } = new X509Certificate(ca.certPem);
  const [signed, ...others] = readElements(readElement(raw).content);
  t.equal(others.length, 2);
  const serial = readElements(signed!.content).find(({ tag }) => tag === derTags.integer);
  t.equal(readHex(serial!), serialNumber);
});

t.test('times are read with their century', async (t) => {
  const time = (tag: number, text: string): string =>
    readTime({ tag, content: Buffer.from(text), whole: Buffer.alloc(0) }).toISOString();
  const { utcTime, generalizedTime } = derTags;
  t.equal(time(utcTime, '491231235959Z'), '2049-12-31T23:59:59.000Z');
  t.equal(time(utcTime, '500101000000Z'), '1950-01-01T00:00:00.000Z');
  t.equal(time(generalizedTime, '20500101000000Z'), '2050-01-01T00:00:00.000Z');
  for (const text of ['4912312359Z', '20500101000000', 'yesterday'])
    t.throws(() => time(utcTime, text), RangeError, text);
});

t.test('numbers are shown without the zeros that DER needs in front', async (t) => {
  for (const [hex, shown] of [
    ['00ff', 'FF'],
    ['00', '0'],
    ['0a', 'A'],
  ] as const)
    t.equal(readHex({ tag: 2, content: bytes(hex), whole: bytes('') }), shown);
});
