import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { startAgent, type AgentHandle } from '../../src/agent/agent.js';
import { createAgentClient } from '../../src/control/agent-client.js';
import { keepInMemory } from '../../src/observe/history.js';

function socketPath(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'agent-'));
  chmodSync(dir, 0o755);
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'agent.sock');
}

async function agentAt(t: Test, path: string): Promise<AgentHandle> {
  const agent = await startAgent({
    socketPath: path,
    version: '1',
    sinks: [],
    history: keepInMemory(),
    onPassed: () => undefined,
    onEnd: () => undefined,
    checks: () => [],
    metrics: () => Promise.resolve(''),
    onState: () => undefined,
    onBug: (error) => t.fail(String(error)),
    now: () => new Date(),
  });
  t.teardown(() => agent.stop('the test is over'));
  return agent;
}

t.test('an agent that takes long to stop leaves the socket of the next one alone', async (t) => {
  const path = socketPath(t);
  const agent = await agentAt(t, path);
  // In the middle of its request, so that it is not idle.
  const slow = connect(path);
  slow.on('error', () => undefined);
  await once(slow, 'connect');
  slow.write('GET /v1/health HTTP/1.1\r\nslow: ');
  await createAgentClient(path).status();
  const stopped = agent.stop('an upgrade');
  while (existsSync(path)) await new Promise((resolve) => setImmediate(resolve));
  const next = await agentAt(t, path);
  t.equal(slow.destroyed, false, 'the first one is still there');
  await stopped;
  t.equal(next.state(), 'ready');
  t.match(await createAgentClient(path).status(), { state: 'ready' });
});
