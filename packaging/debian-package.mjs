// Makes the Debian package and its bill of materials: node packaging/debian-package.mjs [--output DIR] [--revision N].
// Built twice from one commit both files have the same bytes: times are the commit's, owners root's.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { billOfMaterials, bundledPackages, checkLicences, debianCopyright } from './licences.mjs';
import { linksInPackage } from './links.mjs';
import { programFiles, systemFiles } from './tree.mjs';
import { writeTree } from './write.mjs';

const checkout = resolve(import.meta.dirname, '..');
const { values: given } = parseArgs({
  options: {
    output: { type: 'string', default: join(checkout, 'dist/package') },
    revision: { type: 'string', default: '1' },
  },
});
const read = (path) => readFileSync(join(checkout, path), 'utf8');
const described = JSON.parse(read('package.json'));
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? git('log', '-1', '--format=%ct'));
const maintainer = 'galera-sst-tunnel developers <maintainers@galera-sst-tunnel.example>';
const version = `${described.version}-${given.revision}`;
const conffiles = ['/etc/default/galera-sst-tunnel', '/etc/mysql/mariadb.conf.d/61-galera-sst-tunnel.cnf'];

process.umask(0o022);
const root = mkdtempSync(join(tmpdir(), 'galera-sst-tunnel-package-'));
try {
  build();
} finally {
  rmSync(root, { recursive: true, force: true });
}

function build() {
  const packages = bundledPackages(checkout);
  checkLicences(packages);
  const files = payload(packages);
  const bundled = [...files].filter(([path]) => path.startsWith('usr/share/galera-sst-tunnel/'));
  const bill = billOfMaterials(described, packages, new Map(bundled), epoch);
  chmodSync(root, 0o755);
  writeTree(root, files);
  writeTree(root, control(files));
  execFileSync('find', [root, '-exec', 'touch', '--no-dereference', `--date=@${epoch}`, '{}', '+']);
  const name = `galera-sst-tunnel_${version}_all`;
  mkdirSync(given.output, { recursive: true });
  // Whole or not at all: somebody may install it while it is made again.
  const unfinished = join(given.output, `.${name}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', root, unfinished], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  renameSync(unfinished, join(given.output, `${name}.deb`));
  writeFileSync(join(given.output, `${name}.cdx.json`), `${JSON.stringify(bill, undefined, 2)}\n`);
  for (const ending of ['deb', 'cdx.json']) console.log(join(given.output, `${name}.${ending}`));
}

function payload(packages) {
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  const program = programFiles(checkout, { prefix: '/usr', version: described.version, date });
  const compressed = [...program].map(([path, file]) =>
    path.startsWith('share/man/') ? [`usr/${path}.gz`, zipped(file.text)] : [`usr/${path}`, file],
  );
  const doc = 'usr/share/doc/galera-sst-tunnel';
  const manual = documentation();
  const renamed = { LICENSE: 'copyright', 'CHANGELOG.md': 'changelog.gz' };
  const files = new Set([...Object.values(renamed), ...manual.keys()]);
  const pages = [...manual].map(([page, text]) => [
    `${doc}/${page}`,
    plain(page.endsWith('.md') ? linksInPackage(text, { page, files, renamed }) : text),
  ]);
  return new Map([
    ...compressed,
    ...systemFiles(checkout, { prefix: '/usr' }),
    [`${doc}/copyright`, plain(debianCopyright(read('LICENSE').replace(/^MIT License\s*/, ''), packages))],
    [`${doc}/changelog.gz`, zipped(read('CHANGELOG.md'))],
    [`${doc}/changelog.Debian.gz`, zipped(debianChangelog())],
    ...pages,
    ['usr/share/lintian/overrides/galera-sst-tunnel', plain(read('packaging/debian/lintian-overrides'))],
  ]);
}

/** README and manual by path, as the checkout has them. */
function documentation() {
  const paths = git('ls-files', 'README.md', 'docs').split('\n');
  return new Map(paths.filter((path) => path !== '').map((path) => [path, read(path)]));
}

function control(files) {
  const contents = [...files].filter(([, file]) => file.link === undefined);
  const bytes = contents.reduce((sum, [, { text }]) => sum + text.length, 0);
  const text = read('packaging/debian/control')
    .replace('@VERSION@', version)
    .replace('@MAINTAINER@', maintainer)
    .replace('@SIZE@', String(Math.ceil(bytes / 1024)));
  const sums = contents
    .filter(([path]) => !path.startsWith('etc/'))
    .map(([path, file]) => `${md5(file.text)}  ${path}\n`);
  return new Map([
    ['DEBIAN/control', plain(text)],
    ['DEBIAN/conffiles', plain(`${conffiles.join('\n')}\n`)],
    ['DEBIAN/md5sums', plain(sums.sort().join(''))],
    ...['postinst', 'prerm', 'postrm'].map((name) => [
      `DEBIAN/${name}`,
      { text: read(`packaging/debian/${name}`), mode: 0o755 },
    ]),
  ]);
}

function debianChangelog() {
  const date = execFileSync('date', ['--utc', '--rfc-email', `--date=@${epoch}`], {
    encoding: 'utf8',
  }).trim();
  return `galera-sst-tunnel (${version}) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- ${maintainer}  ${date}\n`;
}

/** As Debian wants it: best compression, without name and time. */
function zipped(text) {
  return plain(execFileSync('gzip', ['-9', '--no-name', '--stdout'], { input: text }));
}

function plain(text) {
  return { text, mode: 0o644 };
}

function md5(text) {
  return createHash('md5').update(text).digest('hex');
}

function git(...args) {
  return execFileSync('git', ['-C', checkout, ...args], { encoding: 'utf8' }).trim();
}
