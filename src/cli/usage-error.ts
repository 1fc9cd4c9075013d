import { nearestName } from '../config/unknown-options.js';

/**
 * What is wrong with the words of a command line, and where to look.
 * @param message yargs' own (18)
 * @param help of the command that was meant, or of all
 */
export function explainUsage(message: string, help: string): string {
  const usage = (help.split('\n')[0] ?? '').split(' ').slice(1);
  const end = usage.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
  const command = usage.slice(0, end === -1 ? undefined : end);
  const missing = /^Not enough non-option arguments: got (\d+)/.exec(message)?.[1];
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(', ');
  const explained =
    missing !== undefined
      ? `${command.join(' ')}: expected ${required(usage).slice(Number(missing)).join(' ')}`
      : unknown !== undefined
        ? withSuggestion(unknown, help)
        : message;
  return `${explained}\nsee ${['galera-sst-tunnel', ...command, '--help'].join(' ')}\n`;
}

/** `<node>`, `<files..>` */
function required(usage: readonly string[]): readonly string[] {
  return usage.filter((word) => /^<.*>$/.test(word));
}

function withSuggestion(unknown: readonly string[], help: string): string {
  // yargs tells of an option with dashes once more, in camel case.
  const again = new Set(unknown.filter((name) => name.includes('-')).map(inCamelCase));
  const names = unknown.filter((name) => !again.has(name));
  const options = [...help.matchAll(/^ {2}(?:-\w, )?--([a-z][a-z-]*)/gm)].map(([, name = '']) => name);
  const meant = nearestName(names[0] ?? '', options);
  const said = `Unknown argument${names.length === 1 ? '' : 's'}: ${names.join(', ')}`;
  return meant === undefined ? said : `${said}. Did you mean --${meant}?`;
}

function inCamelCase(name: string): string {
  return name.replaceAll(/-(.)/g, (_dash, letter: string) => letter.toUpperCase());
}
