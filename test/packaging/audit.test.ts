import t from 'tap';

interface Audit {
  readonly oddLicences: (lock: { packages: Record<string, object> }) => string[];
  readonly readAudit: (text: string) => { readonly weaknesses?: string[]; readonly silent?: string };
}

const { oddLicences, readAudit } = (await import(
  new URL('../../../packaging/audit.mjs', import.meta.url).href
)) as Audit;

t.test('a licence that nobody has thought about is named with its package', async (t) => {
  const cases = [
    ['bundled, MIT', { version: '1.0.0', license: 'MIT' }, []],
    [
      'a tool under one that may not be passed on like that',
      { version: '1.0.0', license: 'CC-BY-3.0', dev: true },
      [],
    ],
    ['the same, bundled', { version: '1.0.0', license: 'CC-BY-3.0' }, ['deep 1.0.0: CC-BY-3.0']],
    ['another one', { version: '2.0.0', license: 'GPL-3.0', dev: true }, ['deep 2.0.0: GPL-3.0']],
    ['none', { version: '3.0.0' }, ['deep 3.0.0: none named']],
  ] as const;
  for (const [what, described, odd] of cases) {
    const packages = { '': { license: 'GPL-3.0' }, 'node_modules/a/node_modules/deep': described };
    t.strictSame(oddLicences({ packages }), odd, what);
  }
});

t.test('what npm audit says', async (t) => {
  t.strictSame(readAudit('{"vulnerabilities":{}}'), { weaknesses: [] });
  const one = {
    name: 'ini',
    severity: 'high',
    range: '<1.3.6',
    via: ['x', { title: 'Prototype Pollution' }],
  };
  t.strictSame(readAudit(JSON.stringify({ vulnerabilities: { ini: one } })), {
    weaknesses: ['ini <1.3.6: high, x; Prototype Pollution'],
  });
  for (const [text, silent] of [
    ['{"message":"405 Method Not Allowed"}', '405 Method Not Allowed'],
    ['{"error":{"summary":"no network"}}', 'no network'],
    ['{}', 'the registry gave no report'],
    ['', 'npm audit printed no JSON'],
  ] as const)
    t.strictSame(readAudit(text), { silent }, text);
});
