import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { resolveConfig, type Config } from '../../src/config/config.js';
import { checkCopy } from '../../src/transfers/check-copy.js';
import { serverArguments, settingsOf } from '../config/given.js';

function donorIn(dir: string): Config {
  const given = { direct: { datadir: join(dir, 'data') }, sst: { tca: '/ca', tcert: '/c' } };
  return resolveConfig({ ...serverArguments(given), role: 'donor' }, settingsOf(given));
}

t.test('what a donor would send is counted', async (t) => {
  const dir = t.testdir({ data: { ibdata1: '12345', shop: { 'orders.ibd': '123' } } });
  t.strictSame(await checkCopy(donorIn(dir)), { size: { files: 2, bytes: 8 }, findings: [] });
});

t.test('what it could not send is said before anybody asks for it', async (t) => {
  const dir = t.testdir({ data: { shop: { 'orders.isl': '/elsewhere' } } });
  symlinkSync('/none', join(dir, 'data/shop/lost.ibd'));
  const { findings } = await checkCopy(donorIn(dir));
  t.match(findings, [
    { severity: 'error', code: 'DATA_DIRECTORY_TABLES' },
    { severity: 'warning', code: 'COPY_INCOMPLETE' },
  ]);
});

t.test('a name that cannot be told to the joiner is a finding, too', async (t) => {
  const dir = t.testdir({ data: {} });
  mkdirSync(join(dir, 'data/shop'));
  writeFileSync(Buffer.concat([Buffer.from(`${dir}/data/shop/`), Buffer.from([0xff])]), '');
  const { size, findings } = await checkCopy(donorIn(dir));
  t.equal(size, undefined);
  t.match(findings, [{ severity: 'error', code: 'PATH_UNSAFE' }]);
});
