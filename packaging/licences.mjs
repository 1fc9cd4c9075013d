// What is bundled, for those who have to know: licence texts, and a bill of materials in CycloneDX.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Licences that may be bundled into a program under the MIT licence without more ado than their text. */
export const allowedLicences = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  '(BSD-3-Clause OR GPL-2.0)',
]);

/** Throws when a bundled package's licence has not been thought about. */
export function checkLicences(packages) {
  const odd = packages.filter(({ license }) => !allowedLicences.has(license));
  if (odd.length > 0) {
    throw new Error(
      `bundled under another licence than ${[...allowedLicences].join(', ')}: ${JSON.stringify(odd)}`,
    );
  }
}

/** Each package with the texts that its licence asks to pass on. */
export function licenceTexts(packages) {
  return packages.map(({ folder, name, version, license }) => {
    const files = readdirSync(folder)
      .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
      .sort();
    const own = files.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n');
    // Of two licences to choose from it is used under the first.
    const [chosen] = own.split(/^-*\s*GNU GENERAL PUBLIC LICENSE/m);
    const isChoice = license === '(BSD-3-Clause OR GPL-2.0)';
    const text = isChoice ? chosen.trim() : own;
    return {
      name,
      version,
      license: isChoice ? 'BSD-3-Clause' : license,
      text: text === '' ? undefined : text,
    };
  });
}

/** A machine-readable copyright file (DEP-5): this program, and one stanza for each licence text that is bundled. */
export function debianCopyright(ownLicence, packages) {
  const header = [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
    'Upstream-Name: galera-sst-tunnel',
    'Comment: the files in usr/share/galera-sst-tunnel hold, beside this program,',
    ...packages.map(({ name, version }) => ` ${name} ${version},`),
    ' whose licences follow.',
  ];
  const own = [
    'Files: *',
    'Copyright: 2026 galera-sst-tunnel developers',
    'License: MIT',
    indented(ownLicence),
  ];
  const bundled = licenceTexts(packages).map(({ name, license, text }) =>
    [
      `Files: ${name}`,
      `Copyright: ${copyrightOf(text) ?? `the authors of ${name}`}`,
      `License: ${licenceName(license, name)}`,
      indented(license === 'Apache-2.0' ? apache(text) : (text ?? `${license}, as its package.json says.`)),
    ].join('\n'),
  );
  return `${[header.join('\n'), own.join('\n'), ...bundled].join('\n\n')}\n`;
}

/** Debian has the text of this one on every system. */
function apache(text) {
  const notices = (text ?? '').split('\n').filter((line) => /^\s*copyright (?!\[|\()/i.test(line));
  return [...notices, 'On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.'].join('\n');
}

/** Texts under one name must be the same, so that each package's own has its own name. */
function licenceName(license, name) {
  const short = license === 'MIT' ? 'Expat' : license.replaceAll(/[^A-Za-z0-9.-]+/g, '-');
  return `${short}-${name.replaceAll(/[^A-Za-z0-9.-]+/g, '-').replace(/^-/, '')}`;
}

function copyrightOf(text) {
  const line = text?.split('\n').find((one) => /^\s*(the mit license.*)?copyright (\(c\)|©|\d)/i.test(one));
  return line?.trim().replace(/^copyright\s*(\(c\)|©)?\s*/i, '');
}

function indented(text) {
  return text
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n');
}

/**
 * CycloneDX 1.5 as JSON: the program, the packages that are bundled, and the files that they are bundled in.
 * @param files the bundled files, by path
 * @param epochSeconds the time that counts as now
 */
export function billOfMaterials({ name, version, license, description }, packages, files, epochSeconds) {
  const library = (one) => ({
    type: 'library',
    'bom-ref': purl(one),
    name: one.name,
    version: one.version,
    licenses: [one.license.includes(' ') ? { expression: one.license } : { license: { id: one.license } }],
    purl: purl(one),
  });
  const self = purl({ name, version });
  const sha256 = (text) => createHash('sha256').update(text).digest('hex');
  const file = ([path, { text }]) => ({
    type: 'file',
    name: path,
    hashes: [{ alg: 'SHA-256', content: sha256(text) }],
  });
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${uuidFrom(sha256([...files.values()].map(({ text }) => text).join('')))}`,
    version: 1,
    metadata: {
      timestamp: new Date(epochSeconds * 1000).toISOString(),
      component: {
        type: 'application',
        'bom-ref': self,
        name,
        version,
        description,
        licenses: [{ license: { id: license } }],
        purl: self,
      },
    },
    components: [...unique(packages).map(library), ...[...files].map(file)],
    dependencies: [{ ref: self, dependsOn: unique(packages).map(purl) }],
  };
}

const purl = ({ name, version }) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

const unique = (packages) => [...new Map(packages.map((one) => [purl(one), one])).values()];

function uuidFrom(hex) {
  const at = (from, to) => hex.slice(from, to);
  return `${at(0, 8)}-${at(8, 12)}-8${at(13, 16)}-a${at(17, 20)}-${at(20, 32)}`;
}

/** The list that the bundler has written. */
export function bundledPackages(checkout) {
  const file = join(checkout, 'dist/bin/bundled.json');
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build`);
  return JSON.parse(readFileSync(file, 'utf8')).map((one) => ({
    ...one,
    folder: join(checkout, one.folder),
  }));
}
