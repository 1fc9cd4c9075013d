import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const unit = 'systemd/galera-sst-tunnel.service';
const isThere = spawnSync('systemd-analyze', ['--version']).status === 0;
const skip = isThere ? false : 'systemd-analyze is not installed';

t.test('systemd finds nothing to complain about', { skip }, async (t) => {
  const copy = join(t.testdir(), 'galera-sst-tunnel.service');
  // The program need not be installed here.
  writeFileSync(
    copy,
    readFileSync(unit, 'utf8').replace('ExecStart=galera-sst-tunnel', 'ExecStart=/bin/true'),
  );
  const { stdout, stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', copy], {
    encoding: 'utf8',
  });
  t.equal(status, 0);
  const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('galera-sst-tunnel'));
  t.strictSame(complaints, []);
});

t.test('what the unit is exposed to stays small', { skip }, async (t) => {
  const report = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], {
    encoding: 'utf8',
  });
  const exposure = Number(/Overall exposure level for [^:]*: ([\d.]+)/.exec(report)?.[1]);
  t.ok(exposure <= 2.5, `exposure ${exposure}`);
});
