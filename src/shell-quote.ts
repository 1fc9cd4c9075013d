/**
 * Quotes a word so that a POSIX shell reads back exactly it; for showing commands, never for running them.
 * Control characters become `$'…'` escapes so that a word can't break out of its log line.
 */
export function shellQuote(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  if (/[\0-\x1f\x7f]/.test(word)) return `$'${word.replace(/[\0-\x1f\x7f'\\]/g, escapeByte)}'`;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function escapeByte(char: string): string {
  return char === "'" || char === '\\'
    ? `\\${char}`
    : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
