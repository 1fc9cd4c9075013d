import { readlinkSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Without links; undefined for what is not there, and for a link that leads nowhere. */
export function findRealPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Without links, so that one cannot lead into a directory unseen; what is not there stays as it is written. */
export function realPath(path: string): string {
  return findRealPath(path) ?? resolve(path);
}

/** As many as the kernel follows. */
const mostLinks = 40;

/**
 * The symbolic links through which an absolute path leads, and what it leads to in the end; none for a path without any. Of
 * `/etc/certs/tls.crt` in a volume of Kubernetes these are `tls.crt`, `..data` and the file itself.
 */
export function leadingLinks(path: string): readonly string[] {
  const found: string[] = [];
  let at = path;
  for (let step = firstLink(at); step !== undefined && found.length < mostLinks; step = firstLink(at)) {
    found.push(step.link);
    at = step.onwards;
  }
  return found.length === 0 ? [] : [...found, at];
}

function firstLink(path: string): { readonly link: string; readonly onwards: string } | undefined {
  const names = path.split('/');
  for (let count = 2; count <= names.length; count++) {
    const link = names.slice(0, count).join('/');
    const target = targetOf(link);
    if (target === undefined) continue;
    return { link, onwards: join(resolve(dirname(link), target), ...names.slice(count)) };
  }
  return undefined;
}

function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
