import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type SecureVersion } from 'node:tls';
import t from 'tap';
import { defaultFiles, ktlsSettings } from '../../src/certificates/ktls-settings.js';
import { issueCertificate } from '../../src/certificates/issue.js';
import { ca, folder, freePort } from './given.js';

/** As RHEL and Fedora have it. */
const policy = (file: string): string => `openssl_conf = openssl_init
[openssl_init]
ssl_conf = ssl_module
[ ssl_module ]
system_default = crypto_policy
[ crypto_policy ]
.include = ${file}
[ ca ]
dir = ./ca
certs = $dir/certs  # a variable that nothing here hangs on
`;
const rules = 'Options = NoRenegotiation\nTLS.MinProtocol = TLSv1.3\n';
/** As Debian has it. */
const plain = 'HOME = .\n openssl_conf = openssl_init\n[openssl_init]\n# providers = provider_sect\n[ ca ]\n';
const own = 'galera_sst_tunnel';
const last = 'galera-sst-tunnel.Options = KTLS\n';

t.test('one line is added to the section that counts for every program', async (t) => {
  const { path, write } = folder(t);
  const rulesFile = write('rules.config', rules);
  mkdirSync(join(path, 'one.d'));
  const inDirectory = write('one.d/rules.cnf', rules);
  const inNoSection = `[default]\nopenssl_conf = ${own}_openssl_conf\n[${own}_openssl_conf]\nssl_conf = ${own}_ssl_conf\n`;
  const whole = `[${own}_ssl_conf]\nsystem_default = ${own}_system_default\n[${own}_system_default]\n${last}`;
  const cases = [
    [policy(rulesFile), `[crypto_policy]\n${last}`],
    [policy(inDirectory), `[crypto_policy]\n${last}`],
    [policy(join(path, 'one.d')), `[crypto_policy]\n${last}`],
    [policy('/none'), `[crypto_policy]\n${last}`],
    [
      `a = b\r\n${policy('/none')}[default]\nopenssl_conf = ca\n`,
      `[ca]\nssl_conf = ${own}_ssl_conf\n${whole}`,
    ],
    [plain, `[openssl_init]\nssl_conf = ${own}_ssl_conf\n${whole}`],
    [
      `${plain}[openssl_init]\nssl_conf = ca\n`,
      `[ca]\nsystem_default = ${own}_system_default\n[${own}_system_default]\n${last}`,
    ],
    ['', inNoSection + whole],
  ] as const;
  for (const [text, added] of cases) {
    const file = write('openssl.cnf', text);
    t.equal(ktlsSettings([join(path, 'none'), file]), `.include ${file}\n${added}`, text);
  }
});

t.test('what is not understood for certain is left alone', async (t) => {
  const { path, write } = folder(t);
  const file = join(path, 'openssl.cnf');
  for (const name of ['two.d', 'dir']) mkdirSync(join(path, name));
  for (const name of ['a.cnf', 'b.conf']) write(`two.d/${name}`, rules);
  write('open.cnf', 'a = b\\');
  const cases = [
    policy('relative.cnf'),
    policy('$HOME/policy.cnf'),
    policy(join(path, 'two.d')),
    policy(join(path, 'open.cnf')),
    policy(file),
    `.pragma dollarid:true\n${plain}`,
    `openssl_init::ssl_conf = x\n${plain}`,
    `# a comment that goes on \\\n${plain}`,
    `${plain}a = b\\`,
    'openssl_conf = $HOME\n',
    'openssl_conf = "a"\n[a]\n',
    'openssl_conf = none\n',
    `${plain}[openssl_init]\nssl_conf = none\n`,
    `${plain}[openssl_init]\nssl_conf.2 = ca\n`,
    `${plain}[openssl_init]\nssl_conf = ca\n[ca]\nsystem_default = none\n`,
    `${plain}[a b]\n`,
    '\ufeffopenssl_conf = a\n[a]\n',
    `${plain}nothing\n`,
  ];
  for (const text of cases) t.equal(ktlsSettings([write('openssl.cnf', text)]), undefined, text);
  write('openssl.cnf', plain);
  t.equal(ktlsSettings([join(path, 'none')]), undefined, 'none');
  t.equal(ktlsSettings([join(path, 'dir')]), undefined, 'a directory');
  t.equal(ktlsSettings([file, write('other.cnf', plain)]), undefined, 'two of them');
  symlinkSync(file, join(path, 'link.cnf'));
  t.type(ktlsSettings([file, join(path, 'link.cnf')]), 'string', 'one under two names');
  t.equal(ktlsSettings([write('with space.cnf', plain)]), undefined, 'a name that OpenSSL would need quoted');
});

t.test("this system's are understood, or there are none", async (t) => {
  if (defaultFiles.some((file) => existsSync(file))) t.match(ktlsSettings(), /^\.include \/[^]*KTLS/);
  else t.equal(ktlsSettings(), undefined);
});

/** The version of TLS that a client and a socat with these settings agree on; undefined: none. */
async function agreed(
  files: { cert: string; key: string; settings: string },
  maxVersion: SecureVersion,
): Promise<string | undefined> {
  const port = await freePort();
  const address = `OPENSSL-LISTEN:${port},bind=127.0.0.1,reuseaddr,cert=${files.cert},key=${files.key},verify=0`;
  const socat = spawn('socat', ['-d', '-d', '-t', '0', address, 'PIPE'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, OPENSSL_CONF: files.settings },
  });
  const ended = once(socat, 'close');
  try {
    let said = '';
    for await (const text of socat.stderr) {
      said += String(text);
      if (said.includes(' listening on ')) break;
    }
    const client = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, maxVersion });
    return await new Promise((resolve) => {
      client.once('secureConnect', () => {
        resolve(client.getProtocol() ?? undefined);
        client.destroy();
      });
      client.once('error', () => resolve(undefined));
    });
  } finally {
    // One that is asked to end while it does may turn in a circle forever (1.7.4.4: it frees its SSL_CTX twice).
    socat.kill('SIGKILL');
    await ended;
  }
}

t.test("socat's OpenSSL takes up the added line, and keeps what the system demands", async (t) => {
  const { write } = folder(t);
  const issued = await issueCertificate({ commonName: 'node', keyType: 'ec', ca });
  const [cert, key] = [write('node.crt', issued.certPem), write('node.key', issued.keyPem)];
  const settingsFor = (
    text: string,
    change = (all: string) => all,
  ): { cert: string; key: string; settings: string } => {
    const settings = ktlsSettings([write('openssl.cnf', text)]) ?? '';
    return { cert, key, settings: write('with-ktls.cnf', change(settings)) };
  };
  const strict = policy(write('rules.config', rules));
  t.equal(await agreed(settingsFor(strict), 'TLSv1.3'), 'TLSv1.3');
  t.equal(await agreed(settingsFor(strict), 'TLSv1.2'), undefined, 'a policy of TLS 1.3 alone stays');
  t.equal(await agreed(settingsFor(plain), 'TLSv1.2'), 'TLSv1.2');
  const unknown = settingsFor(strict, (all) => all.replace('KTLS', 'FUTURE'));
  t.equal(await agreed(unknown, 'TLSv1.3'), 'TLSv1.3', 'an OpenSSL that does not know the word goes on');
  t.equal(await agreed(unknown, 'TLSv1.2'), undefined, 'and keeps to the policy');
  // What the kernel does nobody sees from outside; another setting in the place of this one can be seen.
  for (const text of [plain, '', policy('/none')]) {
    const visible = settingsFor(text, (all) => all.replace('Options = KTLS', 'MaxProtocol = TLSv1.2'));
    t.equal(await agreed(visible, 'TLSv1.3'), 'TLSv1.2', 'the section counts');
  }
});
