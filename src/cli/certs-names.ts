import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The files of a node, by its name or by the path of its certificate. */
export function filesOf(name: string, dir: string): { readonly cert: string; readonly key: string } {
  if (name.endsWith('.crt') && existsSync(name)) {
    const cert = resolve(name);
    return { cert, key: cert.replace(/\.crt$/, '.key') };
  }
  const base = join(resolve(dir), name.replaceAll('*', '_').replaceAll(':', '_'));
  return { cert: `${base}.crt`, key: `${base}.key` };
}
