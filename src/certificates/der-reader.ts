/** One element of DER: its tag byte, its content, and itself with tag and length. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

export const derTags = {
  integer: 0x02,
  bitString: 0x03,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/** The element at the beginning of the bytes; throws a RangeError when they are cut short or no DER. */
export function readElement(bytes: Buffer): DerElement {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) throw new RangeError('DER ends in the middle');
  const count = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || count > 4 || (tag & 0x1f) === 0x1f)
    throw new RangeError('not DER as certificates have it');
  const length =
    count === 0 ? first : bytes.subarray(2, 2 + count).reduce((sum, byte) => sum * 256 + byte, 0);
  const start = 2 + count;
  if (bytes.length < start + length) throw new RangeError('DER ends in the middle');
  return { tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(0, start + length) };
}

/** The elements that a constructed one consists of. */
export function readElements(content: Buffer): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let rest = content; rest.length > 0;) {
    const element = readElement(rest);
    elements.push(element);
    rest = rest.subarray(element.whole.length);
  }
  return elements;
}

/** UTCTime or GeneralizedTime with seconds and `Z`, as RFC 5280 wants them. */
export function readTime({ tag, content }: DerElement): Date {
  const text = content.toString('latin1');
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (match === null) throw new RangeError(`not a time as RFC 5280 has it: ${JSON.stringify(text)}`);
  const [year = 0, month = 1, day, hour, minute, second] = match.slice(1).map(Number);
  const century = tag === derTags.generalizedTime ? 0 : year < 50 ? 2000 : 1900;
  return new Date(Date.UTC(century + year, month - 1, day, hour, minute, second));
}

/** An integer's bytes as upper-case hexadecimal digits without leading zeros. */
export function readHex({ content }: DerElement): string {
  return content
    .toString('hex')
    .toUpperCase()
    .replace(/^0+(?=.)/, '');
}
