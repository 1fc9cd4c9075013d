// Makes the npm package: node packaging/npm-package.mjs [--output DIR]. Everything is bundled, so that it depends on nothing.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundledPackages, checkLicences, licenceTexts } from './licences.mjs';
import { linksInPackage } from './links.mjs';
import { writeTree } from './write.mjs';

const checkout = resolve(import.meta.dirname, '..');
const { values: given } = parseArgs({
  options: { output: { type: 'string', default: join(checkout, 'dist/package') } },
});

process.umask(0o022);
mkdirSync(given.output, { recursive: true });
const root = mkdtempSync(join(tmpdir(), 'galera-sst-tunnel-npm-'));
try {
  writeTree(root, contents());
  const [made] = JSON.parse(npm(root, 'pack', '--json', '--pack-destination', resolve(given.output)));
  console.log(join(given.output, made.filename));
} finally {
  rmSync(root, { recursive: true, force: true });
}

/** What npm would pack of the checkout, with the licences of what is bundled. */
function contents() {
  const packages = bundledPackages(checkout);
  checkLicences(packages);
  const [{ files }] = JSON.parse(npm(checkout, 'pack', '--dry-run', '--ignore-scripts', '--json'));
  const modes = new Map(files.map(({ path, mode }) => [path, mode]));
  const read = (path) => readFileSync(join(checkout, path), 'utf8');
  const texts = [...modes].map(([path, mode]) => {
    const text = path.endsWith('.md') ? linksInPackage(read(path), { page: path, files: modes }) : read(path);
    return [path, { text, mode }];
  });
  return new Map([
    ...texts,
    ['package.json', { text: described(read('package.json')), mode: 0o644 }],
    ['LICENSES-OF-BUNDLED', { text: licencesOf(packages), mode: 0o644 }],
  ]);
}

function licencesOf(packages) {
  const texts = licenceTexts(packages).map(
    ({ name, version, license, text }) =>
      `${name} ${version}: ${license}\n\n${text ?? 'as its package.json says'}`,
  );
  return `${['Beside this program dist/bin holds:', ...texts].join('\n\n----\n\n')}\n`;
}

function described(text) {
  const all = JSON.parse(text);
  for (const name of ['dependencies', 'devDependencies', 'scripts']) delete all[name];
  return `${JSON.stringify({ ...all, files: [...all.files, 'LICENSES-OF-BUNDLED'] }, undefined, 2)}\n`;
}

function npm(folder, ...words) {
  return execFileSync('npm', words, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
