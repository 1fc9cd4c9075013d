/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Groups that the random files use and the tests ask for. */
export const groupNames = [
  'sst',
  'mysqld',
  'client',
  'sst_a',
  'mysqld.1',
  'mysqld-10.11',
  'mysqld-10.11_a',
  'größe',
];

/** The bytes of a random option file: mostly sane lines, some odd ones, some bytes hit at random. */
export function randomFile(random: () => number, includes: readonly string[]): Buffer {
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
  const chance = (probability: number) => random() < probability;
  const several = (most: number, make: () => string): string =>
    Array.from({ length: Math.floor(random() * (most + 1)) }, make).join('');

  const space = () => several(2, () => pick([' ', ' ', '\t', '\v', '\f', '\r']));
  const word = () =>
    pick(['a', 'tca', 'ssl-ca', 'ssl_ca', 'loose_tkey', 'skip-x', 'sockopt', 'ü', '--a', 'a b']);
  const piece = () =>
    pick([
      'x',
      'y z',
      '/etc/my.crt',
      '=',
      '#',
      ';',
      '"',
      "'",
      '\\',
      '\\n',
      '\\s',
      '\\t',
      '\\"',
      "\\'",
      '\\\\',
      '\\q',
      '[',
      ']',
      '!',
      'à',
      ' ',
      '\t',
      ',',
      '\0',
    ]);
  const value = () => {
    const text = several(6, piece);
    const quote = pick(['', '', '"', "'"]);
    return quote + text + (chance(0.9) ? quote : pick(['"', "'", '']));
  };
  const name = () => (chance(0.9) ? word() : several(3, piece));
  const option = () => name() + (chance(0.8) ? `${space()}=${space()}${value()}` : '') + space();
  const groupName = () => {
    const group = pick(groupNames);
    return chance(0.1) ? group.toUpperCase() : group;
  };
  const group = () => {
    const inside = chance(0.9) ? groupName() : space() + groupName() + space();
    return `[${inside}${chance(0.98) ? ']' : ''}${chance(0.1) ? several(3, piece) : ''}`;
  };
  const include = () =>
    `!${space()}${pick(['include', 'include', 'includedir', 'includefoo'])}${pick([' ', '\t', '  ', '='])}${chance(0.95) ? pick(includes) : ''}`;
  const comment = () => pick(['#', ';', '# ', ' #']) + several(4, piece);
  // Never nameless: an indented `=` before a long value makes my_print_defaults 10.11 crash.
  const long = () =>
    `${word()}${space()}=${value()}${pick(['x', ' ', '#', 'a='])}`.padEnd(
      4070 + Math.floor(random() * 60),
      'x ',
    ) + option();
  const line = () => {
    const kind = random();
    const indent = chance(0.1) ? space() : '';
    if (kind < 0.62) return indent + option();
    if (kind < 0.82) return indent + group();
    if (kind < 0.9) return indent + comment();
    if (kind < 0.94) return indent + include();
    return kind < 0.945 ? long() : space();
  };

  const newline = chance(0.1) ? '\r\n' : '\n';
  const start = (chance(0.01) ? '\ufeff' : '') + (chance(0.9) ? `${group()}${newline}` : '');
  const bytes = Buffer.from(start + several(12, () => line() + newline) + (chance(0.3) ? line() : ''));
  const hits = chance(0.2) ? Math.ceil(random() * 3) : 0;
  for (let hit = 0; hit < hits && bytes.length > 0; hit += 1) {
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  }
  return bytes;
}
