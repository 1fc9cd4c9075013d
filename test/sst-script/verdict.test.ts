import { chownSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { messageFiles } from '../../src/plan/joiner.js';
import { courierTo } from '../../src/transfers/courier.js';
import type { Workplace } from '../../src/transfers/workplace.js';
import { recordTransfer } from '../transfers/context.js';
import { serverUser } from './bare-node.js';
import { Material } from './material.js';
import { waitingPair } from './pair.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(120_000);

t.test('a donor waits for the verdict as long as the joiner gets on, and no longer', async (t) => {
  const { joiner, ready } = await waitingPair(t, material);
  const [privateDir = ''] = joiner.privateFiles();
  const answers = join(joiner.tmpDir, privateDir, 'answer');
  const put = (name: string, text: string): void => {
    const draft = join(answers, `.${name}`);
    writeFileSync(draft, text);
    chownSync(draft, serverUser.uid, serverUser.gid);
    renameSync(draft, join(answers, name));
  };
  const dir = join(t.testdir({}), 'work');
  mkdirSync(dir);
  const tls = `cert=${material.good.cert},key=${material.good.key},cafile=${material.ca}`;
  const client = {
    connect: `OPENSSL:127.0.0.1:${joiner.port},${tls}`,
    secret: ready.auth.slice('sst:'.length),
    timeoutSeconds: 20,
    withoutChecksums: true,
  };
  const over = new AbortController();
  t.teardown(() => over.abort(new Error('the test is over')));
  const context = recordTransfer(undefined, { id: `verdict-${process.pid}`, signal: over.signal });
  const limitMs = 6000;
  const courier = courierTo(client, { dir } as Workplace, context, () => undefined, limitMs);
  put(messageFiles.answer, '{"ok":true,"value":{}}\n');
  let [isOver, isAsked] = [false, false];
  const told = wait(limitMs + 1500);
  const verdict = courier.fetchVerdict(told).finally(() => (isOver = true));
  verdict.catch(() => undefined);
  await told;
  t.notOk(isOver, 'a joiner that is still being told what to compare with need not get on');
  const startedMs = performance.now();
  for (let bytes = 0; performance.now() - startedMs < 2 * limitMs; bytes += 1) {
    put(messageFiles.verifying, `{"comparedBytes":${bytes}}\n`);
    await wait(200);
    isAsked ||= readdirSync(dir).includes(messageFiles.verifying);
  }
  t.ok(isAsked, 'it is asked how far it is');
  t.notOk(isOver, 'after twice its limit it still waits');
  await t.rejects(verdict, {
    code: 'TIMED_OUT',
    message: 'the joiner has not said for 6 s whether the copy is complete',
  });
});
