import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fc from 'fast-check';
import t from 'tap';
import { parseAuth, parseStdin } from '../../src/sst-script/secrets.js';

const secret = '0123456789abcdef'.repeat(3);

t.test('the secret is read from the environment of a server to 10.11', async (t) => {
  const cases = [
    [`sst:${secret}`, secret],
    [`sst:${'a'.repeat(32)}`, 'a'.repeat(32)],
    [`sst:${'a'.repeat(31)}`, undefined],
    [`sst:${'a'.repeat(129)}`, undefined],
    [`sst:${secret}\n`, undefined],
    [`sst:${secret.toUpperCase()}`, undefined],
    [`other:${secret}`, undefined],
    [`sst:x:${secret}`, undefined],
    [secret, undefined],
    ['sst:', undefined],
    ['(null)', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const;
  for (const [text, expected] of cases) t.equal(parseAuth(text)?.secret, expected, text ?? 'none');
  t.strictSame(parseAuth(`sst:${secret}`), { user: 'sst', secret });
});

t.test('the secret is found among the lines of a server from 11.x', async (t) => {
  const lines = (user: string, password: string): string =>
    `sst_user=root\nsst_password=p\nsst_remote_user=${user}\nsst_remote_password=${password}\n`;
  const cases = [
    [lines('sst', secret), secret],
    [lines('sst', secret).trimEnd(), secret],
    [`sst_remote_password=${secret}\nsst_remote_user=sst\n`, secret],
    [lines('', ''), undefined],
    [lines('root', secret), undefined],
    [lines('sst', `${secret} `), undefined],
    [`sst_user=sst\nsst_password=${secret}\n`, undefined],
    [`x_sst_remote_user=sst\nx_sst_remote_password=${secret}\n`, undefined],
    ['', undefined],
  ] as const;
  for (const [text, expected] of cases) t.equal(parseStdin(text)?.secret, expected, JSON.stringify(text));
});

t.test('whatever stands there, only a secret of ours is taken', async () => {
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(
        fc.constantFrom('sst_remote_user=', 'sst_remote_password='),
        fc.constantFrom('sst', secret, '\0', 'x'),
      )
      .map((words) => words.join('')),
  );
  fc.assert(
    fc.property(
      fc.array(line).map((lines) => lines.join('\n')),
      (text) => {
        return [parseStdin(text), parseAuth(text)].every(
          (found) => found === undefined || (found.user === 'sst' && /^[0-9a-f]{32,128}$/.test(found.secret)),
        );
      },
    ),
    { numRuns: 300 },
  );
});

const source = `
  import { readRemoteSecret } from ${JSON.stringify(new URL('../../src/sst-script/secrets.js', import.meta.url).href)};
  const found = await readRemoteSecret(process.env, process.stdin);
  process.stdout.write(found?.secret ?? 'none');
`;
const argv = ['--input-type=module', '-e', source];

/** What a script that asks for the secret finds; `writer` is a shell command whose output is its stdin. */
async function ask(writer: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  // Node gives its children sockets, a server gives them pipes: a shell makes one.
  const shell = spawn('sh', ['-c', `${writer} | "$0" "$@"`, process.execPath, ...argv], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const [said] = (await once(shell.stdout, 'data')) as [Buffer];
  process.kill(-shell.pid!, 'SIGKILL');
  return said.toString();
}

t.test(
  'the secret is taken from where this server puts it, and one that does not come is not waited for',
  async (t) => {
    const lines = `printf 'sst_remote_user=sst\\nsst_remote_password=${secret}\\n'`;
    const cases: [string, Promise<string>, string][] = [
      ['on stdin', ask(lines), secret],
      ['on a stdin that stays open', ask(`{ ${lines}; exec sleep 1000; }`), secret],
      ['a stdin on which nothing comes', ask('exec sleep 1000'), 'none'],
      ['a stdin with other lines', ask(`printf 'sst_user=a\\n'`), 'none'],
      ['in the environment', ask('exec sleep 1000', { WSREP_SST_OPT_REMOTE_AUTH: `sst:${secret}` }), secret],
    ];
    for (const [about, said, expected] of cases) t.equal(await said, expected, about);
  },
);
