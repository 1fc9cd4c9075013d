import { readFileSync } from 'node:fs';

/** Put in by the bundler (scripts/bundle.mjs); there is none where the compiled sources run as they are. */
declare const bundledVersion: string | undefined;

/** This program's version, from package.json. */
export const version: string = typeof bundledVersion === 'string' ? bundledVersion : readVersion();

function readVersion(): string {
  for (const place of ['../package.json', '../../package.json', '../../../package.json']) {
    try {
      const found = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as {
        name?: unknown;
        version?: unknown;
      };
      if (found.name === 'galera-sst-tunnel' && typeof found.version === 'string') return found.version;
    } catch {
      // Not there: the next place.
    }
  }
  return '0.0.0';
}
