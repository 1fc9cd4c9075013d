import t from 'tap';
import { runStatus, watchStatus } from '../../src/cli/status.js';
import type { AgentClient } from '../../src/control/client-interface.js';
import { TransferError } from '../../src/errors.js';
import { agentWith, copied, screen, transferOf } from './agent.js';

/** Aborts when the client has been asked so often, and gives each answer at once. */
function askedTimes(client: AgentClient, times: number): { client: AgentClient; signal: AbortSignal } {
  const enough = new AbortController();
  let asked = 0;
  const status = async () => {
    asked += 1;
    if (asked === times) enough.abort();
    return client.status();
  };
  return { client: { ...client, status }, signal: enough.signal };
}

t.test('the status is printed once, as text or as JSON', async (t) => {
  const client = agentWith([{ transfers: [copied] }]);
  const [text, json] = [screen(), screen()];
  await runStatus(client, { json: false }, text);
  await runStatus(client, { json: true }, json);
  t.match(text.text(), /copied 321 files/);
  t.match(JSON.parse(json.text()), { version: '1.0.0', transfers: [{ id: copied.id, percent: 30 }] });
});

t.test('on a terminal each status is drawn over the one before', async (t) => {
  const { client, signal } = askedTimes(
    agentWith([{ transfers: [transferOf()] }, { transfers: [copied] }]),
    2,
  );
  const terminal = screen({ isInteractive: true, columns: () => 40 });
  await watchStatus(client, { json: false }, terminal, signal);
  const [first, second] = terminal.text().split('\x1b[4A');
  t.equal(first?.split('\n').length, 5, 'four lines');
  t.equal(second?.split('\n').length, 2, 'one line, and what was below it is cleared');
  t.match(second, /\x1b\[J$/);
  for (const line of terminal.text().split('\n')) {
    const shown = line.replace(/\x1b\[\d*[AJK]/g, '');
    t.ok(Array.from(shown).length < 40, `no line wraps: ${shown}`);
  }
});

t.test('elsewhere a line is printed when it says something new', async (t) => {
  const statuses = [transferOf(), transferOf({ ageSeconds: 15 }), copied].map((one) => ({
    transfers: [one],
  }));
  const { client, signal } = askedTimes(agentWith(statuses), 3);
  const terminal = screen();
  await watchStatus(client, { json: false }, terminal, signal);
  t.equal(terminal.text().includes('\x1b'), false);
  t.equal(terminal.text().split('\n').length, 3, 'two lines');
});

t.test('as JSON each status is a line', async (t) => {
  const { client, signal } = askedTimes(agentWith([{ transfers: [copied] }]), 2);
  const terminal = screen();
  await watchStatus(client, { json: true }, terminal, signal);
  t.equal(
    terminal
      .text()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown).length,
    2,
  );
});

/** Answers, is away for two questions, answers again. */
function restarting(): { client: AgentClient; signal: AbortSignal } {
  const gone = (): Promise<never> =>
    Promise.reject(new TransferError('AGENT_ABSENT', 'no agent answers at /run/agent.sock'));
  const inner = agentWith([{ transfers: [transferOf()] }, { transfers: [copied] }]);
  let asked = 0;
  const status = () => {
    asked += 1;
    return asked === 2 || asked === 3 ? gone() : inner.status();
  };
  return askedTimes({ ...inner, status }, 4);
}

t.test('an agent that is started again is waited for', async (t) => {
  const lines = screen();
  const first = restarting();
  await watchStatus(first.client, { json: false }, lines, first.signal);
  t.match(lines.text().trimEnd().split('\n'), [
    /^1a2b3c4d /,
    /^no agent answers at \/run\/agent\.sock; asking again until one does$/,
    / copied 321 files/,
  ]);
  const json = screen();
  const second = restarting();
  await watchStatus(second.client, { json: true }, json, second.signal);
  const objects = json
    .text()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  t.match(objects, [{ version: '1.0.0' }, { error: { code: 'AGENT_ABSENT' } }, { version: '1.0.0' }]);
});

t.test('without an agent from the first nothing is waited for', async (t) => {
  const absent = {
    ...agentWith([]),
    status: () => Promise.reject(new TransferError('AGENT_ABSENT', 'none')),
  };
  const { signal } = new AbortController();
  await t.rejects(watchStatus(absent, { json: false }, screen(), signal), { code: 'AGENT_ABSENT' });
});
