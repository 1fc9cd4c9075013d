import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { TransferError } from '../../src/errors.js';
import {
  encodeHeld,
  encodeTold,
  encodeTotal,
  peerError,
  readAnswer,
  readTold,
  readTotal,
  tell,
} from '../../src/transfers/messages.js';

const file = join(t.testdir(), 'message.json');

function written(text: string): string {
  writeFileSync(file, text);
  return file;
}

const modules = { data: 'm', 'innodb-home': 'm', 'innodb-log': 'm-log_dir', undo: '', aria: 'm', binlog: '' };
const held = {
  complete: [{ place: 'data', path: 'shop/a.ibd' }],
  similar: [{ place: 'data', path: 'shop/b.ibd' }],
} as const;
const links = new Map([['shop', 'm-link0']]);
const answer = {
  tool: '0.1.0',
  rsync: '3.5.0',
  compressors: ['zstd', 'lz4'],
  modules,
  links,
  held,
  wantsHashes: true,
  idleTimeoutMs: 120_000,
  tellsProgress: true,
  takesChanges: true,
  wantsNothing: true,
};

t.test('an answer is read back as it was told', async (t) => {
  const sent = { ...answer, links: [...links], held: encodeHeld(held) };
  t.strictSame(readAnswer(written(encodeTold({ ok: true, value: sent }))), { ok: true, value: answer });
  const more = { ...sent, later: 1, modules: { ...modules, other: '../x' } };
  t.strictSame(
    readAnswer(written(encodeTold({ ok: true, value: more }))),
    { ok: true, value: answer },
    'of a newer version',
  );
  const older = { tool: '0.1.0', rsync: '3.5.0', modules };
  t.strictSame(
    readAnswer(written(encodeTold({ ok: true, value: older }))),
    {
      ok: true,
      value: {
        ...older,
        compressors: [],
        links: new Map(),
        held: { complete: [], similar: [] },
        wantsHashes: false,
        idleTimeoutMs: 0,
        tellsProgress: false,
        takesChanges: false,
        wantsNothing: false,
      },
    },
    'of an older version, which holds nothing',
  );
  const odd = { complete: [[9, 'a'], [0], 'x', null, [0, 7]], similar: 'all' };
  const read = readAnswer(written(encodeTold({ ok: true, value: { ...older, held: odd } })));
  t.strictSame(
    read.ok ? read.value.held : read,
    { complete: [], similar: [] },
    'what is not understood is not held',
  );
});

t.test('a failure is read back as it was told, and becomes an error of this side', async (t) => {
  const failure = tell(new TransferError('DISK_FULL', 'no room', { hint: 'make room' }));
  const text = encodeTold({ ok: false, failure });
  t.strictSame(readAnswer(written(text)), {
    ok: false,
    failure: { code: 'DISK_FULL', message: 'no room', hint: 'make room' },
  });
  t.strictSame(readTold(written(text)), { ok: false, failure });
  t.match(peerError('joiner', failure), {
    code: 'PEER_FAILED',
    message: 'the joiner failed with DISK_FULL: no room',
    hint: 'make room',
  });
});

t.test('what a peer tells cannot break lines, flood the log or invent codes', async (t) => {
  const read = (failure: object): unknown => readTold(written(JSON.stringify({ ok: false, failure })));
  const cases: [object, object][] = [
    [
      { code: 'PORT_BUSY', message: 'a\nb\0', hint: '\x7f' },
      { code: 'PORT_BUSY', message: 'a b ', hint: ' ' },
    ],
    [{ code: 'NO_SUCH_CODE' }, { code: 'PEER_FAILED', message: '', hint: '' }],
    [{ code: 'constructor' }, { code: 'PEER_FAILED', message: '', hint: '' }],
    [
      { code: 7, message: 8, hint: null },
      { code: 'PEER_FAILED', message: '', hint: '' },
    ],
    [{ message: 'x'.repeat(3000) }, { code: 'PEER_FAILED', message: 'x'.repeat(2000), hint: '' }],
  ];
  for (const [failure, expected] of cases) t.strictSame(read(failure), { ok: false, failure: expected });
});

t.test('a message that is none is refused', async (t) => {
  const texts = [
    '',
    '{',
    'null',
    '[]',
    '1',
    '{}',
    '{"ok":1}',
    '{"ok":true}',
    '{"ok":true,"value":[]}',
    '{"ok":false}',
    '{"ok":false,"failure":"x"}',
  ];
  const error = {
    code: 'PEER_PROTOCOL',
    message: `the peer sent a message that this version does not understand (${file})`,
    exitStatus: 71,
  };
  for (const text of texts) {
    t.throws(() => readTold(written(text)), error, text);
    t.throws(() => readAnswer(written(text)), error, text);
  }
  t.throws(() => readTold(`${file}.missing`), { code: 'PEER_PROTOCOL', cause: Error });
});

t.test('an answer that lacks something or names no module is refused', async (t) => {
  const told = { ...answer, links: [...links] };
  const wrong = [
    { ...told, tool: undefined },
    { ...told, rsync: 3 },
    { ...told, modules: [] },
    { ...told, idleTimeoutMs: '1' },
    { ...told, modules: { ...modules, undo: undefined } },
    { ...told, modules: { ...modules, undo: 7 } },
    { ...told, links: { shop: 'm' } },
    { ...told, links: [['shop']] },
    { ...told, links: [['shop', '../etc']] },
    { ...told, links: ['shop'] },
    { ...told, modules: { ...modules, undo: '../etc' } },
    { ...told, modules: { ...modules, undo: 'a\n' } },
    { ...told, modules: { ...modules, undo: 'a b' } },
  ];
  for (const value of wrong) {
    const text = JSON.stringify({ ok: true, value });
    t.throws(() => readAnswer(written(text)), { code: 'PEER_PROTOCOL' }, text);
  }
});

t.test('whatever a peer sends is read or refused', async () => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.record({ ok: fc.boolean(), value: fc.jsonValue(), failure: fc.jsonValue() }),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        value.map((json) => JSON.stringify(json)),
      ),
      (text) => {
        try {
          readTold(written(text));
          readAnswer(file);
          return true;
        } catch (error) {
          return error instanceof TransferError && error.code === 'PEER_PROTOCOL';
        }
      },
    ),
    { numRuns: 150 },
  );
});

t.test('a total arrives as it was told, and what is no total is none', async (t) => {
  t.equal(readTotal(written(encodeTotal(12_345))), 12_345);
  for (const text of ['', '{', '[]', '{"totalBytes":-1}', '{"totalBytes":"9"}', '{}'])
    t.equal(readTotal(written(text)), undefined, text);
  t.equal(readTotal(`${file}.missing`), undefined);
});
