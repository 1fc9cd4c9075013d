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
  fix: 'check',
  log: 'history',
  logs: 'history',
  list: 'history',
  ping: 'status',
  ps: 'status',
  info: 'status',
  resume: 'status',
  watch: 'status --watch',
  progress: 'status --watch',
  stop: 'abort',
  kill: 'abort',
  cancel: 'abort',
  limit: 'throttle',
  rate: 'throttle',
  start: 'agent',
  serve: 'agent',
  daemon: 'agent',
  restart: 'agent',
  reload: 'agent',
  metrics: 'agent --metrics-listen',
  preview: 'plan',
  config: 'plan',
  join: 'plan joiner',
  joiner: 'plan joiner',
  donor: 'plan donor',
  'dry-run': 'plan',
  snapshot: 'backup',
  restore: 'backup',
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
  'certs check': 'certs show',
  'certs delete': 'certs revoke',
  'certs remove': 'certs revoke',
  'certs export': 'certs bundle',
};

/**
 * What is wrong with the words of a command line, and where to look.
 * @param message yargs' own (18)
 * @param help of the command that was meant, or of all
 * @param words the command line
 */
export function explainUsage(message: string, help: string, words: readonly string[] = []): string {
  const { usage, command } = usageIn(help);
  return `${explain(message, { usage, command, help, words })}\nsee ${['galera-sst-tunnel', ...command, '--help'].join(' ')}\n`;
}

/**
 * The word that should be a command, and is none.
 * @param help of the command that was meant, or of all
 * @param words the command line
 */
export function unknownCommand(help: string, words: readonly string[]): string | undefined {
  const { command } = usageIn(help);
  const next = words[command.length];
  const commands = commandsIn(help, command);
  const isKnown = next === undefined || next.startsWith('-') || commands.length === 0;
  return isKnown || commands.includes(next) ? undefined : next;
}

function usageIn(help: string): Pick<Context, 'usage' | 'command'> {
  const usage = (help.split('\n')[0] ?? '').split(' ').slice(1);
  const end = usage.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
  return { usage, command: usage.slice(0, end === -1 ? undefined : end) };
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
  return withSuggestion(
    `Unknown command: ${full(word)}`,
    meantBy(full(word.toLowerCase()), commands.map(full)),
  );
}

/** Synonyms may be misspelt, too, but what is nearly a command is that command. */
function meantBy(written: string, commands: readonly string[]): string | undefined {
  if (Object.hasOwn(synonyms, written)) return synonyms[written];
  const place = written.slice(0, written.lastIndexOf(' ') + 1);
  const nearest = (names: readonly string[]): string | undefined => {
    const name = nearestName(
      written.slice(place.length),
      names.map((one) => one.slice(place.length)),
    );
    return name === undefined ? undefined : `${place}${name}`;
  };
  const others = Object.keys(synonyms).filter(
    (name) => name.lastIndexOf(' ') + 1 === place.length && name.startsWith(place),
  );
  return nearest(commands) ?? synonyms[nearest(others) ?? ''];
}

function explainOptions(unknown: readonly string[], help: string): string {
  // yargs tells of an option with dashes once more, in camel case.
  const again = new Set(unknown.filter((name) => name.includes('-')).map(inCamelCase));
  const names = unknown.filter((name) => !again.has(name));
  const options = [...help.matchAll(/^ {2}(?:-\w, | {4})?--([a-z][a-z-]*)/gm)].map(([, name = '']) => name);
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
