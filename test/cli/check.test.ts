import t from 'tap';
import { runCheck, type CheckCommand } from '../../src/cli/check.js';
import { freePort } from '../certificates/given.js';
import { serverIn, type Given } from '../check/given.js';
import { screen } from './agent.js';

async function run(
  t: Parameters<typeof serverIn>[0],
  given: Given,
  command: Partial<CheckCommand> = {},
  isInteractive = false,
): Promise<{ status: number; text: string }> {
  const terminal = screen({ isInteractive });
  const server = await serverIn(t, given);
  const usual = { server, peer: undefined, replicationFrom: undefined, json: false, socketPath: '/none' };
  // The script is not on the path of every host that runs this.
  const status = await runCheck({ ...usual, user: 'root', ...command }, terminal);
  return { status, text: terminal.text() };
}

/** Without what depends on this host. */
const findingsIn = (text: string): readonly string[] =>
  [...text.matchAll(/^ {9}([A-Z_]+): /gm)]
    .map(([, code = '']) => code)
    .filter((code) => code !== 'HINT' && code !== 'TOOL_MISSING');

t.test(
  'the exit status is 0 or 1 without errors, 2 with one, and the text says what and what to do',
  async (t) => {
    const fine = await run(t, {});
    t.ok(fine.status < 2);
    t.strictSame(findingsIn(fine.text), []);
    const warned = await run(t, { sst: 'backup-thread=2' });
    t.equal(warned.status, 1);
    t.match(
      warned.text,
      /warning {2}options [^]*\n {9}OPTION_UNKNOWN: .*my.cnf:\d+\)\n {9}HINT: was backup-threads meant/,
    );
    const wrong = await run(t, { sst: 'ssl-mode=MAYBE' });
    t.equal(wrong.status, 2);
    t.match(wrong.text, /error {4}options/);
  },
);

t.test('the JSON has a fixed form', async (t) => {
  const { text } = await run(t, { sst: 'backup-thread=2' }, { json: true });
  const report = JSON.parse(text) as { sections: Record<string, unknown>[] };
  t.strictSame(Object.keys(report), ['title', 'status', 'sections', 'lines']);
  for (const section of report.sections) {
    t.strictSame(Object.keys(section), ['name', 'status', 'facts', 'findings']);
    for (const finding of section['findings'] as object[])
      for (const key of Object.keys(finding))
        t.ok(['severity', 'code', 'message', 'option', 'where', 'hint'].includes(key), key);
  }
  t.strictSame(
    report.sections.map(({ name }) => name),
    [
      ...['options', 'tools', 'certificates', 'names', 'dates', 'port', 'directories', 'leftovers', 'server'],
      ...["server's TLS", "clients' TLS", 'agent'],
    ],
  );
});

t.test('colours are for terminals, unless NO_COLOR says otherwise', async (t) => {
  // The suite sets it for all.
  const given = process.env['NO_COLOR'];
  delete process.env['NO_COLOR'];
  t.teardown(() => {
    if (given === undefined) delete process.env['NO_COLOR'];
    else process.env['NO_COLOR'] = given;
  });
  t.notMatch((await run(t, {})).text, '\x1b[');
  t.match((await run(t, {}, {}, true)).text, '\x1b[32mok');
  process.env['NO_COLOR'] = '1';
  t.notMatch((await run(t, {}, {}, true)).text, '\x1b[');
});

t.test('a peer and a primary can be asked in one go', async (t) => {
  const nobody = `127.0.0.1:${await freePort()}`;
  const { status, text } = await run(t, {}, { peer: nobody, replicationFrom: nobody, json: true });
  t.equal(status, 2);
  t.match(JSON.parse(text), [{ title: `the joiner at ${nobody}` }, { title: `replication from ${nobody}` }]);
});

t.test('a user that this host does not have', { skip: process.getuid?.() !== 0 }, async (t) => {
  await t.rejects(run(t, {}, { user: 'no-such-user' }), { code: 'ARGUMENT_INVALID', hint: /--user/ });
});
