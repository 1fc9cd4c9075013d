import { randomBytes } from 'node:crypto';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Compressor, Config } from '../../src/config/config.js';
import type { InventoryFile } from '../../src/datadir/inventory.js';
import type { Layout } from '../../src/datadir/layout.js';
import { TransferError } from '../../src/errors.js';
import { chooseCompressor, judge, type Compressing } from '../../src/transfers/compression.js';
import { recordTransfer } from './context.js';

const mb = 1e6;
const data = (ratio: number, megabytesPerSecond: number): Parameters<typeof judge>[0]['data'] => ({
  sampled: 2 * mb,
  ratio,
  bytesPerSecond: megabytesPerSecond * mb,
});

t.test(
  'data is compressed where the link is clearly slower than data that shrinks, and the processors',
  (t) => {
    const cases = [
      [
        '200 Mbit/s, ordinary tables',
        { data: data(0.4, 80), linkBytesPerSecond: 24 * mb, processors: 2 },
        'zstd',
      ],
      [
        '400 Mbit/s, ordinary tables',
        { data: data(0.4, 80), linkBytesPerSecond: 48 * mb, processors: 2 },
        'zstd',
      ],
      [
        '400 Mbit/s, one slow processor',
        { data: data(0.4, 30), linkBytesPerSecond: 48 * mb, processors: 1 },
        undefined,
      ],
      [
        'faster than it can be compressed',
        { data: data(0.2, 10), linkBytesPerSecond: 48 * mb, processors: 2 },
        undefined,
      ],
      [
        'a link that does not hold anything up',
        { data: data(0.4, 400), linkBytesPerSecond: 60 * mb, processors: 8 },
        undefined,
      ],
      ['compressed already', { data: data(0.95, 80), linkBytesPerSecond: 2 * mb, processors: 8 }, undefined],
      [
        'shrinks to next to nothing',
        { data: data(0.1, 80), linkBytesPerSecond: 600 * mb, processors: 1 },
        'zstd',
      ],
      [
        'to next to nothing, on a link that has shown that it is fast',
        { data: data(0.1, 80), linkBytesPerSecond: 0, offerBytesPerSecond: 40 * mb, processors: 1 },
        'lz4',
      ],
      [
        'the same, where a rsync has no lz4',
        {
          data: data(0.1, 80),
          linkBytesPerSecond: 0,
          offerBytesPerSecond: 40 * mb,
          hasLz4: false,
          processors: 1,
        },
        'zstd',
      ],
      [
        'to a third, on such a link',
        { data: data(0.3, 80), linkBytesPerSecond: 24 * mb, offerBytesPerSecond: 40 * mb, processors: 2 },
        'zstd',
      ],
      ['shrinks a little', { data: data(0.69, 80), linkBytesPerSecond: 2 * mb, processors: 8 }, 'zstd'],
    ] as const;
    const judged = (measured: (typeof cases)[number][1]): ReturnType<typeof judge> =>
      judge({ offerBytesPerSecond: 0, hasLz4: true, ...measured });
    for (const [what, measured, expected] of cases) t.equal(judged(measured).choice, expected, what);
    t.equal(
      judged(cases[0][1]).reason,
      'zstd: a sample of the data shrinks to 0.40, the link carries 24 MB/s uncompressed and would 60 MB/s compressed',
    );
    t.equal(judged(cases[5][1]).reason, 'no compression: a sample of the data shrinks to 0.95');
    t.end();
  },
);

/** What is measured on a link without limits. */
function compressing(compressor: Config['compressor'], given: Partial<Compressing> = {}): Compressing {
  return {
    config: {
      compressor,
      streams: 2,
      sources: { compressor: { kind: 'file', file: '/my.cnf', line: 3, group: 'sst', name: 'compressor' } },
    } as Config,
    layout: { roots: { data: '/nowhere' } } as unknown as Layout,
    answer: { compressors: ['zstd', 'lz4'] },
    own: ['zstd', 'lz4'],
    courier: {
      sendSign: () => Promise.reject(new Error('nothing is to be measured')),
      sendProbe: () => Promise.reject(new Error('nothing is to be measured')),
      offerBytesPerSecond: () => 0,
    },
    files: [],
    ...given,
  };
}

t.test('what is set is used where both sides can', async (t) => {
  const both: Compressor[] = ['zstd', 'lz4'];
  const cases = [
    ['none', both, both, undefined, undefined],
    ['zstd', both, both, 'zstd', undefined],
    ['lz4', both, both, 'lz4', undefined],
    [
      'zstd',
      both,
      ['lz4'],
      undefined,
      'rsync on the joiner cannot compress with zstd: the files are sent uncompressed',
    ],
    ['lz4', [], both, undefined, 'rsync here cannot compress with lz4: the files are sent uncompressed'],
    [
      'auto',
      both,
      [],
      undefined,
      'rsync on the joiner cannot compress with zstd: the files are sent uncompressed',
    ],
    ['none', [], [], undefined, undefined],
  ] as const;
  for (const [wanted, own, joiners, expected, warning] of cases) {
    const context = recordTransfer();
    const chosen = await chooseCompressor(
      compressing(wanted, { own, answer: { compressors: joiners } }),
      context,
    );
    t.equal(chosen, expected, `${wanted} with ${own.join()} here and ${joiners.join()} there`);
    t.match(
      context.events,
      warning === undefined
        ? []
        : [
            {
              kind: 'finding',
              finding: {
                severity: 'warning',
                code: 'TOOL_TOO_OLD',
                message: warning,
                option: 'compressor',
                where: '/my.cnf:3',
              },
            },
          ],
    );
    t.equal(context.events.length, warning === undefined ? 0 : 1);
  }
});

t.test('what nobody has set is told only where it changes something', async (t) => {
  const { config, ...more } = compressing('auto');
  const unset = { ...more, config: { ...config, sources: {} } };
  const context = recordTransfer();
  t.equal(await chooseCompressor(unset, context), undefined, 'little data');
  const large = [{ size: 200 * 1024 * 1024 } as InventoryFile];
  const lacking = { ...unset, files: large, answer: { compressors: [] } };
  t.equal(await chooseCompressor(lacking, context), undefined, "the joiner's rsync is older");
  t.strictSame(context.events, []);
});

t.test('auto measures what it has to, and says what it found', async (t) => {
  const dir = t.testdir();
  const table = (path: string, size: number, contents = ''): InventoryFile => {
    writeFileSync(join(dir, path), contents);
    truncateSync(join(dir, path), size);
    return {
      place: 'data',
      path,
      size,
      mtimeMs: 0,
      ctimeMs: 0,
      dev: 1,
      ino: 1,
      allocated: size,
    };
  };
  const layout = { roots: { data: dir } } as unknown as Layout;
  const probes: number[] = [];
  const courier = {
    sendSign: () => Promise.resolve(),
    sendProbe: (bytes: number) => Promise.resolve(void probes.push(bytes)),
    offerBytesPerSecond: () => 0,
  };
  const run = async (
    files: readonly InventoryFile[],
    rateLimit = 0,
  ): Promise<[string | undefined, string]> => {
    const rate = {
      bytesPerSecond: rateLimit,
      set: () => undefined,
      onSet: () => () => undefined,
      add: () => () => undefined,
    };
    const context = recordTransfer(undefined, { rate });
    const chosen = await chooseCompressor(compressing('auto', { layout, courier, files }), context);
    const [event] = context.events;
    return [chosen, event?.kind === 'notice' ? event.text : ''];
  };
  const text = randomBytes(32_768).toString('hex');
  const large = table('large.ibd', 200 * 1024 * 1024, text.repeat(3200));
  t.strictSame(await run([table('little.ibd', 1000)]), [
    undefined,
    'compressor=auto: no compression for as little as 1000 bytes',
  ]);
  t.strictSame(probes, []);
  const [fast, reason] = await run([large]);
  t.equal(fast, undefined, 'a link that takes no time at all');
  t.match(
    reason,
    /^compressor=auto: no compression: a sample of the data shrinks to 0\.\d\d, and the link carries \d+ MB/,
  );
  t.strictSame(probes, [2 * 1024 * 1024, 0], 'which the first shows; the last one takes no room');
  const empty = table('empty.ibd', 200 * 1024 * 1024);
  const [next, because] = await run([empty]);
  t.equal(next, 'zstd', 'zeros, whatever the link');
  t.match(because, /^compressor=auto: zstd: a sample of the data shrinks to 0\.0\d$/);
  t.equal(probes.length, 2, 'which is not measured for them');
  const [limited, why] = await run([large], 10 * mb);
  t.equal(limited, 'zstd', 'rlimit counts like a slow link');
  t.strictSame(probes.slice(2), [2 * 1024 * 1024, 0], 'a link that carries more need not be known better');
  t.match(why, /^compressor=auto: zstd: .* the link carries 10 MB\/s uncompressed/);
  courier.sendProbe = () => Promise.reject(new TransferError('DISK_FULL', 'no room for that'));
  t.strictSame(await run([large]), [
    undefined,
    'compressor=auto: no compression: the link could not be measured: no room for that',
  ]);
});
