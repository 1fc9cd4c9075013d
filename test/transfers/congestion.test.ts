import t from 'tap';
import { parseSocketOptions, type SocketOptions } from '../../src/config/tls.js';
import { chooseCongestion } from '../../src/transfers/congestion.js';

const sockopt = (value: string): SocketOptions =>
  parseSocketOptions({
    value,
    source: { kind: 'file', file: '/etc/my.cnf', line: 2, group: 'sst', name: 'sockopt' },
  });
const bbr = { usual: 'bbr', allowed: ['reno', 'cubic', 'bbr'] };

t.test('BBR is not used to a joiner that is near, where another may be', async (t) => {
  const cases = [
    ['the better of two', 0.4, '', bbr, 'cubic'],
    ['what is allowed', 0.4, 'nodelay=0', { ...bbr, allowed: ['reno', 'bbr'] }, 'reno'],
    ['a later BBR', 0.4, '', { ...bbr, usual: 'bbr3' }, 'cubic'],
    ['just near', 9.9, '', bbr, 'cubic'],
    ['far', 10, '', bbr, undefined],
    ['none is allowed', 0.4, '', { ...bbr, allowed: ['bbr', 'htcp'] }, undefined],
    ['not BBR', 0.4, '', { ...bbr, usual: 'htcp' }, undefined],
    ['nothing is told', 0.4, '', { usual: '', allowed: [] }, undefined],
    ['set by sockopt', 0.4, 'setsockopt-listen=6:13:x626272', bbr, undefined],
    ['set by its short name', 0.4, 'nodelay,SOCKOPT=6:13:x626272', bbr, undefined],
    ['set later', 0.4, 'setsockopt-string=6:13:bbr', bbr, undefined],
    ['set as C writes numbers', 0.4, 'setsockopt-listen=0x6:0xD:x626272', bbr, undefined],
    ['a longer number', 0.4, 'setsockopt-listen=6:130:x626272', bbr, 'cubic'],
    ['something else is set', 0.4, 'setsockopt-listen=1:36:x01000000', bbr, 'cubic'],
  ] as const;
  for (const [what, connectMs, options, kernel, expected] of cases)
    t.equal(chooseCongestion(connectMs, sockopt(options), kernel)?.algorithm, expected, what);
});

t.test('the reason names both', async (t) => {
  t.equal(
    chooseCongestion(0.4321, sockopt(''), bbr)?.reason,
    "TCP's congestion control is cubic for this transfer, not the system's bbr: the joiner is near, and there bbr costs processor time",
  );
});
