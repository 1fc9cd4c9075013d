import t from 'tap';
import { join } from 'node:path';
import { encryptionAtRest, Lab, oddNames, seedEverything } from '../lab/index.js';
import { mergeGroups } from '../lab/option-file.js';
import { Authority } from './credentials.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

const key = '00112233445566778899aabbccddeeff'.repeat(2);

t.setTimeout(300_000);

t.test('tables of every engine and kind arrive whole', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  await boot(
    donor,
    tunnelOptions(donor, await authority.certifyNode(donor), { groups: encryptionAtRest(donor, key) }),
  );
  // The time zones are in the demo's test.
  await seedEverything(donor, { encrypted: true, timeZones: false });

  const groups = mergeGroups(encryptionAtRest(joiner, key), {
    mysqld: { datadir: join(joiner.directory, 'data with  spaces & $more') },
  });
  await joins(t, {
    donor,
    joiner,
    start: tunnelOptions(joiner, await authority.certifyNode(joiner), { groups }),
  });

  t.match(await joiner.query('SELECT COUNT(*) AS n FROM kinds_encrypted.secret'), [{ n: '500' }]);
  t.match(await joiner.query('SELECT COUNT(*) AS n FROM kinds_innodb.page_compressed'), [{ n: '1000' }]);
  t.match(await joiner.query('SELECT NEXT VALUE FOR kinds_innodb.numbers AS n'), [{ n: /\d+/ }]);
  const schemas = (await joiner.sql('SHOW DATABASES')).split('\n');
  const plain = oddNames.filter((name) => !/[\\]/.test(name));
  t.same(
    plain.filter((name) => !schemas.includes(name)),
    [],
    'schemas with odd names are there',
  );
});
