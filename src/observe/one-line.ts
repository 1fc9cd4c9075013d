/**
 * Text from peers, their certificates, option files and file names as part of one line: nothing in it ends the line, moves a
 * terminal's cursor or changes the order in which the rest is shown. Tabs stay.
 */
export function oneLine(text: string): string {
  return escapeUnseen(text.replace(/[\0-\x08\x0a-\x1f\x7f]+/g, ' '));
}

/** C1 control characters, line separators and what has no width or turns the direction of writing, as `\u202e`. */
export function escapeUnseen(text: string): string {
  // Nearly every line is ASCII, where there is none of them.
  if (Buffer.byteLength(text) === text.length) return text;
  return text.replace(
    /[\x80-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
