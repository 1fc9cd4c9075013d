import t from 'tap';
import { targetOf } from '../../src/check/target.js';

t.test('a host with or without a port', async (t) => {
  t.match(targetOf('node1.my.cluster', '--peer'), { host: 'node1.my.cluster', port: 4444 });
  t.match(targetOf('[fd00::1]:3307', '--replication-from'), { host: 'fd00::1', port: 3307 });
});

t.test('what is none is blamed on the command line, not on the option files', async (t) => {
  for (const text of ['', 'a b', 'node1:99999'])
    t.throws(
      () => targetOf(text, '--peer'),
      { code: 'ADDRESS_INVALID', hint: /^name it as --peer HOST/ },
      text,
    );
});
