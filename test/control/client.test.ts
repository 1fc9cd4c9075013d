import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { askAgent, type AskedOutcome } from '../../src/control/client.js';
import { TransferError } from '../../src/errors.js';
import { givenServer } from './given.js';

interface Asked {
  readonly lines: string[];
  readonly logs: string[];
  readonly outcome: Promise<AskedOutcome>;
  readonly ending: AbortController;
}

function ask(
  socketPath: string,
  onLog: (line: string) => void = () => undefined,
  lockedSilenceMs?: number,
): Asked {
  const ending = new AbortController();
  const lines: string[] = [];
  const logs: string[] = [];
  const outcome = askAgent({
    socketPath,
    request: { argv: ['--role', 'donor'], env: {}, remoteSecret: 'ab'.repeat(20), serverPid: process.pid },
    uid: process.getuid?.() ?? 0,
    writeLine: (line) => lines.push(line),
    writeLog: (line) => {
      logs.push(line);
      onLog(line);
    },
    lockedSilenceMs,
    signal: ending.signal,
  });
  return { lines, logs, outcome, ending };
}

/** Anything that listens on a socket and need not speak HTTP. */
async function impostor(t: Test, onConnection: (socket: Socket) => void): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'impostor-'));
  const path = join(dir, 'agent.sock');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(path);
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(dir, { recursive: true });
  });
  return path;
}

t.test('lines are relayed in order, and the exit status given', async (t) => {
  const server = await givenServer(t);
  const begun = server.nextBegun();
  const asked = ask(server.path);
  const { request, output } = await begun;
  t.match(request, { remoteSecret: 'ab'.repeat(20), serverPid: process.pid });
  output.write({ log: 'WSREP_SST: [INFO] one' }, true);
  output.write({ line: 'flush tables' }, false);
  output.write({ line: 'continue' }, false);
  output.write({ exit: 71 }, false);
  output.end();
  t.same(await asked.outcome, { kind: 'ended', exitStatus: 71 });
  t.same(asked.lines, ['flush tables', 'continue']);
  t.same(asked.logs, ['WSREP_SST: [INFO] one']);
});

t.test('without an agent nothing is begun, and the reason given', async (t) => {
  const missing = join(tmpdir(), 'nothing-here', 'agent.sock');
  t.match(await ask(missing).outcome, { kind: 'not taken', reason: /no agent at / });
  const refusing = await givenServer(
    t,
    {},
    {
      health: () => {
        throw new Error('ill');
      },
    },
  );
  t.match(await ask(refusing.path).outcome, { kind: 'not taken', reason: /answered 500/ });
  t.equal(refusing.begun.length, 0);
});

t.test('who does not speak as an agent does gets no secret', async (t) => {
  const impostors: readonly (readonly [string, (socket: Socket) => void, RegExp])[] = [
    ['silence', () => undefined, /no answer within 200 ms/],
    ['a closed connection', (socket) => socket.destroy(), /hang up|ECONNRESET|EPIPE/],
    ['noise', (socket) => socket.end('220 smtp ready\r\n'), /Parse Error|hang up/],
  ];
  for (const [what, behave, reason] of impostors) {
    let got = '';
    const path = await impostor(t, (socket) => {
      socket.on('data', (chunk: Buffer) => (got += chunk.toString()));
      behave(socket);
    });
    t.match(await ask(path).outcome, { kind: 'not taken', reason }, what);
    t.notMatch(got, 'abab', `${what}: the secret was kept`);
  }
});

t.test('an agent that dies in the middle is an error of its own', async (t) => {
  const server = await givenServer(t);
  const begun = server.nextBegun();
  const asked = ask(server.path);
  const { output } = await begun;
  output.write({ line: 'flush tables' }, false);
  output.end();
  t.match(await asked.outcome, { kind: 'broken', error: { code: 'AGENT_GONE', exitStatus: 32 } });
  t.same(asked.lines, ['flush tables']);
});

t.test('an agent that writes nonsense is given up', async (t) => {
  const server = await givenServer(t);
  const begun = server.nextBegun();
  const asked = ask(server.path);
  const { output } = await begun;
  output.write({ lines: 'flush tables' }, false);
  t.match(await asked.outcome, { kind: 'broken', error: { code: 'AGENT_GONE', message: /lines/ } });
  t.same(asked.lines, []);
  if (!output.readerGone.aborted) {
    await new Promise((resolve) => output.readerGone.addEventListener('abort', resolve, { once: true }));
  }
});

t.test('a script that is to end says why, and relays what is still said', async (t) => {
  const aborts: object[] = [];
  const server = await givenServer(
    t,
    {},
    {
      abort: (id, request) => {
        aborts.push({ id, request });
        const output = server.begun[0]?.output;
        output?.write({ log: 'WSREP_SST: [ERROR] ended' }, false);
        output?.write({ exit: 3 }, false);
        output?.end();
        return {};
      },
    },
  );
  const asked = ask(server.path, () => undefined);
  const { output } = await server.nextBegun();
  output.write({ log: 'running' }, true);
  asked.ending.abort(new TransferError('INTERRUPTED', 'ended by SIGTERM'));
  t.same(await asked.outcome, { kind: 'ended', exitStatus: 3 });
  t.same(aborts, [{ id: 'a1', request: { code: 'INTERRUPTED', reason: 'ended by SIGTERM' } }]);
  t.same(asked.logs.at(-1), 'WSREP_SST: [ERROR] ended');
});

/** An agent whose transfer has locked its server; `answer` is what it does when it is asked about that. */
async function lockedAgent(
  t: Test,
  answer: (response: ServerResponse, question: number, unlock: () => void) => void,
): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'locked-'));
  const path = join(dir, 'agent.sock');
  let questions = 0;
  let unlock = (): void => undefined;
  const server = createHttpServer((request, response) => {
    if (request.url === '/v1/health') response.end('{}');
    else if (request.method === 'GET') answer(response, ++questions, unlock);
    else {
      response.write(`${JSON.stringify({ accepted: { id: 'an-id', version: '1' } })}\n`);
      response.write(`${JSON.stringify({ line: 'flush tables' })}\n`);
      response.on('error', () => undefined);
      unlock = () => response.end('{"line":"continue"}\n{"exit":0}\n');
    }
  });
  server.listen(path);
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
    rmSync(dir, { recursive: true });
  });
  return path;
}

t.test('an agent that is silent while the server is locked is given up', async (t) => {
  const answers: [name: string, answer: (response: ServerResponse) => void][] = [
    ['it is stopped', () => undefined],
    ['another agent has come in its place', (response) => response.writeHead(404).end('{}')],
  ];
  for (const [name, answer] of answers) {
    const asked = ask(await lockedAgent(t, answer), undefined, 200);
    const outcome = await asked.outcome;
    t.match(outcome, { kind: 'broken', error: { code: 'AGENT_GONE' } }, name);
    t.match(outcome, { error: { message: /it has not answered for 0\.2 s while the server was locked/ } });
    t.same(asked.lines, ['flush tables']);
  }
});

t.test('an agent that answers may keep its server locked for as long as it likes', async (t) => {
  const asked = ask(
    await lockedAgent(t, (response, question, unlock) => {
      // As a busy one does now and then.
      if (question % 3 === 0) return;
      response.end('{}');
      if (question > 40) unlock();
    }),
    undefined,
    200,
  );
  t.same(await asked.outcome, { kind: 'ended', exitStatus: 0 });
});
