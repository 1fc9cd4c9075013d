import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { rsyncdConf, type DaemonModule, type DaemonSettings } from '../../src/plan/rsyncd-conf.js';

function settings(modules: readonly DaemonModule[], dir = '/w'): DaemonSettings {
  const owner = process.getuid?.() === 0 ? { uid: 0, gid: 0 } : undefined;
  return {
    modules,
    user: 'sst',
    secretsFile: `${dir}/secrets`,
    logFile: `${dir}/log`,
    timeoutSeconds: 7,
    owner,
  };
}

const reader = (path: string): DaemonModule => ({ name: 'm', path, access: 'read', authenticated: false });

t.test('the file is exactly this', async (t) => {
  const modules: DaemonModule[] = [
    { name: 'm', path: '/d', access: 'write', authenticated: true },
    { ...reader('/e'), name: 'n', waitFor: 'go' },
    { name: 'o', path: '/f', access: 'write', authenticated: false },
  ];
  t.equal(
    rsyncdConf({ ...settings(modules), owner: { uid: 1, gid: 2 } }),
    `use chroot = no
reverse lookup = no
log file = /w/log
timeout = 7
uid = 1
gid = 2

[m]
path = /d
read only = no
write only = yes
auth users = sst
secrets file = /w/secrets
refuse options = links devices specials D

[n]
path = /e
read only = yes
pre-xfer exec = until [ -e "$RSYNC_MODULE_PATH/go" ]; do if [ -p "$RSYNC_MODULE_PATH/gate" ]; then read -r _ < "$RSYNC_MODULE_PATH/gate"; else sleep 0.1; fi; done

[o]
path = /f
read only = no
write only = yes
early exec = mkdir -p -m 700 "$RSYNC_MODULE_PATH"
`,
  );
});

t.test('a path that the grammar of rsyncd.conf cannot carry is refused', async (t) => {
  const refused = [
    ['/a\nread only = no', 'a control character, which would end the line in rsyncd.conf'],
    ['/a\r', 'a control character, which would end the line in rsyncd.conf'],
    ['/a\0', 'a control character, which would end the line in rsyncd.conf'],
    ['/%RSYNC_USER_NAME%/a', 'a %NAME%, which the rsync daemon would replace'],
    ['/%X11%', 'a %NAME%, which the rsync daemon would replace'],
    ['/%A b.c%', 'a %NAME%, which the rsync daemon would replace'],
    ['/a\\', 'a backslash at its end, which would join lines in rsyncd.conf'],
    ['/a ', 'a space at its beginning or end, which the rsync daemon would cut off'],
    [' /a', 'a space at its beginning or end, which the rsync daemon would cut off'],
  ] as const;
  for (const [path, reason] of refused) {
    const error = {
      code: 'PATH_UNSAFE',
      message: `path ${JSON.stringify(path)} has ${reason}`,
    };
    t.throws(() => rsyncdConf(settings([reader(path)])), error, path);
    t.throws(() => rsyncdConf({ ...settings([]), logFile: path }), error);
    const secret: DaemonModule = { name: 'm', path: '/d', access: 'write', authenticated: true };
    t.throws(() => rsyncdConf({ ...settings([secret]), secretsFile: path }), error);
  }
});

const odd = [
  'a b',
  'a;b',
  '#a',
  'a#b',
  'a=b',
  '[a]',
  '"a"',
  "it's",
  'a\\b',
  '%',
  '50%',
  '%x%',
  'a  b',
  'é😀',
  '$HOME',
  '`a`',
  '&a',
  '*',
  '~',
];

t.test('a real daemon serves every other path as it is written', async (t) => {
  const dir = t.testdir();
  const modules = odd.map((name, index): DaemonModule => {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, `here${index}`), '');
    return { ...reader(join(dir, name)), name: `m${index}` };
  });
  writeFileSync(join(dir, 'rsyncd.conf'), rsyncdConf(settings(modules, dir)));
  for (const [index, name] of odd.entries()) {
    const rsh = `--rsh=sh -c 'exec rsync --server --daemon --config=rsyncd.conf .'`;
    const { stdout } = spawnSync('rsync', [rsh, `rsync://h/m${index}/`], { cwd: dir, encoding: 'utf8' });
    t.match(stdout, `here${index}`, name);
  }
});
