import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');

/** The packages that a page's commands install by name. */
export function namedPackages(page: string): string[] {
  const lines = page.split('\n').filter((line) => /^ {4,}apt-get install /.test(line));
  return lines
    .flatMap((line) => line.replace(/ +#.*/, '').trim().split(' ').slice(2))
    .filter((word) => /^[a-z]/.test(word));
}

/** What the package of this program depends on. */
export const dependencies = (): string[] =>
  namesIn(/^Depends: (.*)$/m.exec(read('packaging/debian/control'))?.[1] ?? '');

/** The programs that tests have here, and that a host with these packages, and what they depend on, has not. */
export function programsBeyond(named: readonly string[]): string[] {
  const needed = /^packages='([^']*)'/m.exec(read('scripts/prepare'))?.[1]?.split(/\s+/) ?? [];
  const installed = installedPackages();
  const there = withDependencies(named, installed);
  return [...withDependencies(needed, installed)]
    .filter((name) => !there.has(name) && installed.get(name)?.isBase === false)
    .flatMap(programsOf);
}

/** The package that a program is from. */
export function packageOf(program: string): string {
  return dpkgQuery('--search', program).split(':')[0] ?? '';
}

interface Installed {
  /** What every Debian begins with. */
  readonly isBase: boolean;
  readonly dependsOn: readonly string[];
}

function installedPackages(): ReadonlyMap<string, Installed> {
  const fields = ['db:Status-Abbrev', 'Package', 'Priority', 'Pre-Depends', 'Depends'];
  const format = `${fields.map((field) => `\${${field}}`).join('\t')}\n`;
  const rows = dpkgQuery('--show', `--showformat=${format}`).split('\n');
  return new Map(
    rows
      .map((row) => row.split('\t'))
      .filter(([status]) => status === 'ii ')
      .map(([, name = '', priority = '', before = '', depends = '']) => [
        name,
        { isBase: ['required', 'important'].includes(priority), dependsOn: namesIn(`${before}, ${depends}`) },
      ]),
  );
}

function withDependencies(names: readonly string[], installed: ReadonlyMap<string, Installed>): Set<string> {
  const all = new Set(names);
  // What is added while it is gone through comes, too.
  for (const name of all) for (const other of installed.get(name)?.dependsOn ?? []) all.add(other);
  return all;
}

/** `a (>= 1), b | c:any` */
function namesIn(depends: string): string[] {
  return [...depends.matchAll(/(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]*)/g)].map(([, name = '']) => name);
}

function programsOf(name: string): string[] {
  return dpkgQuery('--listfiles', name)
    .split('\n')
    .filter((path) => /\/s?bin\/[^/]+$/.test(path) && lstatSync(path).isFile());
}

function dpkgQuery(...words: string[]): string {
  return execFileSync('dpkg-query', words, { encoding: 'utf8' });
}
