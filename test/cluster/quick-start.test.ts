import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { blocksOf, commandsOf, sectionOf } from '../docs/blocks.js';
import { dependencies, namedPackages, programsBeyond } from '../docs/debian-packages.js';
import { Lab, type LabNode } from '../lab/index.js';
import { copyData, giveToServer, templateFor } from '../lab/template.js';

t.setTimeout(300_000);

const file = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const page = readFileSync(file('docs/quick-start.md'), 'utf8');
const readme = readFileSync(file('README.md'), 'utf8');

/** What somebody who follows the page has not. */
const missing = programsBeyond([...dependencies(), ...namedPackages(page)]);
/** The same for the README, which begins with a cluster that runs. */
const missingByReadme = programsBeyond([...dependencies(), 'mariadb-server', ...namedPackages(readme)]);

/** The directories of this machine that each node has its own of, as a host would. */
const own = ['/etc/mysql', '/var/lib/mysql', '/run', '/root'];

const enter = `
  folder=$1
  for path in ${own.join(' ')}; do mount --bind "$folder$path" "$path"; done
  PATH=$folder/bin:$PATH
  cd /
  for program in $3; do mount --bind /dev/null "$program"; done
  eval "$2"`;

/** What the page asks of systemd: the server's unit, and the agent's. */
const systemctl = `#!/bin/sh
set -eu
stop() {
  if [ ! -e /run/mysqld/mysqld.pid ]; then return 0; fi
  pid=$(cat /run/mysqld/mysqld.pid)
  kill "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
}
start() {
  if mariadb-admin ping >/dev/null 2>&1; then return 0; fi
  [ ! -e /run/mariadb-wsrep-new-cluster ] || . /run/mariadb-wsrep-new-cluster
  [ ! -e /run/environment ] || . /run/environment
  cd /var/lib/mysql
  setsid setpriv --reuid mysql --regid mysql --init-groups mariadbd \${_WSREP_NEW_CLUSTER:-} >>/run/mysqld/log 2>&1 </dev/null &
  until mariadb-admin ping >/dev/null 2>&1; do
    kill -0 $! || { tail -n 60 /run/mysqld/log >&2; exit 1; }
    sleep 0.2
  done
}
case "$1 $2" in
  'stop mariadb'*) stop ;;
  'start mariadb'*) start ;;
  'restart mariadb'*) stop; start ;;
  set-environment*) echo "$2" >/run/environment ;;
  unset-environment*) rm -f /run/environment ;;
  *) echo "systemctl $*: not foreseen" >&2; exit 1 ;;
esac
`;

/** A host with Debian's own option files, and a server that has just been installed. */
async function equip(node: LabNode): Promise<void> {
  const at = (path: string): string => join(node.directory, path);
  for (const path of [...own, 'run/mysqld', 'run/galera-sst-tunnel', 'bin'])
    mkdirSync(at(path), { recursive: true });
  execFileSync('cp', ['-a', '/etc/mysql/.', at('etc/mysql')]);
  copyData(await templateFor({}), at('var/lib/mysql'), {});
  for (const path of ['run/mysqld', 'run/galera-sst-tunnel']) giveToServer(at(path));
  const programs = {
    systemctl,
    'apt-get': '#!/bin/sh\n',
    // To the other host, as the user that it runs as there.
    scp: `#!/bin/sh\n[ "$1" = -r ] || exit 1\nnode=\${3#root@}\ncp -r "$2" "${join(node.directory, '..')}/\${node%%.*}/\${3#*:}"\n`,
  };
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(at(`bin/${name}`), text);
    chmodSync(at(`bin/${name}`), 0o755);
  }
  symlinkSync(file('scripts/wsrep_sst_rsync_tunnel'), at('bin/wsrep_sst_rsync_tunnel'));
  symlinkSync(file('dist/bin/galera-sst-tunnel.js'), at('bin/galera-sst-tunnel'));
}

const inside = (node: LabNode, commands: string, without = missing): string[] => {
  const argv = ['sh', '-euc', enter, 'sh', node.directory, commands, without.join(' ')];
  return ['unshare', '--mount', '--propagation', 'private', ...argv];
};

/** The page's commands of a section, where a node lives. */
async function follow(node: LabNode, section: RegExp): Promise<string> {
  const commands = commandsOf(page, section).replace('NODE=node1', `NODE=${node.name}`);
  return node.exec(inside(node, commands), { timeoutMs: 120_000 });
}

t.test('the quick start leads to a cluster of three', async (t) => {
  const lab = await Lab.create({ nodes: 3 });
  t.teardown(() => lab.destroy());
  if (lab.mode !== 'namespaces') throw new Error('the page needs hosts of their own');
  const [first, second, third] = [lab.node(1), lab.node(2), lab.node(3)];
  for (const node of lab.nodes) {
    await equip(node);
    await follow(node, /1\. Packages/);
    const agent = 'exec setpriv --reuid mysql --regid mysql --init-groups galera-sst-tunnel agent';
    const child = node.spawn(inside(node, agent), { stdio: 'ignore' });
    t.teardown(() => child.kill('SIGKILL'));
  }

  await follow(first, /2\. Certificates/);
  for (const node of lab.nodes) {
    // The last command of the section ends with 1 for a warning, with 2 for an error.
    t.match(await follow(node, /3\. Configuration/), /[Cc]ertificate/, `${node.name}: check finds nothing`);
  }
  t.match(await follow(first, /4\. The cluster/), /Synced/);
  for (const [index, node] of [second, third].entries()) {
    const printed = await follow(node, /5\. The first join/);
    t.match(printed, new RegExp(`wsrep_cluster_size\\s+${index + 2}\\b`));
    t.match(printed, /joiner/, 'the agent has done the transfer');
  }
  const last = blocksOf(sectionOf(readme, /In production/)).at(-1) ?? '';
  t.match(last, 'rehearse --preflight');
  await third.exec(inside(third, last, missingByReadme), { timeoutMs: 120_000 });
  t.pass('what the README has for a cluster that runs ends without an error');
  const watched = await third.exec(inside(third, 'galera-sst-tunnel status'));
  t.match(watched, /joiner/);
});

t.test('each part of it has fewer than ten commands', async (t) => {
  const sections = [...page.matchAll(/^## (\d\. .*)$/gm)].map(([, title = '']) => title);
  t.equal(sections.length, 5);
  for (const title of sections) {
    const commands = commandsOf(page, new RegExp(title.replaceAll('.', '\\.')));
    // A file that a command is given is part of it.
    const words = commands.replace(/<<END\n[\s\S]*?\nEND$/m, '');
    t.ok(words.trim().split('\n').length < 10, title);
  }
});
