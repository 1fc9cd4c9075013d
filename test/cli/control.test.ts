import t from 'tap';
import { parseRate, runAbort, runThrottle } from '../../src/cli/control.js';
import { agentWith, copied, screen, transferOf } from './agent.js';

t.test('rates are bytes a second, with powers of 1024', async (t) => {
  const cases: [string, number][] = [
    ['0', 0],
    ['0.000k', 0],
    ['65536', 65_536],
    ['65536.4', 65_536],
    ['100000', 100_000],
    ['500k', 512_000],
    ['80M', 83_886_080],
    ['1.5g', 1_610_612_736],
  ];
  for (const [text, bytes] of cases) t.equal(parseRate(text), bytes, text);
  for (const text of ['', 'fast', '-1', '10 M', '1T', '10MB', 'Infinity', '1e9', '0.001', '1000', '63k'])
    t.throws(() => parseRate(text), { code: 'ARGUMENT_INVALID' }, text);
});

t.test('without an id the one that runs is meant', async (t) => {
  const client = agentWith([{ transfers: [copied, transferOf({ id: 'b-running' })] }]);
  const terminal = screen();
  await runThrottle(client, '80M', undefined, terminal);
  await runAbort(client, undefined, terminal);
  t.strictSame(client.asked, ['throttle b-running 83886080', 'abort b-running']);
  t.match(terminal.text(), /^at most 83.9 MB\/s for b-runnin .*\nending b-runnin /);
});

t.test('without an id there must be exactly one', async (t) => {
  const two = [transferOf({ id: 'first-one' }), transferOf({ id: 'second-one' })];
  for (const [transfers, message] of [
    [[copied], 'no transfer is running'],
    [two, '2 transfers are running, expected an id'],
  ] as const)
    await t.rejects(runAbort(agentWith([{ transfers }]), undefined, screen()), {
      code: 'ARGUMENT_INVALID',
      message,
    });
});

t.test('an id is passed on', async (t) => {
  const client = agentWith([{ transfers: [transferOf()] }]);
  await runThrottle(client, '0', '1a2b', screen());
  t.strictSame(client.asked, ['throttle 1a2b 0']);
});
