// The command line as its own --help describes it, as data: man pages and completion are made from it, so that they
// say what the program does.
import { execFileSync } from 'node:child_process';

/**
 * Asks the program for the help of each of its commands.
 * @param program path of the bundled program
 */
export function readCommandLine(program) {
  const top = parseHelp(ask(program, ['--help']));
  return { ...top, commands: top.commands.flatMap((command) => withHelp(program, command)) };
}

/** A command, or those that it consists of. */
function withHelp(program, { words, text }) {
  const names = words.filter((word) => /^[a-z]/.test(word));
  // Its own help is that of all.
  const help = parseHelp(names[0] === 'help' ? '' : ask(program, [...names, '--help']));
  if (names[0] === 'help') return [{ ...help, name: 'help', synopsis: words.join(' '), text }];
  if (help.commands.length > 0) return help.commands.flatMap((command) => withHelp(program, command));
  return [{ name: names.join(' '), synopsis: help.usage.replace(/^galera-sst-tunnel /, ''), text, ...help }];
}

function ask(program, args) {
  const env = { PATH: process.env.PATH };
  return execFileSync(process.execPath, [program, ...args], { encoding: 'utf8', env });
}

/** Takes yargs' help apart (yargs 18, without wrapping): sections of lines with two columns. */
export function parseHelp(text) {
  const sections = new Map();
  let lines = [];
  sections.set('', lines);
  for (const line of text.split('\n')) {
    const title = /^([A-Z][a-z]+):$/.exec(line)?.[1];
    if (title === undefined) lines.push(line);
    else sections.set(title, (lines = []));
  }
  const rows = (title) => (sections.get(title) ?? []).filter((line) => line.startsWith('  ')).map(columns);
  const [usage = '', ...described] = sections.get('').filter((line) => line !== '');
  sections.delete('');
  return {
    usage,
    described,
    commands: rows('Commands')
      .map(([first, text]) => ({ words: first.split(' ').slice(1), text }))
      // The server's script runs this one; its words are the server's.
      .filter(({ words }) => words[0] !== 'sst'),
    positionals: rows('Positionals').map(([name, text]) => ({ name, text })),
    options: rows('Options').map(([flags, text]) => ({ flags: flags.replace(/^-\w, /, ''), text })),
    examples: rows('Examples').map(([command, text]) => ({ command, text })),
    // What stands behind the sections, whichever is the last.
    epilogue: [...sections.values()].flat().filter((line) => /^\S/.test(line)),
  };
}

function columns(line) {
  const [first, ...rest] = line.trim().split(/ {2,}/);
  return [first, rest.join('  ')];
}
