import { once } from 'node:events';
import t from 'tap';
import { givenServer, open, readToEnd, request, sendRaw } from './given.js';

const transfer = JSON.stringify({ argv: ['--role', 'joiner'], env: { HOME: '/root' } });

const answered: readonly (readonly [string, string, number, object])[] = [
  ['health', request('GET', '/v1/health'), 200, { state: 'ready' }],
  ['status', request('GET', '/v1/status'), 200, { status: true }],
  ['a list', request('GET', '/v1/transfers'), 200, { transfers: [] }],
  ['one transfer', request('GET', '/v1/transfers/a-1'), 200, { id: 'a-1' }],
  ['a query that nobody asked for', request('GET', '/v1/health?x=1'), 200, { state: 'ready' }],
  ['an abort without a body', request('POST', '/v1/transfers/a1/abort'), 202, { id: 'a1', aborted: {} }],
  [
    'an abort with a reason',
    request('POST', '/v1/transfers/a1/abort', '{"reason":"maintenance"}'),
    202,
    { aborted: { reason: 'maintenance' } },
  ],
  [
    'a throttle',
    request('POST', '/v1/transfers/a1/throttle', '{"bytesPerSecond":1000}'),
    200,
    { throttled: { bytesPerSecond: 1000 } },
  ],
];

t.test('what is asked properly is answered', async (t) => {
  const server = await givenServer(t);
  for (const [what, bytes, status, body] of answered) {
    const answer = await sendRaw(server.path, bytes);
    t.equal(answer.status, status, what);
    t.match(JSON.parse(answer.body), body, what);
  }
  const metrics = await sendRaw(server.path, request('GET', '/metrics'));
  t.match(metrics.text, /content-type: text\/plain; version=0\.0\.4/i);
  t.equal(metrics.body, 'up 1\n');
});

const megabyte = 1_048_576;
const refused: readonly (readonly [string, string | Uint8Array, number, string, RegExp?])[] = [
  ['random bytes', new Uint8Array([0, 255, 22, 3, 1, 2, 0, 13, 10, 13, 10]), 400, 'MALFORMED'],
  ['a TLS hello', new Uint8Array([22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]), 400, 'MALFORMED'],
  ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n', 400, 'MALFORMED'],
  ['HTTP/0.9', 'GET /\r\n\r\n', 404, 'NOT_FOUND'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'MALFORMED'],
  [
    'an expectation that nobody meets',
    'GET /v1/health HTTP/1.1\r\nhost: a\r\nexpect: foo\r\n\r\n',
    400,
    'MALFORMED',
  ],
  ['a header line without a colon', 'GET /v1/health HTTP/1.1\r\nnonsense\r\n\r\n', 400, 'MALFORMED'],
  ['a bare line feed in a header', 'GET /v1/health HTTP/1.1\r\na: b\nc\r\n\r\n', 400, 'MALFORMED'],
  [
    'a large header',
    request('GET', '/v1/health', undefined, [`x: ${'y'.repeat(20_000)}`]),
    431,
    'HEADER_TOO_LARGE',
  ],
  [
    'many headers',
    request(
      'GET',
      '/v1/health',
      undefined,
      Array.from({ length: 5000 }, (_, i) => `x${i}: y`),
    ),
    431,
    'HEADER_TOO_LARGE',
  ],
  ['a long path', request('GET', `/${'a'.repeat(30_000)}`), 431, 'HEADER_TOO_LARGE'],
  ['two lengths', request('POST', '/v1/transfers', '{}', ['content-length: 3']), 400, 'MALFORMED'],
  [
    'length and chunks',
    request('POST', '/v1/transfers', '{}', ['transfer-encoding: chunked']),
    400,
    'MALFORMED',
  ],
  ['a negative length', 'POST /v1/transfers HTTP/1.1\r\ncontent-length: -1\r\n\r\n', 400, 'MALFORMED'],
  ['an unknown path', request('GET', '/'), 404, 'NOT_FOUND'],
  ['a path of another version', request('GET', '/v2/status'), 404, 'NOT_FOUND'],
  ['a path with dots', request('GET', '/v1/transfers/../status'), 404, 'NOT_FOUND'],
  ['an escaped id', request('GET', '/v1/transfers/%2e%2e'), 404, 'NOT_FOUND'],
  ['a long id', request('GET', `/v1/transfers/${'a'.repeat(65)}`), 404, 'NOT_FOUND'],
  ['an id that is not there', request('GET', '/v1/transfers/missing'), 404, 'NOT_FOUND'],
  ['an absolute target', request('GET', 'http://elsewhere/v1/health'), 404, 'NOT_FOUND'],
  ['a wrong method', request('DELETE', '/v1/transfers/a1'), 405, 'METHOD_NOT_ALLOWED', /allow: GET\r\n/i],
  [
    'a wrong method of two',
    request('PUT', '/v1/transfers'),
    405,
    'METHOD_NOT_ALLOWED',
    /allow: GET, POST\r\n/i,
  ],
  [
    'GET for an action',
    request('GET', '/v1/transfers/a1/abort'),
    405,
    'METHOD_NOT_ALLOWED',
    /allow: POST\r\n/i,
  ],
  [
    'no content type',
    'POST /v1/transfers HTTP/1.1\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}',
    415,
    'NOT_JSON',
  ],
  [
    'a form',
    request('POST', '/v1/transfers', 'a=b', ['content-type: application/x-www-form-urlencoded']),
    415,
    'NOT_JSON',
  ],
  [
    'another charset',
    request('POST', '/v1/transfers', transfer, ['content-type: application/json; charset=utf-16']),
    415,
    'NOT_JSON',
  ],
  [
    'a declared large body',
    `POST /v1/transfers HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: ${megabyte + 1}\r\n\r\n`,
    413,
    'TOO_LARGE',
  ],
  [
    'a large body in chunks',
    `POST /v1/transfers HTTP/1.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n200000\r\n${' '.repeat(0x200000)}\r\n0\r\n\r\n`,
    413,
    'TOO_LARGE',
  ],
  ['an empty body', request('POST', '/v1/transfers', ''), 400, 'MALFORMED', /not JSON/],
  ['half of a JSON', request('POST', '/v1/transfers', '{"argv":["--role"'), 400, 'MALFORMED', /not JSON/],
  [
    'JSON that is not UTF-8',
    Buffer.from(
      'POST /v1/transfers HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{"argv":["\xff"}',
      'latin1',
    ),
    400,
    'MALFORMED',
  ],
  ['null', request('POST', '/v1/transfers', 'null'), 400, 'MALFORMED', /expected an object, got null/],
  ['an array', request('POST', '/v1/transfers', '[]'), 400, 'MALFORMED', /expected an object, got an array/],
  ['deep nesting', request('POST', '/v1/transfers', '['.repeat(100_000)), 400, 'MALFORMED'],
  [
    'no argv',
    request('POST', '/v1/transfers', '{"env":{}}'),
    400,
    'MALFORMED',
    /\/argv: expected an array, got nothing/,
  ],
  [
    'argv of numbers',
    request('POST', '/v1/transfers', '{"argv":["a",2],"env":{}}'),
    400,
    'MALFORMED',
    /\/argv\/1: expected a string, got 2/,
  ],
  [
    'a NUL in argv',
    request('POST', '/v1/transfers', '{"argv":["a\\u0000b"],"env":{}}'),
    400,
    'MALFORMED',
    /NUL/,
  ],
  [
    'too long an argv',
    request('POST', '/v1/transfers', JSON.stringify({ argv: Array(5000).fill('a'), env: {} })),
    400,
    'MALFORMED',
    /at most 4096/,
  ],
  [
    'a variable that is not taken',
    request('POST', '/v1/transfers', '{"argv":[],"env":{"LD_PRELOAD":"x"}}'),
    400,
    'MALFORMED',
    /\/env: \\"LD_PRELOAD\\" is not known here/,
  ],
  [
    'a prototype',
    request('POST', '/v1/transfers', '{"argv":[],"env":{},"__proto__":{"x":1}}'),
    400,
    'MALFORMED',
    /__proto__/,
  ],
  [
    'a secret with a line break',
    request('POST', '/v1/transfers', '{"argv":[],"env":{},"remoteSecret":"ab\\ncd"}'),
    400,
    'MALFORMED',
    /\/remoteSecret/,
  ],
  [
    'a process id of 0',
    request('POST', '/v1/transfers', '{"argv":[],"env":{},"serverPid":0}'),
    400,
    'MALFORMED',
    /\/serverPid/,
  ],
  [
    'a negative rate',
    request('POST', '/v1/transfers/a1/throttle', '{"bytesPerSecond":-1}'),
    400,
    'MALFORMED',
  ],
  ['a broken rate', request('POST', '/v1/transfers/a1/throttle', '{"bytesPerSecond":1.5}'), 400, 'MALFORMED'],
  [
    'a rate as text',
    request('POST', '/v1/transfers/a1/throttle', '{"bytesPerSecond":"1M"}'),
    400,
    'MALFORMED',
    /got \\"1M\\"/,
  ],
  [
    'a reason of two lines',
    request('POST', '/v1/transfers/a1/abort', '{"reason":"a\\nWSREP_SST: [ERROR]"}'),
    400,
    'MALFORMED',
    /\/reason/,
  ],
  [
    'an error code of the client',
    request('POST', '/v1/transfers/a1/abort', '{"code":"DISK_FULL"}'),
    400,
    'MALFORMED',
    /\/code/,
  ],
];

t.test('what is not asked properly gets an error that says what is wrong, and disturbs nobody', async (t) => {
  const server = await givenServer(t);
  const bystander = await open(server.path);
  const lines = readToEnd(bystander);
  const begun = server.nextBegun();
  bystander.write(request('POST', '/v1/transfers', transfer));
  const { output } = await begun;
  for (const [what, bytes, status, code, detail] of refused) {
    const answer = await sendRaw(server.path, bytes);
    t.equal(answer.status, status, what, { text: answer.text.slice(0, 500) });
    const body = JSON.parse(answer.body) as { error: { code: string; message: string; hint: string } };
    t.equal(body.error.code, code, what);
    t.ok(body.error.message.length > 5 && body.error.hint.length > 5, `${what}: message and hint`);
    if (detail !== undefined) t.match(answer.text, detail, what);
  }
  t.same(server.bugs, []);
  t.equal(server.begun.length, 1, 'no other transfer was begun');
  output.write({ exit: 0 }, false);
  output.end();
  t.match(await lines, /"accepted".*"exit":0/s, 'the transfer beside them went on');
});

t.test('a client that sends its header slowly is cut off', async (t) => {
  const server = await givenServer(t, { headerTimeoutMs: 200, requestTimeoutMs: 400, checkEveryMs: 100 });
  const socket = await open(server.path);
  socket.on('error', () => undefined);
  const drip = setInterval(() => socket.write('x'), 20);
  socket.write('GET /v1/health HTTP/1.1\r\nslow: ');
  const text = await readToEnd(socket);
  clearInterval(drip);
  t.match(text, /^HTTP\/1\.1 408 /);
  t.match(text, '"code":"TOO_SLOW"');
});

t.test('a client that sends its body slowly is cut off', async (t) => {
  const server = await givenServer(t, { headerTimeoutMs: 200, requestTimeoutMs: 400, checkEveryMs: 100 });
  const socket = await open(server.path);
  socket.on('error', () => undefined);
  socket.write(
    request('POST', '/v1/transfers', undefined, ['content-type: application/json', 'content-length: 100']),
  );
  const drip = setInterval(() => socket.write(' '), 50);
  t.match(await readToEnd(socket), /^HTTP\/1\.1 408 /);
  clearInterval(drip);
  t.equal(server.begun.length, 0);
});

t.test('a client that connects and says nothing is cut off', async (t) => {
  const server = await givenServer(t, { headerTimeoutMs: 200, requestTimeoutMs: 400, checkEveryMs: 100 });
  const socket = await open(server.path);
  t.match(await readToEnd(socket), /^$|408/);
});

t.test('a client that goes away in the middle of its body begins nothing', async (t) => {
  const server = await givenServer(t);
  const socket = await open(server.path);
  socket.write(
    `${request('POST', '/v1/transfers', undefined, ['content-type: application/json', 'content-length: 100'])}{"argv"`,
  );
  await sendRaw(server.path, request('GET', '/v1/health'));
  socket.destroy();
  await once(socket, 'close');
  while ((await server.connections()) > 0) await new Promise((resolve) => setImmediate(resolve));
  t.equal(server.begun.length, 0);
  t.same(server.bugs, []);
});

t.test('a half-closed request is answered or its connection closed', async (t) => {
  const server = await givenServer(t);
  const whole = await sendRaw(server.path, request('GET', '/v1/health'), true);
  t.match(whole.text, /^$|^HTTP\/1\.1 200 /);
  const half = await sendRaw(server.path, 'GET /v1/hea', true);
  t.match(half.text, /^$|^HTTP\/1\.1 400 /);
  t.match(await sendRaw(server.path, request('GET', '/v1/health')), { status: 200 });
});

t.test('requests one after the other without waiting are answered in order', async (t) => {
  const server = await givenServer(t);
  const keep = 'GET /v1/transfers/a1 HTTP/1.1\r\n\r\nGET /nothing HTTP/1.1\r\n\r\n';
  const { text } = await sendRaw(server.path, `${keep}${request('GET', '/v1/transfers/a3')}`);
  t.match(text, /^HTTP\/1\.1 200 .*"id":"a1".*HTTP\/1\.1 404 /s);
});

t.test('more connections than are allowed are closed, and room is made again', async (t) => {
  const server = await givenServer(t, { connections: 20 });
  const sockets = await Promise.all(Array.from({ length: 20 }, () => open(server.path)));
  for (const socket of sockets) {
    const begun = server.nextBegun();
    socket.on('error', () => undefined).write(request('POST', '/v1/transfers', transfer));
    await begun;
  }
  const surplus = await open(server.path);
  surplus.on('error', () => undefined);
  t.equal(await readToEnd(surplus), '');
  t.ok(
    server.begun.every(({ output }) => !output.readerGone.aborted),
    'what runs goes on',
  );
  for (const socket of sockets) socket.destroy();
  while ((await server.connections()) > 0) await new Promise((resolve) => setImmediate(resolve));
  t.match(await sendRaw(server.path, request('GET', '/v1/health')), { status: 200 });
});

const slow: readonly (readonly [string, string])[] = [
  ['say nothing', ''],
  ['have not sent their header', 'GET /v1/health HTTP/1.1\r\nslow: '],
  [
    'have not sent their body',
    request('POST', '/v1/transfers', undefined, ['content-type: application/json', 'content-length: 100']),
  ],
];

for (const [what, bytes] of slow) {
  t.test(`connections that ${what} make room for others, the oldest first`, async (t) => {
    const server = await givenServer(t, { connections: 20 });
    const begun = server.nextBegun();
    const running = await open(server.path);
    running.write(request('POST', '/v1/transfers', transfer));
    const { output } = await begun;
    const closed: number[] = [];
    for (let index = 0; index < 19; index++) {
      const socket = await open(server.path);
      socket.on('error', () => undefined).on('close', () => closed.push(index));
      socket.resume().on('end', () => socket.destroy());
      socket.write(bytes);
    }
    for (let asked = 0; asked < 3; asked++)
      t.match(await sendRaw(server.path, request('GET', '/v1/health')), { status: 200 });
    t.notOk(output.readerGone.aborted, 'the transfer goes on');
    while (closed.length === 0) await new Promise((resolve) => setImmediate(resolve));
    t.equal(closed[0], 0);
    t.ok(closed.length <= 3, 'the others stay', { closed });
    running.destroy();
  });
}

t.test('a reader that goes away is noticed', async (t) => {
  for (const leave of ['destroy', 'end'] as const) {
    const server = await givenServer(t);
    const begun = server.nextBegun();
    const socket = await open(server.path);
    socket.on('error', () => undefined);
    socket.write(request('POST', '/v1/transfers', transfer));
    const { output } = await begun;
    const gone = new Promise((resolve) => output.readerGone.addEventListener('abort', resolve));
    if (leave === 'destroy') socket.destroy();
    else socket.end();
    await gone;
    t.ok(output.readerGone.aborted, leave);
    output.write({ log: 'to nobody' }, true);
    output.end();
    socket.destroy();
  }
});

t.test(
  'a transfer that was asked for behind another one on the same connection ends with it, too',
  async (t) => {
    const server = await givenServer(t);
    const [first, second] = [server.nextBegun(), server.nextBegun()];
    const socket = await open(server.path);
    const asked = request('POST', '/v1/transfers', transfer).replace('connection: close\r\n', '');
    socket.write(asked + asked);
    const outputs = [await first, await second].map(({ output }) => output);
    socket.destroy();
    for (const { readerGone } of outputs) if (!readerGone.aborted) await once(readerGone, 'abort');
    t.ok(outputs.every(({ readerGone }) => readerGone.aborted));
  },
);

t.test('a reader that does not read costs log lines, not memory', async (t) => {
  const server = await givenServer(t, { unreadBytes: 100_000 });
  const begun = server.nextBegun();
  const socket = await open(server.path);
  socket.pause();
  socket.write(request('POST', '/v1/transfers', transfer));
  const { output } = await begun;
  for (let i = 0; i < 20_000; i++) output.write({ log: 'x'.repeat(100) }, true);
  output.write({ line: 'done' }, false);
  output.end();
  socket.resume();
  const text = await readToEnd(socket);
  t.match(text, '"line":"done"', 'what the server needs arrives');
  t.ok(text.length < 1_000_000, 'log lines were left out', { length: text.length });
});

t.test('a defect is answered with 500 and told, and no more', async (t) => {
  const server = await givenServer(
    t,
    {},
    {
      status: () => {
        throw new Error('cannot read secret stuff');
      },
    },
  );
  const answer = await sendRaw(server.path, request('GET', '/v1/status'));
  t.equal(answer.status, 500);
  t.notMatch(answer.text, 'secret stuff');
  t.equal(server.bugs.length, 1);
  t.match(await sendRaw(server.path, request('GET', '/v1/health')), { status: 200 });
});
