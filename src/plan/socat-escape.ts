/**
 * Escapes a file name or other option value for a socat address that is handed over as one argument. One level
 * of backslashes is enough for `OPENSSL:` and `OPENSSL-LISTEN:` (measured with socat 1.7.4.4, every printable
 * character); a line end or NUL must not be in it.
 */
export function escapeSocatValue(text: string): string {
  return text.replace(/[\\,:!'"()[\]{}<>\s]/g, '\\$&');
}
