import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { claimFileName, placeClaim, readClaim, type Claim } from '../../src/transfers/claim.js';

const claim: Claim = {
  transferId: 't1',
  owner: { pid: 1, startTicks: 2, bootId: 'b' },
  workDir: '/tmp/galera-sst-tunnel-x',
};

for (const code of ['EPERM', 'ENOTSUP', 'ENOSYS']) {
  t.test(`a claim is placed where link(2) fails with ${code}`, async (t) => {
    const dir = t.testdir();
    const file = join(dir, claimFileName);
    const link = (): void => {
      throw Object.assign(new Error(code), { code });
    };
    placeClaim(file, claim, link);
    t.strictSame(readClaim(file), claim);
    t.throws(() => placeClaim(file, { ...claim, transferId: 't2' }, link), { code: 'EEXIST' });
    t.strictSame(readClaim(file), claim, 'a second one does not replace it');
    t.strictSame(readdirSync(dir), [claimFileName], 'no draft is left');
  });
}

t.test('another failure of link(2) is one', async (t) => {
  const dir = t.testdir();
  const link = (): void => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  t.throws(() => placeClaim(join(dir, claimFileName), claim, link), { code: 'EIO' });
  t.strictSame(readdirSync(dir), []);
});

t.test('a claim is one line of JSON', async (t) => {
  const file = join(t.testdir(), claimFileName);
  placeClaim(file, claim);
  t.equal(readFileSync(file, 'utf8'), `${JSON.stringify(claim)}\n`);
});
