import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { places } from '../../src/datadir/layout.js';
import { decodeManifest, encodeManifest, type Manifest } from '../../src/datadir/manifest.js';
import { linesOf } from '../../src/datadir/text-lines.js';
import { parseClaim } from '../../src/transfers/claim.js';
import { encodeTold, peerError, readAnswer, readTold, type Told } from '../../src/transfers/messages.js';
import { lookAtPartialCopy, partialCopyFile, readBrokenTransfer } from '../../src/transfers/partial-copy.js';
import { hostileText, mutatedText } from './inputs.js';
import { claim, claimClear, resultOrRefusal, target, type Target } from './target.js';

const offer: Manifest = {
  format: 1,
  tool: '0.1.0',
  gtid: '6b1d4c6e-0f5a-11ef-9a8b-0242ac120002:42 0',
  pass: 'final',
  binlogs: ['mysql-bin.000007'],
  innodbFiles: ['ibdata*'],
  donorId: 'ab'.repeat(32),
  takenMs: 1_700_000_000_000,
  files: [
    { place: 'data', path: 'shop/orders.ibd', size: 98_304, mtimeMs: 1.5e12, ctimeMs: 1.5e12, ino: 77 },
    { place: 'innodb-home', path: 'ibdata1', size: 12_582_912, mtimeMs: 1.6e12, hash: '0f'.repeat(32) },
    { place: 'binlog', path: 'mysql-bin.000007', size: 330 },
  ],
  directories: ['shop', 'shop/deeper'],
};
const text = [...encodeManifest(offer)].join('');
const lines = text.split('\n').slice(0, -1);

const path = fc.oneof(
  hostileText,
  fc.constantFrom('../x', 'a/../../x', '/etc/passwd', './x', 'a//b', '..', 'a/..'),
);
const line = fc.oneof(
  fc.constantFrom(...lines),
  fc
    .tuple(fc.integer({ min: -1, max: 7 }), path, fc.integer({ min: -1, max: 9 }))
    .map((all) => JSON.stringify(all)),
  path.map((name) => JSON.stringify(name)),
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
);
const manifests = fc.oneof(
  mutatedText([text]),
  fc.array(line, { maxLength: 5 }).map((more) => {
    const paths = more.filter((one) => one.startsWith('"')).length;
    const files = more.filter((one) => one.startsWith('[')).length;
    return [
      lines[0]!.replace('["mysql-bin.000007"]', '[]'),
      ...more,
      `{"files":${files},"directories":${paths}}`,
      '',
    ].join('\n');
  }),
);

export const manifestTexts = target('manifests', 16, manifests, (input) => {
  const manifest = resultOrRefusal(() => decodeManifest(linesOf([input]), 'the manifest'));
  if (manifest === undefined) return;
  for (const name of [
    ...Array.from(manifest.files, (file) => file.path),
    ...manifest.directories,
    ...manifest.binlogs,
  ])
    claim(
      resolve('/root/of/it', name) === `/root/of/it/${name}`,
      `below its directory: ${JSON.stringify(name)}`,
    );
  for (const file of manifest.files)
    claim(places.includes(file.place) && file.size >= 0, 'a place and a size');
});

const modules = {
  data: 'm',
  'innodb-home': 'm',
  'innodb-log': 'm-log_dir',
  undo: 'm',
  aria: 'm',
  binlog: '',
};
const told = [
  encodeTold({
    ok: true,
    value: {
      ...{ tool: '0.1.0', rsync: '3.5.0', modules, links: [['shop', 'm-link0']] },
      held: { complete: [[0, 'shop/orders.ibd']], similar: [[1, 'ibdata1']] },
      ...{ wantsHashes: true, idleTimeoutMs: 120_000 },
    },
  }),
  encodeTold({ ok: true, value: {} }),
  encodeTold({ ok: false, failure: { code: 'DISK_FULL', message: 'no room', hint: 'make room' } }),
  '{"transferId":"a1","owner":{"pid":7,"startTicks":1,"bootId":"b"},"workDir":"/tmp/galera-sst-tunnel-a"}',
];
const messageTexts = fc.oneof(
  mutatedText(told),
  fc
    .tuple(hostileText, hostileText, hostileText)
    .map(([code, message, hint]) => JSON.stringify({ ok: false, failure: { code, message, hint } })),
  fc
    .tuple(fc.constantFrom('tool', 'rsync', 'modules', 'links', 'held', 'idleTimeoutMs'), fc.jsonValue())
    .map(([name, value]) =>
      JSON.stringify({ ok: true, value: { tool: 'x', rsync: 'y', modules, [name]: value } }),
    ),
);

const directory = mkdtempSync(join(tmpdir(), 'fuzz-messages-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const file = join(directory, 'message.json');

export const peerMessages: Target = target('answers and verdicts', 7, messageTexts, (input) => {
  writeFileSync(file, input);
  parseClaim(input);
  const answer = resultOrRefusal(() => readAnswer(file));
  const verdict = resultOrRefusal<Told<object>>(() => readTold(file));
  for (const one of [answer, verdict]) if (one?.ok === false) claimClear(peerError('joiner', one.failure));
  if (answer?.ok !== true) return;
  for (const module of [...Object.values(answer.value.modules), ...answer.value.links.values()])
    claim(/^[A-Za-z0-9_-]*$/.test(module), 'modules are plain words');
});

const header = '{"format":1,"transferId":"a1","startedAt":"2026-11-22T06:00:00.000Z","bootId":"b"}\n';

export const partialCopies = target('signs of partial copies', 4, mutatedText([header + text]), (input) => {
  writeFileSync(join(directory, partialCopyFile), input);
  claim(lookAtPartialCopy(directory) !== undefined, 'it is there, whatever it holds');
  readBrokenTransfer(directory);
});
