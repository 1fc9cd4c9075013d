import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { binlogsForRecovery } from '../../src/datadir/binlog-checkpoint.js';

/**
 * The second log of a server (10.11.19), from its head to where InnoDB had made the first one durable: Format_description, Gtid_list,
 * Binlog_checkpoint bin.000001 (ends at 336), a transaction (ends at 503), Binlog_checkpoint bin.000002 (ends at 540).
 */
const second = Buffer.from(
  [
    '/mJpbsRyAmsPAQAAAPwAAAAAAQAAAAAEADEwLjExLjE5LU1hcmlhREItMCtkZWIxMnUxLWxvZwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABM4DQ',
    'AIABIABAQEBBIAAOQABBoIAAAACAgIAgAAAAoKCgAAAAAAAAoKCgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABBMEAA0ICA',
    'gKCgoBlIkiEMRyAmujAQAAACsAAAArAQAAAAABAAAAAAAAAAEAAAACAAAAAAAAAFyOzv3EcgJroQEAAAAlAAAAUAEAAAAACgAAAGJpbi4wMDAw',
    'MDGljkPlxHICa6IBAAAAKgAAAHoBAAAIAAMAAAAAAAAAAAAAAAwAAAAAAACtWd5ixHICawIBAAAAXgAAANgBAAAAAAUAAAAAAAAAAAAAGgAAAA',
    'AAAQEAACBUAAAAAAYDc3RkBCEAIQAIAABpbnNlcnQgaW50byBteXNxbC54MSB2YWx1ZXMgKDIpgz5r7cRyAmsQAQAAAB8AAAD3AQAAAAAGAAAA',
    'AAAAAJCOaKjEcgJroQEAAAAlAAAAHAIAAAAACgAAAGJpbi4wMDAwMDJLxNI5',
  ].join(''),
  'base64',
);

const names = ['bin.000000', 'bin.000001', 'bin.000002'];
const event = (type: number, body: Buffer): Buffer => {
  const head = Buffer.alloc(19);
  head.writeUInt8(type, 4);
  head.writeUInt32LE(19 + body.length, 9);
  return Buffer.concat([head, body]);
};
const checkpoint = (name: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(name.length);
  return event(161, Buffer.concat([length, Buffer.from(name)]));
};
const head = second.subarray(0, 299);
const small = Array.from({ length: 9000 }, () => event(2, Buffer.alloc(81)));

const cases: [what: string, last: Buffer, count: number, expected: readonly string[]][] = [
  ['names itself in the end', second, 1, names.slice(2)],
  ['names the one before so far', second.subarray(0, 336), 1, names.slice(1)],
  ['is named no more by an event of which a part is written', second.subarray(0, 535), 1, names.slice(1)],
  ['names one that is sent anyway', second.subarray(0, 336), 2, names.slice(1)],
  ['names the oldest', Buffer.concat([head, checkpoint('bin.000000')]), 1, names],
  [
    'names others in turn, with small and large events between them',
    Buffer.concat([
      head,
      checkpoint('bin.000000'),
      ...small,
      event(2, Buffer.alloc(400_000)),
      checkpoint('bin.000001'),
      ...small,
    ]),
    1,
    names.slice(1),
  ],
  ['is encrypted', Buffer.concat([second.subarray(0, 256), event(164, Buffer.alloc(17))]), 1, names.slice(1)],
  ['names one that is not there', Buffer.concat([head, checkpoint('bin.999999')]), 1, names.slice(2)],
  ['names none', head, 1, names.slice(2)],
  ['is empty', Buffer.alloc(0), 1, names.slice(2)],
];

for (const [what, last, count, expected] of cases) {
  t.test(`the newest ${count} when the last binary log ${what}`, (t) => {
    const dir = t.testdir({});
    writeFileSync(join(dir, 'bin.000002'), last);
    t.strictSame(binlogsForRecovery(dir, names, count), expected);
    t.end();
  });
}

t.test('a last binary log that has been removed asks for none before it', (t) => {
  t.strictSame(binlogsForRecovery(t.testdir({}), names, 1), names.slice(2));
  t.end();
});

t.test('a last binary log that cannot be read ends the transfer', (t) => {
  const dir = t.testdir({ 'bin.000002': t.fixture('symlink', 'bin.000002') });
  t.throws(() => binlogsForRecovery(dir, names, 1), { code: 'FILE_UNREADABLE' });
  t.end();
});
