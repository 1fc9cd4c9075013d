import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { errorTable } from '../../src/errors.js';
import { blocksOf, commandsIn, yamlBlocksOf } from './blocks.js';

interface Help {
  readonly readCommandLine: (program: string) => {
    readonly commands: readonly {
      readonly name: string;
      readonly options: readonly { readonly flags: string }[];
    }[];
  };
}

interface Manual {
  readonly commandManual: (
    line: ReturnType<Help['readCommandLine']>,
    about: { date: string; version: string },
  ) => string;
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
  if (words[0]?.startsWith('--') === true || names[1] === 'certs') return [];
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

t.test(
  'the manual page has every command and option of --help, and nothing troff would swallow',
  async (t) => {
    const { commandManual, escape } = (await import(
      new URL('../../../packaging/manual.mjs', import.meta.url).href
    )) as Manual;
    const manual = commandManual(commandLine, { date: '2026-11-22', version: '1.0.0' });
    for (const [name, options] of optionsOf) {
      const [, section = ''] = manual.split(
        new RegExp(`^\\.SS ${escape(name).replaceAll('\\', '\\\\')}\\b.*$`, 'm'),
      );
      const own = section.split('\n.SS ')[0] ?? '';
      for (const option of options)
        if (!['--help', '--version'].includes(option))
          t.ok(own.includes(`.B ${escape(option)}`), `${name} ${option}`);
    }
    t.notMatch(manual, /^'/m);
  },
);

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
