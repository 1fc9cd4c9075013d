import { existsSync } from 'node:fs';
import t from 'tap';
import { hasKernelTls } from '../../src/processes/kernel-tls.js';

const ulp = (list: string) => ({ sys: { net: { ipv4: { tcp_available_ulp: list } } } });

t.test(
  'a kernel with TLS is known by its list, or by the statistics where the list is not seen',
  async (t) => {
    const cases = [
      ['only others', ulp('espintcp mptcp\n'), false],
      ['a name that is longer', ulp('mptcp tlsx\n'), false],
      ['the list', ulp('mptcp tls\n'), true],
      ['the list with nothing else', ulp('tls\n'), true],
      ['an empty list', ulp('\n'), false],
      ["a container's network", { net: { tls_stat: '' } }, true],
      ['neither', {}, false],
    ] as const;
    for (const [what, proc, expected] of cases)
      await t.test(what, async (t) => t.equal(hasKernelTls(t.testdir(proc)), expected));
  },
);

t.test('this kernel is asked by default', async (t) => {
  t.equal(hasKernelTls(), existsSync('/proc/net/tls_stat'));
});
