/** Where a setting came from; errors and `plan` show it. */
export type Source =
  | {
      readonly kind: 'file';
      readonly file: string;
      readonly line: number;
      readonly group: string;
      readonly name: string;
    }
  | { readonly kind: 'command line'; readonly name: string }
  | { readonly kind: 'default'; readonly name: string };

/** A value with its source. */
export interface Sourced<T> {
  readonly value: T;
  readonly source: Source;
}

/** `/etc/mysql/my.cnf:12`, `command line` or `default`. */
export function placeOf(source: Source): string {
  return source.kind === 'file' ? `${source.file}:${source.line}` : source.kind;
}
