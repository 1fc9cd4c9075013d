import fc from 'fast-check';

/** What is syntax to somebody on the way: shells, socat, rsyncd.conf, JSON, option files, logs, terminals, paths. */
const pieces = [
  ...[
    '\n',
    '\r',
    '\0',
    '\t',
    '\x1b[31m',
    '\x7f',
    ' ',
    '"',
    "'",
    '`',
    '\\',
    '\\n',
    '$',
    '$(id)',
    '`id`',
    '${IFS}',
  ],
  ...[
    ';',
    '|',
    '&',
    '>',
    '<',
    '*',
    '?',
    '#',
    '~',
    '!',
    '!!',
    '=',
    ',',
    ':',
    '[',
    ']',
    '(',
    ')',
    '{',
    '}',
    '%',
  ],
  ...['%H', '%HOME%', '%RSYNC_USER%', '..', '../', '/', '//', '/etc/passwd', '-', '--', '@', '.', '_'],
  ...[
    '\u00e9',
    '\u2028',
    '\u202e',
    '\ufeff',
    '\ufffd',
    '\ud800',
    'a',
    'b',
    'z',
    '0',
    '1',
    '4444',
    '127.0.0.1',
    '::1',
  ],
  ...[
    'fe80::1%eth0',
    'node1.my.cluster',
    'x'.repeat(300),
    'y'.repeat(5000),
    'null',
    'true',
    '{}',
    '[]',
    '1e999',
  ],
];

const anyUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code));

/** Text that somebody might try. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((all) => all.join('')) },
  { weight: 1, arbitrary: fc.string({ unit: anyUnit, maxLength: 60 }) },
);

/** Without what no argument of a process can hold. */
export const hostileArgument = hostileText.map((text) => text.replaceAll('\0', ''));

/** One change of a text's bytes; positions count as fractions of the text, in millionths. */
type Mutation =
  | { readonly kind: 'set'; readonly at: number; readonly byte: number }
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'insert'; readonly at: number; readonly text: string }
  | { readonly kind: 'cut' | 'repeat'; readonly at: number; readonly length: number }
  | { readonly kind: 'end'; readonly at: number };

const at = fc.nat(999_999);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('insert' as const), at, text: fc.constantFrom(...pieces) }),
  fc.record({ kind: fc.constantFrom('cut' as const, 'repeat' as const), at, length: fc.nat(64) }),
  fc.record({ kind: fc.constant('end' as const), at }),
);

/** Examples with a few of their bytes changed, sometimes none. */
export function mutated(examples: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.nat(examples.length - 1), fc.array(mutation, { maxLength: 5 }))
    .map(([index, mutations]) => mutations.reduce(apply, Buffer.from(examples[index]!)));
}

export function mutatedText(examples: readonly string[]): fc.Arbitrary<string> {
  return mutated(examples.map((text) => Buffer.from(text))).map((bytes) => bytes.toString('utf8'));
}

function apply(bytes: Buffer, change: Mutation): Buffer {
  const place = Math.floor((change.at / 1e6) * (bytes.length + 1));
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
  switch (change.kind) {
    case 'set':
      return Buffer.concat([before, Buffer.from([change.byte]), after.subarray(1)]);
    case 'flip':
      return Buffer.concat([before, Buffer.from([(after[0] ?? 0) ^ (1 << change.bit)]), after.subarray(1)]);
    case 'insert':
      return Buffer.concat([before, Buffer.from(change.text), after]);
    case 'cut':
      return Buffer.concat([before, after.subarray(change.length)]);
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, change.length), after]);
    case 'end':
      return before;
  }
}
