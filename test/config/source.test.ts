import t from 'tap';
import { placeOf } from '../../src/config/source.js';

t.test('the place of a setting is its file and line, or what it was given on', async (t) => {
  t.equal(
    placeOf({ kind: 'file', file: '/etc/my.cnf', line: 12, group: 'sst', name: 'tca' }),
    '/etc/my.cnf:12',
  );
  t.equal(placeOf({ kind: 'command line', name: '--datadir' }), 'command line');
  t.equal(placeOf({ kind: 'default', name: 'ssl-mode' }), 'default');
});
