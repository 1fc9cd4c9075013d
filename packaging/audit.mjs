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

/** Nothing of these is passed on, but what is passed on comes out of them. */
const makers = /^(?:@esbuild\/.*|esbuild|typescript)$/;

/**
 * What `npm audit --json` has said: a line for each weakness that was found, those of tools that only test apart, or why there is no answer.
 * @param packages those of the lock file: which are tools
 * @returns {{ weaknesses: string[], ofTools: string[] } | { silent: string }}
 */
export function readAudit(text, packages) {
  let report;
  try {
    report = JSON.parse(text);
  } catch {
    return { silent: 'npm audit printed no JSON' };
  }
  if (report.vulnerabilities === undefined) {
    return { silent: report.message ?? report.error?.summary ?? 'the registry gave no report' };
  }
  const [weaknesses, ofTools] = [[], []];
  for (const { name, severity, range, via, nodes } of Object.values(report.vulnerabilities)) {
    const isTool = !makers.test(name) && nodes.every((path) => packages[path]?.dev === true);
    const line = `${name} ${range}: ${severity}, ${via.map((one) => one.title ?? one).join('; ')}`;
    (isTool ? ofTools : weaknesses).push(line);
  }
  return { weaknesses, ofTools };
}

const options = ['--offline', '--registry-may-be-silent'];

function main(argv) {
  const unknown = argv.find((word) => !options.includes(word));
  if (unknown !== undefined) {
    console.error(`audit: expected ${options.join(' or ')}, got ${unknown}`);
    process.exitCode = 22;
    return;
  }
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const odd = oddLicences(lock);
  for (const line of odd) console.error(`audit: licence not thought about: ${line}`);
  if (odd.length === 0)
    console.log(`audit: ${Object.keys(lock.packages).length - 1} packages, all licences known`);
  const isGood = argv.includes('--offline') || askRegistry(lock, argv.includes('--registry-may-be-silent'));
  process.exitCode = odd.length > 0 || !isGood ? 1 : 0;
}

/** Whether nothing is known against what is bundled and what bundles it. */
function askRegistry({ packages }, maybeSilent) {
  const words = ['audit', '--json', '--package-lock-only', '--fetch-retries=0', '--fetch-timeout=20000'];
  const { stdout } = spawnSync('npm', words, { encoding: 'utf8', timeout: 60_000 });
  const answer = readAudit(stdout ?? '', packages);
  if ('silent' in answer) {
    console.error(`audit: NOTHING WAS AUDITED, the registry tells nothing of weaknesses: ${answer.silent}`);
    return maybeSilent;
  }
  for (const line of answer.ofTools) console.log(`audit: in a tool that only tests: ${line}`);
  for (const line of answer.weaknesses) console.error(`audit: ${line}`);
  if (answer.weaknesses.length > 0) return false;
  console.log('audit: the registry knows of no weakness in what is bundled, nor in what bundles it');
  return true;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) main(process.argv.slice(2));
