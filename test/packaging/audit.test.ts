import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

interface Audit {
  readonly oddLicences: (lock: { packages: Record<string, object> }) => string[];
  readonly readAudit: (
    text: string,
    packages: Record<string, object>,
  ) => { readonly weaknesses?: string[]; readonly ofTools?: string[]; readonly silent?: string };
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
  const packages = {
    'node_modules/ini': {},
    'node_modules/esbuild': { dev: true },
    'node_modules/tap': { dev: true },
    'node_modules/tap/node_modules/ini': { dev: true },
  };
  t.strictSame(readAudit('{"vulnerabilities":{}}', packages), { weaknesses: [], ofTools: [] });
  const found = (name: string, ...nodes: string[]) =>
    readAudit(
      JSON.stringify({
        vulnerabilities: {
          [name]: { name, severity: 'high', range: '<2', via: ['x', { title: 'Pollution' }], nodes },
        },
      }),
      packages,
    );
  const line = (name: string): string[] => [`${name} <2: high, x; Pollution`];
  t.strictSame(
    found('ini', 'node_modules/tap/node_modules/ini', 'node_modules/ini'),
    { weaknesses: line('ini'), ofTools: [] },
    'bundled',
  );
  t.strictSame(
    found('ini', 'node_modules/tap/node_modules/ini'),
    { weaknesses: [], ofTools: line('ini') },
    'a tool has one of its own',
  );
  t.strictSame(found('tap', 'node_modules/tap'), { weaknesses: [], ofTools: line('tap') }, 'a tool');
  t.strictSame(
    found('esbuild', 'node_modules/esbuild'),
    { weaknesses: line('esbuild'), ofTools: [] },
    'what makes the bundle',
  );
  for (const [text, silent] of [
    ['{"message":"405 Method Not Allowed"}', '405 Method Not Allowed'],
    ['{"error":{"summary":"no network"}}', 'no network'],
    ['{}', 'the registry gave no report'],
    ['', 'npm audit printed no JSON'],
  ] as const)
    t.strictSame(readAudit(text, packages), { silent }, text);
});

t.test('a registry that does not answer is a failure, unless that is foreseen', async (t) => {
  const script = fileURLToPath(new URL('../../../scripts/audit', import.meta.url));
  const folder = t.testdir({ npm: '#!/bin/sh\necho \'{"message":"405 Method Not Allowed"}\'\nexit 1\n' });
  chmodSync(join(folder, 'npm'), 0o755);
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` };
  for (const [words, expected] of [
    [[], 1],
    [['--registry-may-be-silent'], 0],
  ] as const) {
    const { status, stderr } = spawnSync(script, words, { encoding: 'utf8', env });
    t.equal(status, expected, words.join(' '));
    t.match(stderr, /NOTHING WAS AUDITED.*405 Method Not Allowed/);
  }
  t.equal(spawnSync(script, ['--offline'], { env }).status, 0, 'licences only');
  const { status, stderr } = spawnSync(script, ['--offline', '--bogus'], { encoding: 'utf8', env });
  t.equal(status, 22);
  t.match(stderr, /expected --offline or --registry-may-be-silent, got --bogus/);
});
