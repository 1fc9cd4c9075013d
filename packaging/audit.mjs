// scripts/audit: licences and known weaknesses of the packages that package-lock.json names. Nothing has to be installed for it.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { allowedLicences } from './licences.mjs';

/** What only builds and tests may come under these, too: nothing of it is passed on. */
const allowedForTools = new Set([
  ...allowedLicences,
  'BlueOak-1.0.0',
  'Python-2.0',
  'CC0-1.0',
  'CC-BY-3.0',
  '(MIT OR CC0-1.0)',
  '(WTFPL OR MIT)',
]);

/** These name no licence in their package.json, but have the text of one. */
const licencesByText = { 'jsonc-simple-parser': 'MIT' };

/** The packages of a lock file whose licence has not been thought about: `name version: licence`. */
export function oddLicences({ packages }) {
  return Object.entries(packages).flatMap(([path, { version, license, dev }]) => {
    const name = path.replace(/^.*node_modules\//, '');
    const found = license ?? licencesByText[name] ?? 'none named';
    const isKnown = (dev === true ? allowedForTools : allowedLicences).has(found);
    return path === '' || isKnown ? [] : [`${name} ${version}: ${found}`];
  });
}

/**
 * What `npm audit --json` has said: the weaknesses that were found, a line each, or why there is no answer.
 * @returns {{ weaknesses: string[] } | { silent: string }}
 */
export function readAudit(text) {
  let report;
  try {
    report = JSON.parse(text);
  } catch {
    return { silent: 'npm audit printed no JSON' };
  }
  if (report.vulnerabilities === undefined) {
    return { silent: report.message ?? report.error?.summary ?? 'the registry gave no report' };
  }
  const lines = Object.values(report.vulnerabilities).map(
    ({ name, severity, range, via }) =>
      `${name} ${range}: ${severity}, ${via.map((one) => one.title ?? one).join('; ')}`,
  );
  return { weaknesses: lines };
}

function main(argv) {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const odd = oddLicences(lock);
  for (const line of odd) console.error(`audit: licence not thought about: ${line}`);
  if (odd.length === 0)
    console.log(`audit: ${Object.keys(lock.packages).length - 1} packages, all licences known`);
  const found = argv.includes('--offline') ? [] : askRegistry();
  process.exitCode = odd.length + found.length > 0 ? 1 : 0;
}

function askRegistry() {
  const words = [
    'audit',
    '--json',
    '--omit=dev',
    '--package-lock-only',
    '--fetch-retries=0',
    '--fetch-timeout=20000',
  ];
  const { stdout } = spawnSync('npm', words, { encoding: 'utf8', timeout: 60_000 });
  const answer = readAudit(stdout ?? '');
  if ('silent' in answer) {
    console.log(`audit: the registry tells nothing of weaknesses: ${answer.silent}`);
    return [];
  }
  for (const line of answer.weaknesses) console.error(`audit: ${line}`);
  if (answer.weaknesses.length === 0)
    console.log('audit: the registry knows of no weakness in what is bundled');
  return answer.weaknesses;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) main(process.argv.slice(2));
