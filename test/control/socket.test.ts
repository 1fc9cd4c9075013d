import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createPlainServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import t from 'tap';
import type { Test } from 'tap';
import { listenOnSocket } from '../../src/control/listen.js';
import { judgeSocket } from '../../src/control/socket.js';

const uid = process.getuid?.() ?? 0;

function place(t: Test): { readonly dir: string; readonly path: string } {
  const dir = mkdtempSync(join(tmpdir(), 'socket-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return { dir, path: join(dir, 'agent.sock') };
}

async function listening(t: Test, path: string): Promise<Server> {
  const server = createServer();
  await listenOnSocket(server, path);
  t.teardown(() => server.close());
  return server;
}

t.test('a socket is for owner and group, never for all', async (t) => {
  const { path } = place(t);
  await listening(t, path);
  t.ok([0o660, 0o600].includes(statSync(path).mode & 0o777));
  t.same(judgeSocket(path, uid), { kind: 'trusted' });
});

t.test('an agent that answers is not replaced', async (t) => {
  const { path } = place(t);
  await listening(t, path);
  await t.rejects(listenOnSocket(createServer(), path), { code: 'ALREADY_RUNNING', exitStatus: 114 });
});

t.test('the socket of a killed agent is replaced', async (t) => {
  const { path } = place(t);
  const source = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('listening'))`;
  const killed = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(killed.stdout, 'data');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  t.ok(statSync(path).isSocket(), 'it is left');
  const server = await listening(t, path);
  t.ok(server.listening);
});

t.test('what cannot be a place for the socket is refused with the reason', async (t) => {
  const { dir, path } = place(t);
  writeFileSync(path, 'text');
  const cases: readonly (readonly [string, { readonly code: string; readonly message?: RegExp }])[] = [
    [path, { code: 'ARGUMENT_INVALID', message: /is there and is not a socket/ }],
    [join(dir, 'missing', 'a.sock'), { code: 'DIRECTORY_MISSING' }],
    [join(dir, 'x'.repeat(100), 'a.sock'), { code: 'ARGUMENT_INVALID', message: /more than 107 bytes/ }],
  ];
  for (const [where, expected] of cases) await t.rejects(listenOnSocket(createServer(), where), expected);
  t.ok(statSync(path).isFile(), 'the file is still there');
});

t.test('secrets go to nobody but an agent of the same user', async (t) => {
  const { dir, path } = place(t);
  t.same(judgeSocket(path, uid), { kind: 'absent' });
  writeFileSync(path, '');
  t.match(judgeSocket(path, uid), { kind: 'refused', reason: 'it is not a socket' });
  rmSync(path);
  const server = createPlainServer();
  server.listen(path);
  await once(server, 'listening');
  t.teardown(() => server.close());
  t.match(judgeSocket(path, uid + 1), { kind: 'refused', reason: /belongs to user/ });
  chmodSync(dir, 0o777);
  t.match(judgeSocket(path, uid), {
    kind: 'refused',
    reason: /writable/,
    hint: `mkdir -m 0750 ${dir}/agent as that user, --socket ${dir}/agent/agent.sock`,
  });
  for (const mode of [0o2777, 0o775]) {
    chmodSync(dir, mode);
    t.match(judgeSocket(path, uid), { kind: 'refused' }, mode.toString(8));
  }
  chmodSync(dir, 0o1777);
  t.match(judgeSocket(path, uid), { kind: 'trusted' }, 'in a sticky directory only the owner can replace it');
  mkdirSync(join(dir, 'sub'));
  t.match(judgeSocket(join(dir, 'sub', 'agent.sock'), uid), { kind: 'absent' });
});
