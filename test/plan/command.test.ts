import { execFileSync } from 'node:child_process';
import t from 'tap';
import { showCommand } from '../../src/plan/command.js';

t.test('a command is shown as it can be pasted into a shell', async (t) => {
  t.equal(showCommand({ name: 'n', program: 'rsync', args: ['--version'] }), 'rsync --version');
  t.equal(
    showCommand({
      name: 'n',
      program: 'rsync',
      args: ['a b', '$c'],
      cwd: '/with space',
      env: { TO: "OPENSSL:node1:4444,cn='x'", RSYNC_PASSWORD: '0123abcd' },
      secretEnv: ['RSYNC_PASSWORD'],
    }),
    `cd '/with space' && TO='OPENSSL:node1:4444,cn='\\''x'\\''' RSYNC_PASSWORD="$SECRET" rsync 'a b' '$c'`,
  );
});

t.test('what is shown does what the command does', async (t) => {
  const cwd = t.testdir({ 'a b': {} });
  const shown = showCommand({
    name: 'n',
    program: 'sh',
    args: ['-c', 'printf "%s|" "$PWD" "$V" "$S" "$@"', 'sh', "it's", ''],
    cwd: `${cwd}/a b`,
    env: { V: '$(x)', S: 'hidden' },
    secretEnv: ['S'],
  });
  t.notMatch(shown, 'hidden');
  const printed = execFileSync('sh', ['-c', shown], {
    encoding: 'utf8',
    env: { ...process.env, SECRET: 'told' },
  });
  t.equal(printed, `${cwd}/a b|$(x)|told|it's||`);
});
