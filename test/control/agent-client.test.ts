import t from 'tap';
import { createAgentClient } from '../../src/control/agent-client.js';
import { Refusal } from '../../src/control/refusal.js';
import { givenServer } from './given.js';

t.test('every question of the commands reaches its route', async (t) => {
  const client = createAgentClient((await givenServer(t)).path);
  t.same(await client.status(), { status: true });
  t.same(await client.history(), []);
  t.same(await client.show('1a2b'), { id: '1a2b' });
  t.same(await client.abort('1a2b'), { id: '1a2b', aborted: {} });
  t.same(await client.throttle('1a2b', 70_000), { id: '1a2b', throttled: { bytesPerSecond: 70_000 } });
});

t.test('a refusal keeps its message and its hint', async (t) => {
  const client = createAgentClient((await givenServer(t)).path);
  await t.rejects(client.show('missing'), {
    code: 'AGENT_REFUSED',
    exitStatus: 22,
    message: 'there is no transfer missing',
    hint: /galera-sst-tunnel history lists the transfers/,
  });
  await t.rejects(client.show('../status'), { code: 'AGENT_REFUSED' });
});

t.test('what is over is told with the command that shows it', async (t) => {
  const abort = () => {
    throw new Refusal('NOT_RUNNING', 'transfer 1a2b has ended');
  };
  const client = createAgentClient((await givenServer(t, {}, { abort })).path);
  await t.rejects(client.abort('1a2b'), { code: 'AGENT_REFUSED', hint: /galera-sst-tunnel history/ });
});

t.test('without an agent the error names the socket', async (t) => {
  const client = createAgentClient('/nonexistent/agent.sock');
  await t.rejects(client.status(), { code: 'AGENT_ABSENT', message: /\/nonexistent\/agent\.sock/ });
});
