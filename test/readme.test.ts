import { readFileSync } from 'node:fs';
import t from 'tap';
import { sstOptions } from '../src/config/sst-options.js';

t.test('the README has every option that [sst] may have', async (t) => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, section = ''] = /\n## Options\n([\s\S]*?)\n## /.exec(readme) ?? [];
  // Of the peers' names the families stand there: `ssl-server-cert`, then `ssl-cert`.
  const missing = sstOptions.filter(
    (name) =>
      !section.includes(`\`${name}\``) && !/^ssl-.*(key|capath|client-ca|server-ca)$|^ssl-ca$/.test(name),
  );
  t.strictSame(missing, []);
});
