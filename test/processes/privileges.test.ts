import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { hasCapability } from '../../src/processes/privileges.js';

const text = (effective: string): string =>
  `Name:\tnode\nCapPrm:\tffff\nCapEff:\t${effective}\nCapBnd:\tffff\n`;

t.test('capabilities are read from the status of a process', async (t) => {
  t.equal(hasCapability(text('0000000000000400'), 10n), true);
  t.equal(hasCapability(text('0000000000000000'), 10n), false);
  t.equal(hasCapability(text('000001fffffffbff'), 10n), false);
  t.equal(hasCapability(text('000001ffffffffff'), 40n), true);
  t.equal(hasCapability('Name:\tnode\n', 10n), false);
});

t.test('an ordinary user may listen on high ports alone, root on all', async (t) => {
  const module = fileURLToPath(new URL('../../src/processes/privileges.js', import.meta.url));
  const program = `import { mayListenOn } from ${JSON.stringify(module)}; console.log(mayListenOn(443), mayListenOn(4444));`;
  const asked = (...as: string[]): string => {
    const argv = [...as, process.execPath, '--input-type=module', '-e', program];
    return spawnSync('env', argv, { encoding: 'utf8', cwd: '/' }).stdout.trim();
  };
  t.equal(asked('setpriv', '--reuid', 'mysql', '--regid', 'mysql', '--clear-groups'), 'false true');
  t.equal(asked(), 'true true');
});
