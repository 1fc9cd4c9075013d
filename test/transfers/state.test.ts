import fc from 'fast-check';
import t from 'tap';
import { TransferError } from '../../src/errors.js';
import { parseState } from '../../src/transfers/state.js';

const uuid = '6e8b1c5e-0000-11ee-8000-0242ac120002';

t.test('a state is UUID:seqno, with or without a domain id', async (t) => {
  const cases = [
    [`${uuid}:42`, `${uuid}:42`],
    [`${uuid}:42 7`, `${uuid}:42 7`],
    [`${uuid}:42   7 \n`, `${uuid}:42 7`],
    [`${uuid}:42 `, `${uuid}:42`],
    [`${uuid}:-1`, `${uuid}:-1`],
    [
      `${uuid.toUpperCase()}:9223372036854775807 4294967295`,
      `${uuid.toUpperCase()}:9223372036854775807 4294967295`,
    ],
    ['00000000-0000-0000-0000-000000000000:-1', '00000000-0000-0000-0000-000000000000:-1'],
  ] as const;
  for (const [text, state] of cases) t.equal(parseState(text, 'it'), state);
});

t.test('anything else is refused, with its source', async (t) => {
  const refused = [
    '',
    uuid,
    `${uuid}:`,
    ` ${uuid}:1`,
    `${uuid}:1 x`,
    `${uuid}:1 2 3`,
    `${uuid}:1\ncontinue`,
    `${uuid}:1\t2`,
  ];
  refused.push(
    `${uuid}:1e3`,
    `${uuid}:--1`,
    `${uuid}:${'1'.repeat(20)}`,
    `${uuid.slice(1)}:1`,
    `${uuid}x:1`,
    `done ${uuid}:1`,
  );
  for (const text of refused) {
    t.throws(() => parseState(text, 'the manifest'), {
      code: 'PEER_PROTOCOL',
      message: `the manifest has no state (UUID:seqno), but ${JSON.stringify(text)}`,
      exitStatus: 71,
    });
  }
});

t.test('whatever comes, what is read is one line that the server can take', async () => {
  const part = fc.constantFrom(uuid, ':', '1', '42', ' ', '\n', '-', '\0', 'x', '\t', '\u2028');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(part).map((parts) => `${uuid}:${parts.join('')}`),
      ),
      (text) => {
        try {
          return /^[0-9a-f-]{36}:-?\d{1,19}( \d{1,10})?$/i.test(parseState(text, 'it'));
        } catch (error) {
          return error instanceof TransferError && error.code === 'PEER_PROTOCOL';
        }
      },
    ),
    { numRuns: 400 },
  );
});
