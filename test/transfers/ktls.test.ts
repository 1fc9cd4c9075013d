import t from 'tap';
import { planKernelTls, withSettings, type KtlsSurroundings } from '../../src/transfers/ktls.js';

const config = {
  ktls: true,
  sources: { ktls: { kind: 'file', file: '/etc/my.cnf', line: 7, group: 'sst', name: 'ktls' } },
} as const;
const good: KtlsSurroundings = { openssl: undefined, isOffered: () => true, settings: () => 'settings\n' };
const files = { certFile: '/c', caFile: '/ca' };

t.test('socat is given settings where the kernel offers TLS', async (t) => {
  const plan = planKernelTls(config, good);
  t.strictSame(plan, { settings: 'settings\n', findings: [] });
  const written: string[][] = [];
  const write = (name: string, text: string): string => {
    written.push([name, text]);
    return `/w/${name}`;
  };
  t.strictSame(withSettings(files, plan, write), { ...files, opensslConf: '/w/openssl.cnf' });
  t.strictSame(written, [['openssl.cnf', 'settings\n']]);
});

t.test('nothing is looked at, said or written unless it is wanted', async (t) => {
  const refuse = (): never => t.fail('not asked') as never;
  const plan = planKernelTls(
    { ktls: false, sources: {} },
    { openssl: '/x', isOffered: refuse, settings: refuse },
  );
  t.strictSame(plan, { settings: undefined, findings: [] });
  t.strictSame(withSettings(files, plan, refuse), files);
});

t.test('where it cannot be had a warning says why, and socat is left as it is', async (t) => {
  const cases = [
    [{ isOffered: () => false }, 'this kernel offers no TLS: socat encrypts by itself', undefined],
    [
      { openssl: '/etc/own.cnf' },
      'OPENSSL_CONF names "/etc/own.cnf", which is taken as it is: whether the kernel encrypts is up to that',
      /^set Options = KTLS there/,
    ],
    [
      { openssl: '' },
      'OPENSSL_CONF names "", which is taken as it is: whether the kernel encrypts is up to that',
      /^set Options/,
    ],
    [
      { settings: () => undefined },
      "the system's settings of OpenSSL (openssl version -d shows where they are) are not understood for certain: socat encrypts by itself",
      /^name a file with Options = KTLS/,
    ],
  ] as const;
  for (const [lacking, message, hint] of cases) {
    const { settings, findings } = planKernelTls(config, { ...good, ...lacking });
    t.equal(settings, undefined);
    t.match(findings, [
      {
        severity: 'warning',
        code: 'KTLS_UNAVAILABLE',
        message,
        option: 'ktls',
        where: '/etc/my.cnf:7',
        hint,
      },
    ]);
  }
});
