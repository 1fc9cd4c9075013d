import t from 'tap';
import { canonicalIp } from '../../src/certificates/ip-address.js';

t.test('an address is the same in every spelling, and what is none is no address', async (t) => {
  const cases = {
    '10.0.0.1': '10.0.0.1',
    'fd00::1': 'fd00::1',
    'FD00:0:0:0:0:0:0:01': 'fd00::1',
    '[fd00::1]': 'fd00::1',
    'fe80::1%eth0': 'fe80::1',
    '::ffff:10.0.0.1': '::ffff:10.0.0.1',
    'node1.my.cluster': undefined,
    '10.0.0': undefined,
    '010.0.0.1': undefined,
    '10.0.0.1:4444': undefined,
    '': undefined,
  };
  for (const [text, address] of Object.entries(cases)) t.equal(canonicalIp(text), address, text);
});
