const longestText = 4000;

/** A text that is kept or shown at most so long. */
export function cut(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText)}…`;
}
