import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { environment } from '../surroundings.js';

/** Where distributions have OpenSSL look: Debian and SUSE; RHEL and Fedora, some of which have the first as a link. */
const usualFiles = ['/etc/ssl/openssl.cnf', '/etc/pki/tls/openssl.cnf'];

/** What OpenSSL's programs on this host are set up with, with all that it includes in place; empty where there is no such file. */
export function systemSettings(): string {
  const given = environment['OPENSSL_CONF'];
  const files = given === undefined ? usualFiles : [given];
  return files.map((file) => textOf(file, 0)).find((text) => text !== undefined) ?? '';
}

/** A file may include itself. */
const mostLevels = 8;

/** `.include FILE`, `.include = FILE`, or a directory: RHEL and Fedora have the level of security in a file of crypto-policies. */
function textOf(file: string, level: number): string | undefined {
  try {
    return readFileSync(file, 'utf8').replace(
      /^[ \t]*\.include(?:[ \t]*=[ \t]*|[ \t]+)(.*)$/gm,
      (_line, path: string) => (level < mostLevels ? included(path, level + 1) : ''),
    );
  } catch {
    return undefined;
  }
}

function included(written: string, level: number): string {
  const path = resolve(
    environment['OPENSSL_CONF_INCLUDE'] ?? '',
    written
      .replace(/#.*/, '')
      .trim()
      .replace(/^(["'])(.*)\1$/, '$2'),
  );
  return filesAt(path)
    .map((file) => textOf(file, level) ?? '')
    .join('\n');
}

/** Of a directory OpenSSL reads what ends so (config(5)). */
export function filesAt(path: string): readonly string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
  return readdirSync(path)
    .filter((name) => /\.(cnf|conf)$/.test(name))
    .sort()
    .map((name) => join(path, name));
}
