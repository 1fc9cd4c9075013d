import t from 'tap';
import { receiveAddress } from '../../src/config/receive-address.js';
import { settingsOf, type Options } from './given.js';

const cases: readonly [expected: string, mysqld: Options][] = [
  ['db1:4445', { 'wsrep-sst-receive-address': 'db1:4445', 'wsrep-node-address': 'other' }],
  ['db1', { 'wsrep-sst-receive-address': 'AUTO', 'wsrep-node-address': 'db1:4567' }],
  ['[fd99::1]', { 'wsrep-node-address': '[fd99::1]:4567' }],
  ['[fd99::1]', { 'wsrep-node-address': 'fd99::1' }],
  ['10.0.0.1', { 'bind-address': '10.0.0.1' }],
  ['[fd99::1]', { 'bind-address': 'fd99::1,10.0.0.1' }],
];

for (const [expected, mysqld] of cases) {
  t.test(`${JSON.stringify(mysqld)} makes a joiner that is reached at ${expected}`, (t) => {
    t.equal(receiveAddress(settingsOf({ mysqld })).value, expected);
    t.end();
  });
}

t.test('a server that binds to everything is reached at an address of this host', (t) => {
  t.match(
    receiveAddress(settingsOf({ mysqld: { 'bind-address': '*' } })).value,
    /^(\d+\.\d+\.\d+\.\d+|\[.*\])$/,
  );
  t.end();
});

t.test('it is known which line has named it', (t) => {
  const mysqld = {
    'wsrep-sst-receive-address': 'AUTO',
    'wsrep-node-address': 'db1:4567',
    'bind-address': '*',
  };
  t.match(receiveAddress(settingsOf({ mysqld })).source, { name: 'wsrep-node-address', line: 103 });
  t.match(receiveAddress(settingsOf({ mysqld: { 'bind-address': '*' } })).source, { kind: 'default' });
  t.end();
});
