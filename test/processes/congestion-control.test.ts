import { readFileSync } from 'node:fs';
import t from 'tap';
import { congestionControl } from '../../src/processes/congestion-control.js';

const told = (usual: string, allowed: string) => ({
  sys: { net: { ipv4: { tcp_congestion_control: usual, tcp_allowed_congestion_control: allowed } } },
});

t.test('what the kernel tells', async (t) => {
  const cases = [
    [told('cubic\n', 'reno cubic\n'), { usual: 'cubic', allowed: ['reno', 'cubic'] }],
    [told('bbr\n', '\n'), { usual: 'bbr', allowed: [] }],
    [{}, { usual: '', allowed: [] }],
  ] as const;
  for (const [proc, expected] of cases)
    await t.test(async (t) => t.strictSame(congestionControl(t.testdir(proc)), expected));
});

t.test('this kernel is asked by default', async (t) => {
  t.equal(
    `${congestionControl().usual}\n`,
    readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8'),
  );
});
