import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { withScratch, withTarget } from '../../src/check/scratch.js';

t.test('a scratch directory is private, and gone when the work has ended', async (t) => {
  const dir = t.testdir({ scratch: {} });
  const scratch = join(dir, 'scratch');
  await withScratch(scratch, 'x', async (work) => {
    t.equal(statSync(work).mode & 0o777, 0o700);
    writeFileSync(join(work, 'file'), '');
  });
  t.strictSame(readdirSync(scratch), []);
  await t.rejects(
    withScratch(scratch, 'x', () => Promise.reject(new Error('it failed'))),
    /it failed/,
  );
  t.strictSame(readdirSync(scratch), []);
  const nowhere = withScratch(join(dir, 'none'), 'x', () => Promise.resolve());
  await t.rejects(nowhere, { code: 'DIRECTORY_MISSING', hint: /--scratch/ });
});

t.test(
  'a target keeps what work has made that went well, and is as before after work that failed',
  async (t) => {
    const dir = t.testdir({ empty: {}, full: { ibdata1: 'precious' } });
    const fill = (target: string) => (): Promise<void> => {
      mkdirSync(join(target, 'shop'));
      return Promise.resolve();
    };
    const fail = (target: string) => async (): Promise<void> => {
      await fill(target)();
      throw new Error('it failed');
    };
    const at = (name: string): string => join(dir, name);
    for (const name of ['empty', 'new/below']) {
      await t.rejects(withTarget(at(name), 'x', fail(at(name))), /it failed/);
      t.notOk(existsSync(join(at(name), 'shop')), name);
    }
    t.notOk(existsSync(at('new')), 'directories above it that were made are gone, too');
    for (const name of ['empty', 'new/below']) {
      await withTarget(at(name), 'x', fill(at(name)));
      t.strictSame(readdirSync(at(name)), ['shop']);
    }
    await t.rejects(withTarget(at('full'), 'x', fill(at('full'))), { code: 'FILE_EXISTS', hint: /--to/ });
    t.strictSame(readdirSync(at('full')), ['ibdata1']);
    const inFile = join(at('full'), 'ibdata1/x');
    await t.rejects(withTarget(inFile, 'x', fill(inFile)), { code: 'DIRECTORY_NOT_WRITABLE' });
  },
);
