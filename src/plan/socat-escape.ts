/**
 * Escapes a value or file name for use inside a socat address.
 */
export function escapeSocatValue(text: string): string {
  return text.replace(/[\\,:!'"()[\]{}\s]/g, '\\$&');
}
