import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { optionDescriptions } from '../../src/config/option-descriptions.js';
import { errorTable } from '../../src/errors.js';
import { blocksOf, commandsIn, yamlBlocksOf } from './blocks.js';

interface Help {
  readonly readCommandLine: (program: string) => {
    readonly commands: readonly {
      readonly name: string;
      readonly synopsis: string;
      readonly options: readonly { readonly flags: string }[];
      readonly epilogue: readonly string[];
    }[];
  };
}

interface About {
  readonly date: string;
  readonly version: string;
}

interface Manual {
  readonly commandManual: (line: ReturnType<Help['readCommandLine']>, about: About) => string;
  readonly scriptManual: (errors: typeof errorTable, about: About) => string;
  readonly optionManual: (descriptions: typeof optionDescriptions, about: About) => string;
  readonly escape: (text: string) => string;
}

// As many processes as there are commands.
t.setTimeout(300_000);

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(checkout, path), 'utf8');
const { readCommandLine } = (await import(
  new URL('../../../packaging/help.mjs', import.meta.url).href
)) as Help;
const commandLine = readCommandLine(fileURLToPath(new URL('../../src/cli/main.js', import.meta.url)));
const optionsOf = new Map(
  commandLine.commands.map(({ name, options }) => [name, new Set(options.map(({ flags }) => flags))]),
);
/** Those of the server, which are not this program's to explain. */
const ofServer = /^--(datadir|defaults-|address|bypass)/;

/** What is wrong with a command line: a command that there is none of, or an option that it has not. */
function faultsOf(line: string): string[] {
  const [, text = ''] = /galera-sst-tunnel (.*)$/.exec(line) ?? [];
  const words = text.replace(/ +#.*/, '').split(/\s+/);
  const names = [words.slice(0, 2).join(' '), words[0] ?? ''];
  // `certs` alone stands for its commands.
  if (words[0]?.startsWith('--') === true || names[0] === 'certs') return [];
  const options = optionsOf.get(names[0] ?? '') ?? optionsOf.get(names[1] ?? '');
  if (options === undefined) return [`no command: ${line}`];
  const given = words.filter((word) => /^--[a-z]/.test(word) && !ofServer.test(word));
  return given
    .map((word) => word.replace(/=.*/, ''))
    .filter((word) => !options.has(word))
    .map((word) => `${word}: ${line}`);
}

const commandLinesIn = (text: string): string[] =>
  [
    ...blocksOf(text).flatMap((block) => block.split('\n')),
    ...[...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code),
    ...yamlBlocksOf(text)
      .flatMap(commandsIn)
      .map((words) => words.join(' ')),
  ].filter((line) => /(^|&& (?:exec )?|clear-groups |-- )galera-sst-tunnel [a-z]/.test(line));

t.test('pages speak of commands and options that there are', async (t) => {
  const pages = ['README.md', ...readdirSync(join(checkout, 'docs')).map((name) => `docs/${name}`)];
  let seen = 0;
  for (const page of pages.filter((name) => name.endsWith('.md'))) {
    const lines = commandLinesIn(read(page));
    seen += lines.length;
    t.strictSame(lines.flatMap(faultsOf), [], page);
  }
  t.ok(seen > 50, 'commands were found');
});

const manual = (await import(new URL('../../../packaging/manual.mjs', import.meta.url).href)) as Manual;
const about = { date: '2026-11-22', version: '1.0.0' };

t.test('the manual page has what --help has of every command', async (t) => {
  const { escape } = manual;
  const page = manual.commandManual(commandLine, about);
  const status = page.split('\n.SH EXIT STATUS\n')[1] ?? '';
  for (const { name, synopsis, options, epilogue } of commandLine.commands) {
    const own = page.split(`\n.SS ${escape(synopsis)}\n`)[1]?.split(/\n\.S[SH] /)[0] ?? '';
    for (const { flags } of options)
      if (!['--help', '--version'].includes(flags))
        t.ok(own.includes(`.B ${escape(flags)}\n`), `${name} ${flags}`);
    for (const line of epilogue) t.ok(own.includes(escape(line)), `${name}: ${line}`);
    for (const line of epilogue.filter((one) => one.startsWith('Exit status: ')))
      t.ok(status.includes(`.B ${escape(name)}\n${escape(line.slice(13))}\n`), `${name}: ${line}`);
  }
  t.match(
    commandLine.commands.filter(({ epilogue }) => epilogue.length > 0).map(({ name }) => name),
    ['plan', 'check', 'rehearse', 'backup'],
  );
});

t.test('plan tells of the options that decide what it prints', async (t) => {
  const help = commandLine.commands.find(({ name }) => name === 'plan');
  t.match(help?.synopsis, '--address ADDRESS');
  for (const option of ['--address', '--datadir', '--defaults-file', '--defaults-group-suffix', '--bypass'])
    t.ok(optionsOf.get('plan')?.has(option), option);
});

t.test('groff has nothing to complain of in the manual pages', async (t) => {
  for (const [name, text] of [
    ['galera-sst-tunnel(1)', manual.commandManual(commandLine, about)],
    ['wsrep_sst_rsync_tunnel(1)', manual.scriptManual(errorTable, about)],
    ['galera-sst-tunnel(5)', manual.optionManual(optionDescriptions, about)],
  ] as const) {
    const words = ['-man', '-Tutf8', '-ww', '-P-cbou'];
    const { stdout, stderr, error } = spawnSync('groff', words, { input: text, encoding: 'utf8' });
    t.equal(error, undefined);
    t.equal(stderr, '', name);
    t.match(stdout, 'SEE ALSO', 'it is printed to its end');
  }
});

t.test('so do hints', async (t) => {
  for (const [code, { hint }] of Object.entries(errorTable)) {
    const spoken = [...hint.matchAll(/galera-sst-tunnel (--[a-z]+|(?:certs )?[a-z][a-z-]*(?: --[a-z-]+)*)/g)];
    // A sentence may go on behind the name: the manual page, the package.
    const commands = spoken
      .map(([words]) => words)
      .filter((words) => !/tunnel (lists|does|and)$/.test(words));
    t.strictSame(commands.flatMap(faultsOf), [], code);
  }
});
