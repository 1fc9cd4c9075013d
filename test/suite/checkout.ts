import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runSync, succeeds } from '../lab/commands.js';

/** The checkout that this file was built in. */
export const checkout = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * A checkout that the servers' user can read: this one, or, where it lies below a directory like /root, a copy
 * in the folder that `makeFolder` makes.
 */
export function readableCheckout(makeFolder: () => string): string {
  const asServer = ['setpriv', '--reuid', 'mysql', '--regid', 'mysql', '--init-groups'];
  const needed = ['scripts/wsrep_sst_rsync_tunnel', 'dist/bin/galera-sst-tunnel.js', 'package.json'];
  if (needed.every((path) => succeeds([...asServer, 'test', '-r', join(checkout, path)]))) return checkout;
  const copy = join(makeFolder(), 'checkout');
  copyCheckout(copy);
  return copy;
}

/** Copies all but what is installed and what git keeps; readable for everybody. */
export function copyCheckout(to: string): void {
  const left = ['node_modules', '.git', '.tap'].map((name) => join(checkout, name));
  cpSync(checkout, to, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => !left.includes(path),
  });
  symlinkSync(join(checkout, 'node_modules'), join(to, 'node_modules'));
  runSync(['chmod', '-R', 'a+rX', to]);
}
