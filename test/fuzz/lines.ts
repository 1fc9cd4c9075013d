import { Readable } from 'node:stream';
import fc from 'fast-check';
import { TransferError } from '../../src/errors.js';
import { serverLogLine } from '../../src/observe/server-log.js';
import { readLines } from '../../src/processes/lines.js';
import { formatServerLine } from '../../src/sst-script/server-lines.js';
import { understandDaemonLine } from '../../src/transfers/daemon-log.js';
import { socatComplaints, sockoptRejected, connectionRefused } from '../../src/transfers/socat-failure.js';
import { parseState } from '../../src/transfers/state.js';
import { hostileText, mutated, mutatedText } from './inputs.js';
import { asyncTarget, claim, claimClear, isOneLine, resultOrRefusal, target } from './target.js';

const state = '6b1d4c6e-0f5a-11ef-9a8b-0242ac120002:42 0';
const stateTexts = fc.oneof(
  mutatedText([state, `${state}\n`, '00000000-0000-0000-0000-000000000000:-1']),
  hostileText,
);

/** Any text may reach these: what the server would be told is one line that it knows, or nothing. */
export const serverLines = target('lines for the server', 10, stateTexts, (text) => {
  claim(isOneLine(serverLogLine('INFO', text, new Date(0))), 'one line for the log');
  for (const role of ['joiner', 'donor'] as const) {
    for (const line of [
      { kind: 'result', state: text },
      { kind: 'done', state: text },
      { kind: 'ready', address: text },
    ] as const) {
      const told = formatted(line, role);
      claim(
        told === undefined || (isOneLine(told) && Buffer.byteLength(told) < 511),
        `one short line: ${told ?? ''}`,
      );
      claim(role === 'joiner' || told === undefined || Buffer.byteLength(told) < 127, 'short for a donor');
    }
  }
  const read = resultOrRefusal(() => parseState(text, 'the manifest'));
  claim(read === undefined || /^[0-9a-f-]{36}:-?\d{1,19}( \d{1,10})?$/i.test(read), 'a state');
});

function formatted(
  line: Parameters<typeof formatServerLine>[0],
  role: 'joiner' | 'donor',
): string | undefined {
  try {
    return formatServerLine(line, role);
  } catch (error) {
    if (error instanceof TransferError) return undefined;
    throw error;
  }
}

const output = [
  '1,234,567  42%  1.00MB/s\r',
  'rsync: [sender] x: Permission denied (13)\r\n',
  'a\n\nb',
  '\u00e9\n',
  state,
];
const chunks = fc.tuple(
  mutated(output.map((text) => Buffer.from(text.repeat(3)))),
  fc.array(fc.nat(80), { maxLength: 6 }),
);

export const childOutput = asyncTarget("children's output", 5, chunks, async ([bytes, cuts]) => {
  const whole = await linesOf([bytes]);
  const inParts = await linesOf(cut(bytes, cuts));
  claim(JSON.stringify(whole) === JSON.stringify(inParts), 'the same lines however they arrive');
  claim(
    whole.every((line) => line !== '' && line.length <= 16_384 && !/[\r\n]/.test(line)),
    'lines',
  );
});

function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  let from = 0;
  const parts = lengths.map((length) => bytes.subarray(from, (from += length)));
  return [...parts, bytes.subarray(from)].filter((part) => part.length > 0);
}

function linesOf(parts: readonly Buffer[]): Promise<string[]> {
  const lines: string[] = [];
  const stream = Readable.from(parts, { objectMode: false });
  readLines(stream, (line) => lines.push(line));
  return new Promise((resolve) => stream.once('close', () => resolve(lines)));
}

const toldLines = [
  '2026/11/22 06:00:00 [4711] rsync to rsync_tunnel_sst-inbox/ from sst@node1 (10.0.0.1)',
  '2026/11/22 06:00:00 [4711] auth failed on module rsync_tunnel_sst from UNDETERMINED (undetermined) for mysql: no matching rule',
  '2026/11/22 06:00:00 [4711] rsync: [receiver] write failed on "/d/ibdata1": No space left on device (28)',
  '2026/11/22 06:00:00 socat[4711] E SSL_connect(): error:0A000086:SSL routines::certificate verify failed',
  '2026/11/22 06:00:00 socat[4711] E certificate is valid but its commonName does not match hostname "node1"',
];
const source = { kind: 'file', file: '/etc/my.cnf', line: 3, group: 'sst', name: 'sockopt' } as const;
const sockopt = { options: ['nodelay', 'cipher=NOPE'], source: { value: 'nodelay,cipher=NOPE', source } };

export const toolLines = target("rsync's and socat's words", 6, mutatedText(toldLines), (line) => {
  const said = understandDaemonLine(line);
  claim(said.kind !== 'donor' || /^[^/ ]+$/.test(said.module), 'a module');
  const complaints = socatComplaints([line]);
  const rejected = sockoptRejected(complaints, sockopt);
  if (rejected !== undefined) claimClear(rejected);
  connectionRefused(complaints);
});
