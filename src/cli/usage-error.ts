import { nearestName } from '../config/unknown-options.js';

/** What is said where there is no command. */
export const noCommand = 'name a command; --help lists them';

/** What people call things, and what it is called here. Words of two stand for a command of a command. */
const synonyms: Readonly<Record<string, string>> = {
  doctor: 'check',
  diagnose: 'check',
  verify: 'check',
  validate: 'check',
  test: 'check',
  install: 'check',
  log: 'history',
  logs: 'history',
  list: 'history',
  ping: 'status',
  ps: 'status',
  info: 'status',
  watch: 'status --watch',
  stop: 'abort',
  kill: 'abort',
  cancel: 'abort',
  limit: 'throttle',
  rate: 'throttle',
  start: 'agent',
  serve: 'agent',
  daemon: 'agent',
  preview: 'plan',
  'dry-run': 'plan',
  snapshot: 'backup',
  version: '--version',
  certificate: 'certs',
  certificates: 'certs',
  'init-ca': 'certs init-ca',
  issue: 'certs issue',
  'self-signed': 'certs self-signed',
  renew: 'certs renew',
  bundle: 'certs bundle',
  revoke: 'certs revoke',
  crl: 'certs crl',
  'certs create': 'certs issue',
  'certs new': 'certs issue',
  'certs sign': 'certs issue',
  'certs list': 'certs show',
  'certs verify': 'certs show',
};

/**
 * What is wrong with the words of a command line, and where to look.
 * @param message yargs' own (18)
 * @param help of the command that was meant, or of all
 * @param words the command line
 */
export function explainUsage(message: string, help: string, words: readonly string[] = []): string {
  const usage = (help.split('\n')[0] ?? '').split(' ').slice(1);
  const end = usage.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
  const command = usage.slice(0, end === -1 ? undefined : end);
  return `${explain(message, { usage, command, help, words })}\nsee ${['galera-sst-tunnel', ...command, '--help'].join(' ')}\n`;
}

interface Context {
  /** `certs issue <node>` */
  readonly usage: readonly string[];
  /** `certs issue` */
  readonly command: readonly string[];
  readonly help: string;
  readonly words: readonly string[];
}

function explain(message: string, context: Context): string {
  const { usage, command, help, words } = context;
  const missing = /^Not enough non-option arguments: got (\d+)/.exec(message)?.[1];
  if (missing !== undefined)
    return `${command.join(' ')}: expected ${required(usage).slice(Number(missing)).join(' ')}`;
  const invalid = /Argument: (\S+), Given: "(.*)", Choices: (.*)/.exec(message);
  if (invalid !== null) return explainChoice(invalid);
  const next = words[command.length] ?? '';
  // yargs misses the command before it looks at the options.
  const unknown =
    message === noCommand && next.startsWith('--')
      ? [next.replace(/^--/, '').replace(/=.*/, '')]
      : /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(', ');
  if (unknown === undefined) return message;
  const commands = commandsIn(help, command);
  const isCommand = commands.length > 0 && unknown.includes(next);
  return isCommand ? explainCommand(command, next, commands) : explainOptions(unknown, help);
}

/** `<node>`, `<files..>` */
function required(usage: readonly string[]): readonly string[] {
  return usage.filter((word) => /^<.*>$/.test(word));
}

function explainChoice([, name = '', given = '', listed = '']: RegExpExecArray): string {
  const choices = [...listed.matchAll(/"([^"]*)"/g)].map(([, choice = '']) => choice);
  const expected = `${name}: expected ${choices.join(' or ')}, got ${JSON.stringify(given)}`;
  return withSuggestion(expected, nearestName(given, choices));
}

/** The names of those below `command`; none where it has no others. */
function commandsIn(help: string, command: readonly string[]): readonly string[] {
  const [, list = ''] = /^Commands:\n((?: .*\n)*)/m.exec(help) ?? [];
  return list.split('\n').flatMap((line) => line.trim().split(' ')[command.length + 1] ?? []);
}

function explainCommand(command: readonly string[], word: string, commands: readonly string[]): string {
  const full = (name: string): string => [...command, name].join(' ');
  const nearest = nearestName(word, commands);
  const meant = Object.hasOwn(synonyms, full(word))
    ? synonyms[full(word)]
    : nearest === undefined
      ? undefined
      : full(nearest);
  return withSuggestion(`Unknown command: ${full(word)}`, meant);
}

function explainOptions(unknown: readonly string[], help: string): string {
  // yargs tells of an option with dashes once more, in camel case.
  const again = new Set(unknown.filter((name) => name.includes('-')).map(inCamelCase));
  const names = unknown.filter((name) => !again.has(name));
  const options = [...help.matchAll(/^ {2}(?:-\w, )?--([a-z][a-z-]*)/gm)].map(([, name = '']) => name);
  const meant = nearestName(names[0] ?? '', options);
  return withSuggestion(
    `Unknown argument${names.length === 1 ? '' : 's'}: ${names.join(', ')}`,
    meant === undefined ? undefined : `--${meant}`,
  );
}

function withSuggestion(said: string, meant: string | undefined): string {
  return meant === undefined ? said : `${said}. Did you mean ${meant}?`;
}

function inCamelCase(name: string): string {
  return name.replaceAll(/-(.)/g, (_dash, letter: string) => letter.toUpperCase());
}
