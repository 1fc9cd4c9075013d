import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runSync, succeeds } from '../lab/commands.js';

/** The checkout that this file was built in. */
export const checkout = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * A checkout that the servers' user can read: this one, or, where it lies below a directory like /root, a copy of
 * what tests and servers need in the folder that `makeFolder` makes.
 */
export function readableCheckout(makeFolder: () => string): string {
  const asServer = ['setpriv', '--reuid', 'mysql', '--regid', 'mysql', '--init-groups'];
  const needed = ['scripts/wsrep_sst_rsync_tunnel', 'dist/bin/galera-sst-tunnel.js', 'package.json'];
  if (needed.every((path) => succeeds([...asServer, 'test', '-r', join(checkout, path)]))) return checkout;
  const copy = join(makeFolder(), 'checkout');
  for (const path of ['scripts', 'dist', 'src', 'test', 'package.json', '.taprc']) {
    cpSync(join(checkout, path), join(copy, path), { recursive: true, preserveTimestamps: true });
  }
  symlinkSync(join(checkout, 'node_modules'), join(copy, 'node_modules'));
  runSync(['chmod', '-R', 'a+rX', copy]);
  return copy;
}
