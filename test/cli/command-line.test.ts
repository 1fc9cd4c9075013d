import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { sstUsage } from '../../src/cli/sst-usage.js';

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
    [['certs', 'isue', 'node1'], /Did you mean certs issue\?/],
    [['doctor'], /^Unknown command: doctor\. Did you mean check\?\nsee galera-sst-tunnel --help\n$/],
    [['zebra'], /^Unknown command: zebra\nsee galera-sst-tunnel --help\n$/],
    [['HELP'], /^Unknown command: HELP\. Did you mean help\?\n/],
    [['help', 'doctor'], /^Unknown command: doctor\. Did you mean check\?\nsee galera-sst-tunnel --help\n$/],
    [['-h', 'doctor'], /^Unknown command: doctor\. Did you mean check\?\n/],
    [['checks', '--help'], /^Unknown command: checks\. Did you mean check\?\n/],
    [['help', 'certs', 'renwe'], /^Unknown command: certs renwe\. Did you mean certs renew\?\n/],
    [['certs', 'renwe', '-h'], /Did you mean certs renew\?\nsee galera-sst-tunnel certs --help\n$/],
    [['plan', 'joiner', '--address=x', '--adress'], /--adress has no value; was --address meant\? HINT: /],
    [['plan', 'joiner', '--mysqld-args', '-h', '/x'], /--address is missing/],
    [['--verison'], /^Unknown argument: verison\. Did you mean --version\?\n/],
    [['plan', 'joner'], /^role: expected joiner or donor, got "joner"\. Did you mean joiner\?\n/],
    [['plan', 'joiner'], /--address is missing HINT: see galera-sst-tunnel plan --help\n$/],
    [['agent', '--metrics-listen', 'foo'], /HINT: see galera-sst-tunnel agent --help/],

    [['throttle', 'abc'], /HINT: .*see galera-sst-tunnel throttle --help\n$/],
    [
      ['check', '--pear', 'x'],
      /Unknown argument: pear\. Did you mean --peer\?\nsee galera-sst-tunnel check --help\n$/,
    ],
    [['certs', 'issue'], /^certs issue: expected <node>\nsee galera-sst-tunnel certs issue --help\n$/],
    [['certs', 'bundle', 'all.crt'], /^certs bundle: expected <files\.\.>\n/],
    [['throttle'], /^throttle: expected <rate>\nsee galera-sst-tunnel throttle --help\n$/],
    [['plan'], /see galera-sst-tunnel plan --help\n$/],
    [['certs'], /see galera-sst-tunnel certs --help\n$/],
    [['rehearse', '--preflight', '--start-server'], /mutually exclusive/],
    [['check', '--peer', 'node1', '--peer', 'node2'], /--peer is given more than once/],
    [['check', '--peer'], /Not enough arguments following: peer/],
    [['certs', 'issue', 'node1', '--days', '0.5'], /--days must be a whole number from 1 to 36500/],
    [['certs', 'issue', 'node1', '--days', '36501'], /--days must be a whole number from 1 to 36500/],
    [['certs', 'issue', 'node1', '--days'], /Not enough arguments following: days/],
    [['certs', 'init-ca', '--name', ''], /--name must not be empty/],
    [
      ['certs', 'show', '::1:3306'],
      /"?::1:3306"? is an IPv6 address, and has no port HINT: name it as \[::1:3306\]:3306/,
    ],
    [['certs', 'show', 'localhost:99999'], /port "99999" .* HINT: name it as certs show HOST:PORT/],
    [[], /name a command/],
  ] as const;
  for (const [words, says] of cases) {
    const { status, stdout, stderr } = run(...words);
    t.equal(status, 22, words.join(' '));
    t.match(stderr, says);
    t.equal(stdout, '');
  }
});

t.test('the help of what the server runs is its own alone', async (t) => {
  const script = fileURLToPath(new URL('../../../scripts/wsrep_sst_rsync_tunnel', import.meta.url));
  t.strictSame(run('sst', '--help'), { status: 0, stdout: sstUsage, stderr: '' });
  t.equal(run('sst', '-h').stdout, sstUsage);
  t.equal(execFileSync(script, ['--help'], { encoding: 'utf8' }), sstUsage);
});

t.test('certs crl finds the CA where certs revoke does', async (t) => {
  const dir = t.testdir();
  t.equal(run('certs', 'init-ca', '--dir', `${dir}/ca`, '--key-type', 'ec').status, 0);
  const { status, stdout, stderr } = run('certs', 'crl', '--ca-dir', `${dir}/ca`);
  t.equal(status, 0, stderr);
  t.match(stdout, `wrote ${dir}/ca/crl.pem: number 1, 0 revoked`);
  for (const command of ['crl', 'revoke']) {
    const help = run('certs', command, '--help').stdout.replace(/\s+/g, ' ');
    t.notMatch(help, 'where the files are written');
    t.match(help, /--node-dir [^-]*default: the CA's directory/, command);
    t.match(help, '--ca-dir /root/galera-ca --node-dir /etc/mysql/ssl', command);
  }
});

t.test('help about a command is the help of that command', async (t) => {
  for (const words of [[], ['status'], ['certs', 'issue'], ['sst']])
    for (const asked of [
      ['help', ...words],
      [...words, '-h'],
    ])
      t.strictSame(run(...asked), run(...words, '--help'), asked.join(' '));
  t.equal(run('plan', 'joiner', '-h').stdout, run('plan', '--help').stdout);
  t.strictSame(run('help', 'help'), run('--help'));
});

const commands = [
  ...[
    [],
    ['sst'],
    ['check'],
    ['rehearse'],
    ['backup'],
    ['agent'],
    ['plan', 'joiner'],
    ['status'],
    ['history'],
    ['show'],
  ],
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
