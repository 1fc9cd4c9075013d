import t from 'tap';
import { whoCame } from '../../src/transfers/who-came.js';

t.test('a donor is known by its certificate and its address, as far as socat tells them', async (t) => {
  const cases = [
    [
      { SOCAT_PEERADDR: '192.0.2.1', SOCAT_OPENSSL_X509_COMMONNAME: 'node1.my.cluster' },
      'node1.my.cluster (192.0.2.1)',
    ],
    [{ SOCAT_PEERADDR: '192.0.2.1', SOCAT_OPENSSL_X509_COMMONNAME: '' }, '192.0.2.1'],
    [{ SOCAT_PEERADDR: '192.0.2.1' }, '192.0.2.1'],
    [{}, undefined],
  ] as const;
  for (const [variables, expected] of cases) {
    const given = new Map<string, string>(Object.entries(variables));
    t.equal(
      whoCame(7, (pid, name) => (pid === 7 ? given.get(name) : undefined)),
      expected,
    );
  }
});
