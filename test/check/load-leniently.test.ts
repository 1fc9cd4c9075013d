import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { loadLeniently } from '../../src/check/load-leniently.js';
import { TransferError } from '../../src/errors.js';
import { serverIn } from './given.js';

t.test('every value that cannot be is an error, and the rest counts', async (t) => {
  const server = await serverIn(t, {
    sst: 'rlimit=ten\nverify=maybe\nbackup-threads=3',
    mysqld: 'sst-idle-timeout=-1',
  });
  const { result, errors } = await loadLeniently(server);
  t.strictSame(
    errors.map(({ code, option }) => `${code} ${option ?? ''}`),
    ['OPTION_INVALID rlimit', 'OPTION_INVALID verify', 'OPTION_INVALID sst-idle-timeout'],
  );
  if (result instanceof TransferError) throw result;
  t.match(result.node.donor, { streams: 3, rateLimit: undefined, verify: 'size', idleTimeoutMs: 120_000 });
});

t.test(
  'where something is missing nothing can be gone on with, but warnings say what was meant',
  async (t) => {
    const server = await serverIn(t);
    writeFileSync(server.name, readFileSync(server.name, 'utf8').replace('tcert=', 'tcrt='));
    const { result, errors, warnings } = await loadLeniently(server);
    t.match(result, { code: 'OPTION_MISSING' });
    t.equal(errors.length, 1);
    t.match(
      warnings.map(({ hint }) => hint),
      [/was tcert meant/],
    );
  },
);

t.test('options in order have no errors', async (t) => {
  t.strictSame((await loadLeniently(await serverIn(t))).errors, []);
});
