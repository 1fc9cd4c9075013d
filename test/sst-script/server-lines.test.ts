import t from 'tap';
import type { ServerLine } from '../../src/events.js';
import { formatServerLine } from '../../src/sst-script/server-lines.js';

const state = '6e8b1c5e-0000-11ee-8000-0242ac120002:42 0';

t.test('every line is what the server expects', async (t) => {
  const lines: [ServerLine, 'joiner' | 'donor', string][] = [
    [{ kind: 'ready', address: 'sst:0a@[::1]:4444/m' }, 'joiner', 'ready sst:0a@[::1]:4444/m'],
    [{ kind: 'total', bytes: 1e12 }, 'donor', 'total 1000000000000'],
    [{ kind: 'complete', bytes: 0 }, 'joiner', 'complete 0'],
    [{ kind: 'flush tables' }, 'donor', 'flush tables'],
    [{ kind: 'continue' }, 'donor', 'continue'],
    [{ kind: 'done', state }, 'donor', `done ${state}`],
    [{ kind: 'result', state }, 'joiner', state],
  ];
  for (const [line, role, text] of lines) t.equal(formatServerLine(line, role), text);
});

t.test('what would not be one line for the server is never written', async (t) => {
  const refused = [
    ['joiner', 'x'.repeat(505)],
    ['donor', 'x'.repeat(121)],
    ['donor', 'é'.repeat(61)],
    ['joiner', 'a\nb'],
    ['joiner', 'a\rb'],
    ['donor', 'a\0b'],
    ['donor', 'a\x7f'],
  ] as const;
  for (const [role, address] of refused) {
    t.throws(() => formatServerLine({ kind: 'ready', address }, role), { code: 'INTERNAL', exitStatus: 255 });
  }
  t.throws(() => formatServerLine({ kind: 'result', state: 'a\nb' }, 'joiner'), {
    message: 'refusing to tell the server "a\\nb": not one short line',
  });
  t.equal(formatServerLine({ kind: 'ready', address: 'x'.repeat(504) }, 'joiner').length, 510);
  t.equal(formatServerLine({ kind: 'ready', address: 'x'.repeat(120) }, 'donor').length, 126);
});
