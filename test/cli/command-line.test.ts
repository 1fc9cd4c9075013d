import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';

// As many processes as there are commands.
t.setTimeout(300_000);

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

const run = (...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], { encoding: 'utf8' });
  return { status, stdout, stderr };
};

t.test('what is no command or option ends with 22, and names the nearest', async (t) => {
  const cases = [
    [['chek'], /Did you mean check\?/],
    [['certs', 'isue', 'node1'], /Did you mean issue\?/],
    [['check', '--pear', 'x'], /Unknown argument: pear/],
    [['rehearse', '--preflight', '--start-server'], /mutually exclusive/],
    [['check', '--peer', 'node1', '--peer', 'node2'], /--peer is given more than once/],
    [['check', '--peer'], /Not enough arguments following: peer/],
    [['certs', 'issue', 'node1', '--days', '0.5'], /--days must be a whole number/],
    [[], /name a command/],
  ] as const;
  for (const [words, says] of cases) {
    const { status, stdout, stderr } = run(...words);
    t.equal(status, 22, words.join(' '));
    t.match(stderr, says);
    t.equal(stdout, '');
  }
});

const commands = [
  ...[['check'], ['rehearse'], ['backup'], ['agent'], ['plan', 'joiner'], ['status'], ['history'], ['show']],
  ...[['abort'], ['throttle'], ['certs']],
  ...['init-ca', 'issue', 'self-signed', 'renew', 'show', 'bundle', 'revoke', 'crl'].map((word) => [
    'certs',
    word,
  ]),
];

t.test('the help of every command has an example', async (t) => {
  for (const words of commands) {
    const help = execFileSync(process.execPath, [program, ...words, '--help'], { encoding: 'utf8' });
    t.match(help, /Examples:\n {2}\S/, words.join(' '));
  }
});
