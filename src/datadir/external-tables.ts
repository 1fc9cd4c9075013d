/**
 * The table that an `.isl` file in a schema directory stands for, as `schema.table`, or undefined for any other path.
 *
 * InnoDB writes such a file for a table with `DATA DIRECTORY`; the table's own file lies outside the data directory, at the same
 * absolute path on every node, and no rsync method copies it. MyISAM and Aria use symbolic links for the same purpose: these are
 * followed, so the table arrives complete, inside the joiner's data directory.
 */
export function externalTableOf(path: string): string | undefined {
  if (!path.endsWith('.isl')) return undefined;
  return path.slice(0, -'.isl'.length).split('/').map(tableName).join('.');
}

/** `my@002dshop` → `my-shop`: the server's file name encoding, as far as it is plain UCS-2. */
function tableName(fileName: string): string {
  return fileName.replace(/@([0-9a-f]{4})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
