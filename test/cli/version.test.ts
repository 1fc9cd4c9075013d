import { readFileSync } from 'node:fs';
import t from 'tap';
import { version } from '../../src/cli/version.js';

t.test('the version is that of package.json', async (t) => {
  const file = new URL('../../../package.json', import.meta.url);
  t.equal(version, (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version);
  t.match(version, /^[1-9]\d*\.|^0\.(?!0\.0$)/);
});
