/** One row of a result, by column name. */
export type Row = Record<string, string | null>;

const escapes: Record<string, string> = { n: '\n', t: '\t', '0': '\0', '\\': '\\' };

/** Reads what `mariadb --batch` prints for one result. The text NULL cannot be told from NULL there. */
export function parseRows(output: string): Row[] {
  const [header, ...lines] = output
    .split('\n')
    .filter((line, index, all) => index < all.length - 1 || line !== '');
  if (header === undefined) return [];
  const columns = header.split('\t').map(unescape);
  return lines.map((line) => {
    const values = line.split('\t');
    return Object.fromEntries(
      columns.map((column, index) => {
        const value = values[index] ?? '';
        return [column, value === 'NULL' ? null : unescape(value)];
      }),
    );
  });
}

const unescape = (text: string): string =>
  text.replace(/\\(.)/g, (whole, letter: string) => escapes[letter] ?? whole);
