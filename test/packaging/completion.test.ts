import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

interface CommandLine {
  readonly commands: readonly { readonly options: readonly { flags: string; text: string }[] }[];
}

const load = async (name: string): Promise<unknown> =>
  import(new URL(`../../../packaging/${name}.mjs`, import.meta.url).href);
const { readCommandLine } = (await load('help')) as { readCommandLine: (program: string) => CommandLine };
const { bashCompletion } = (await load('completion')) as { bashCompletion: (line: CommandLine) => string };

// As many processes as there are commands.
t.setTimeout(300_000);

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const commandLine = readCommandLine(program);
const folder = mkdtempSync(join(tmpdir(), 'completion-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ['node1.crt', 'node1.key', 'node2.crt', 'my.cnf']) writeFileSync(join(folder, name), '');
mkdirSync(join(folder, 'nodes'));
writeFileSync(join(folder, 'completion'), bashCompletion(commandLine));
/** A shell that prints its words instead of running them, and that knows of two transfers. */
writeFileSync(
  join(folder, 'rc'),
  `cd ${folder}
. ./completion
PS1= PS2=
galera-sst-tunnel() {
  if [ "$*" = 'history --json' ]; then printf '  "id": "%s",\\n' 1a2b3c4d-5 99887766-5; return; fi
  printf 'words:'; printf ' %s' "$@"; echo
}
`,
);

/** What bash makes of each line when all that could stand at its end is asked for (readline's insert-completions, which sorts). */
async function complete(lines: readonly string[]): Promise<string[]> {
  const child = spawn(
    'script',
    ['--quiet', '--command', `bash --noprofile --rcfile ${folder}/rc -i`, '/dev/null'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], HOME: folder, TERM: 'dumb' },
    },
  );
  let printed = '';
  const said = async (text: RegExp): Promise<RegExpExecArray> => {
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      printed += chunk.toString();
      const found = text.exec(printed);
      if (found === null) continue;
      printed = '';
      return found;
    }
    throw new Error(`ended: ${printed}`);
  };
  const results = [];
  for (const line of lines) {
    child.stdin.write(`galera-sst-tunnel ${line}\u001B*\n`);
    results.push((await said(/words: (.*?) *\r?\n/))[1] ?? '');
  }
  child.stdin.end('exit\n');
  await new Promise((resolve) => child.once('exit', resolve));
  return results;
}

t.test('bash completes', async (t) => {
  const cases = [
    ['sub commands', 'thr', 'throttle'],
    ['and those of certs', 'certs init', 'certs init-ca'],
    ['a command to explain', 'help thr', 'help throttle'],
    ['roles', 'plan ', 'plan --help donor joiner'],
    [
      'the options of plan',
      'plan joiner --def',
      'plan joiner --defaults-extra-file --defaults-file --defaults-group-suffix',
    ],
    ['the options of one sub command only', 'certs show --', 'certs show --help --json --starttls --version'],
    ['choices', 'certs show node1:3306 --starttls ', 'certs show node1:3306 --starttls mysql none'],
    ['and other ones', 'certs issue node1 --key-type ', 'certs issue node1 --key-type ec rsa'],
    ['the same after a sign', 'agent --log-format=', 'agent --log-format=json pretty'],
    ['files', 'certs show node1', 'certs show node1.crt node1.key'],
    ['files behind an option', 'certs show --json node1.c', 'certs show --json node1.crt'],
    ['further files', 'certs bundle all.crt node2', 'certs bundle all.crt node2.crt'],
    ['an option file', 'check --defaults-file my', 'check --defaults-file my.cnf'],
    ['the same after a sign', 'check --defaults-file=my', 'check --defaults-file=my.cnf'],
    ['directories only', 'certs issue node1 --ca-dir n', 'certs issue node1 --ca-dir nodes'],
    ['where a copy goes', 'backup --to=n', 'backup --to=nodes'],
    ['ids', 'show ', 'show --help --json --socket --version 1a2b3c4d 99887766'],
    ['an id of those', 'abort 99', 'abort 99887766'],
    ['nothing where nobody can know', 'check --peer n', 'check --peer n'],
  ] as const;
  const completed = await complete(cases.map(([, line]) => line));
  for (const [index, [what, line, expected]] of cases.entries())
    t.equal(completed[index], expected, `${what}: ${line}`);
});

t.test('of every option it is known whether its value is a name of a file', async (t) => {
  const unknown = [
    'address',
    'defaults-group-suffix',
    'metrics-listen',
    'user',
    'peer',
    'replication-from',
    'donor',
  ];
  const others = ['owner', 'days', 'name', 'san', 'limit'];
  const text = bashCompletion(commandLine);
  const free = [...new Set(/^ *(\*' --.*)\) return ;;$/m.exec(text)?.[1]?.matchAll(/--([a-z-]+)/g))].map(
    ([, name]) => name,
  );
  t.strictSame(new Set(free), new Set([...unknown, ...others]));
});
