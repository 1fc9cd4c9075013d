import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Config } from '../../src/config/config.js';
import type { JoinerPlan } from '../../src/plan/joiner.js';
import { findMarked } from '../../src/processes/proc.js';
import { copyOnDisk } from '../../src/transfers/on-disk.js';
import { partialCopyIn } from '../../src/transfers/partial-copy.js';
import { receive } from '../../src/transfers/receive.js';
import { layoutOf } from '../datadir/settings.js';
import { recordTransfer } from './context.js';

t.test('a listener that is open when the joiner cannot go on is closed', async (t) => {
  const dir = t.testdir({ data: {}, answer: {}, verdict: {} });
  const heard = join(dir, 'listening');
  const script = `: >'${heard}'; echo 'socat N listening on AF=2' >&2; sleep 60`;
  const plan = {
    listener: { name: 'listener', program: 'sh', args: ['-c', script], cwd: dir },
    answer: join(dir, 'answer'),
    verdict: join(dir, 'verdict'),
    daemonLogFile: join(dir, 'nowhere', 'rsyncd.log'),
  } as unknown as JoinerPlan;
  const context = recordTransfer(undefined, { id: `receive-${process.pid}` });
  const layout = layoutOf({ dataDir: join(dir, 'data') });
  const tools = { socat: '1.7.4.4', rsync: '3.2.7', compressors: [] };
  const config = { allowDonorWithoutSecret: false, tls: { mode: 'VERIFY_CA' } } as Config;
  const partial = partialCopyIn(layout.roots.data, context);
  const ready = (): void => void t.fail('it is not ready');
  const disk = copyOnDisk({ ...context, plan, layout });
  const reception = { ...context, plan, layout, tools, partial, disk };
  await t.rejects(receive(config, reception, ready), { code: 'ENOENT' });
  t.ok(existsSync(heard), 'it was open');
  t.strictSame(findMarked(context.id), [], 'nothing of it is left');
});
