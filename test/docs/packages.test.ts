import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { dependencies, namedPackages, packageOf, programsBeyond } from './debian-packages.js';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(`${checkout}${path}`, 'utf8');
const pages = ['README.md', ...readdirSync(`${checkout}docs`).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);

t.test(
  'a page whose commands rehearse says which package that needs, and installs it if it installs anything',
  async (t) => {
    const garbd = packageOf('/usr/bin/garbd');
    const rehearsing = pages.filter((name) => /galera-sst-tunnel (rehearse|backup) --/.test(read(name)));
    t.ok(rehearsing.length >= 4, rehearsing.join(', '));
    // A hint among many, which begins with a rehearsal that has worked.
    for (const name of rehearsing.filter((one) => !/debugging|design/.test(one))) {
      const page = read(name);
      const installs = namedPackages(page);
      t.ok(page.includes(garbd), `${name} names ${garbd}`);
      if (page.includes('apt-get install ')) t.ok(installs.includes(garbd), `${name} installs ${garbd}`);
    }
  },
);

t.test('what a host has not that has only what is named', async (t) => {
  const bare = programsBeyond(dependencies());
  for (const program of ['/usr/bin/garbd', '/usr/sbin/mariadbd']) t.ok(bare.includes(program), program);
  for (const program of ['/usr/bin/socat', '/usr/bin/rsync']) t.notOk(bare.includes(program), program);
  const withServer = programsBeyond([...dependencies(), 'mariadb-server']);
  t.notOk(withServer.includes('/usr/sbin/mariadbd'));
  t.ok(withServer.includes('/usr/bin/garbd'), 'the server does not bring the arbitrator');
});
