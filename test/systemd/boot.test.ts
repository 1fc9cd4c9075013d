import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const needed = ['/lib/systemd/systemd', '/usr/bin/systemd-nspawn'];
const missing = needed.find((file) => !existsSync(file));
const skip =
  process.getuid?.() !== 0
    ? 'only root can boot a system'
    : missing === undefined
      ? false
      : `there is no ${missing}`;

t.setTimeout(240_000);

t.test('the unit under a systemd that was booted from this system', { skip }, async (t) => {
  await t.spawn(
    `${checkout}scripts/boot`,
    ['/', 'basic.target', 'node', 'dist/test/systemd/booted.js'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
    'its states, its socket, its sandbox and its watchdog',
  );
});
