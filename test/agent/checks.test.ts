import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { createChecks } from '../../src/agent/checks.js';
import { openRemembered, rememberable, type RememberedServer } from '../../src/agent/remembered.js';
import { readServerOption, type GivenServer } from '../../src/agent/servers.js';
import type { CheckChanges } from '../../src/transfers/check-changes.js';

t.test('option files that can no longer be read leave in use what was read before', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'my.cnf');
  mkdirSync(join(dir, 'data'));
  const good = `[mysqld]\ndatadir=${dir}/data\nbind_address=127.0.0.1\n[sst]\ntcert=${dir}/none.crt\ntca=${dir}/ca.crt\n`;
  writeFileSync(file, good);
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  // In the agent its socket does that.
  const keepAlive = setInterval(() => undefined, 1000);
  t.teardown(() => clearInterval(keepAlive));
  const told: CheckChanges[] = [];
  let onTold = (): void => undefined;
  const checks = createChecks(
    {
      servers: () => Promise.resolve([readServerOption(file)]),
      onChecked: (_, changes) => {
        told.push(...changes.map((change) => change.changes));
        onTold();
      },
      onBug: (error) => t.fail(String(error)),
      now: () => new Date(),
    },
    stop.signal,
  );
  t.strictSame(await checks.check(), { servers: 1, failures: [] });
  const codes = (): string[] => checks.latest().flatMap(({ findings }) => findings.map(({ code }) => code));
  // Both tcert and tca.
  const missing = ['CERTIFICATE_MISSING', 'CERTIFICATE_MISSING'];
  t.strictSame(codes(), missing);

  const changed = new Promise<void>((resolve) => (onTold = resolve));
  writeFileSync(file, `${good}[broken`);
  await changed;
  t.match(codes(), ['OPTION_FILE_INVALID', ...missing], 'the change was noticed, the rest is still checked');
  t.match(checks.latest()[0]?.findings[0]?.message, /the checks go on with what was read at /);
  t.match((await checks.check()).failures, [{ text: /OPTION_FILE_INVALID/, isKept: true }]);
  t.equal(told.at(-1)?.appeared.length, 0, 'it is told once');

  writeFileSync(file, good);
  t.strictSame((await checks.check()).failures, []);
  t.strictSame(codes(), missing);
});

t.test('while a transfer runs nothing is checked unless somebody asks', async (t) => {
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  let [isBusy, checked] = [true, 0];
  const checks = createChecks(
    {
      servers: () => Promise.resolve([]),
      onChecked: () => (checked += 1),
      onBug: (error) => t.fail(String(error)),
      isBusy: () => isBusy,
      now: () => new Date(),
    },
    stop.signal,
  );
  checks.checkSoon();
  await setImmediate();
  t.equal(checked, 0);
  await checks.check();
  t.equal(checked, 1, 'the one that was asked for');
  isBusy = false;
  checks.checkSoon();
  await setImmediate();
  t.equal(checked, 2);
});

t.test('every hour all servers are checked anew', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  const stop = new AbortController();
  let begun = 0;
  let onTold = (): void => undefined;
  createChecks(
    {
      servers: () => {
        begun += 1;
        return Promise.resolve([readServerOption('/nowhere/my.cnf')]);
      },
      onChecked: () => onTold(),
      onBug: (error) => t.fail(String(error)),
      now: () => new Date(),
    },
    stop.signal,
  );
  for (const hour of [1, 2]) {
    const told = new Promise<void>((resolve) => (onTold = resolve));
    mock.timers.tick(3_599_999);
    await setImmediate();
    t.equal(begun, hour - 1, 'not before');
    mock.timers.tick(1);
    await told;
    t.equal(begun, hour);
  }
  stop.abort();
  mock.timers.tick(3_600_000);
  await setImmediate();
  t.equal(begun, 2, 'and no more when the agent ends');
});

t.test('what a server was started with is remembered, without secrets and without its last transfer', (t) => {
  const dir = t.testdir();
  const argv = [
    ...[
      '--role',
      'donor',
      '--address',
      'node2:4444/m',
      '--datadir',
      `${dir}/`,
      '--defaults-file=/etc/my.cnf',
    ],
    ...[
      '--gtid',
      'x:1',
      '--bypass',
      '--mysqld-args',
      '--wsrep_sst_auth=root:hidden',
      '--wsrep-sst-auth',
      'hidden',
    ],
    ...['--bind-address=127.0.0.1'],
  ];
  const server = rememberable({ argv, env: {}, directory: '/' })!;
  t.strictSame(server, {
    dataDir: dir,
    argv: [
      '--datadir',
      `${dir}/`,
      '--defaults-file=/etc/my.cnf',
      '--mysqld-args',
      '--bind-address=127.0.0.1',
    ],
    env: {},
    directory: '/',
  });
  openRemembered(dir).remember(server);
  openRemembered(dir).remember({ ...server, dataDir: join(dir, 'gone') });
  t.strictSame(openRemembered(dir).list(), [server], 'those whose data directory is gone are left out');
  writeFileSync(join(dir, 'servers.json'), '{"cut');
  t.strictSame(openRemembered(dir).list(), []);
  t.end();
});

t.test('a value that looks like an option is remembered with its option', (t) => {
  const dir = t.testdir();
  const argv = [
    ...['--role', 'joiner', '--address', 'x:1', '--datadir', dir, '--foo', '--role', '--gtid_domain_id', '1'],
    ...['--wsrep-sst-auth', 'hidden', '--binlog', '--bypass', '--mysqld-args', '--port=1'],
  ];
  t.strictSame(rememberable({ argv, env: {} })?.argv, [
    ...['--datadir', dir, '--foo', '--role', '--binlog', '--bypass', '--mysqld-args', '--port=1'],
  ]);
  t.end();
});

t.test('what was remembered and cannot be read is passed over, the rest is used', (t) => {
  const dir = t.testdir();
  const good = { dataDir: dir, argv: ['--datadir', dir], env: {}, directory: '/' };
  const others = [
    { ...good, argv: ['--datadir', dir, '--foo'] },
    { ...good, argv: ['datadir'] },
    { ...good, env: { HOME: 1 } },
    { ...good, directory: 'here' },
    null,
  ];
  writeFileSync(join(dir, 'servers.json'), JSON.stringify([...others, good]));
  t.strictSame(openRemembered(dir).list(), [good]);
  t.end();
});

t.test('what is remembered has a limit in bytes, and the newest fit', (t) => {
  const dir = t.testdir();
  const remembered = openRemembered(dir);
  const serverOf = (name: string, bytes: number): RememberedServer => {
    mkdirSync(join(dir, name), { recursive: true });
    return {
      dataDir: join(dir, name),
      argv: ['--datadir', name, '--binlog', 'x'.repeat(bytes)],
      env: {},
      directory: dir,
    };
  };
  for (let index = 0; index < 20; index++) remembered.remember(serverOf(`data${index}`, 50_000));
  remembered.remember(serverOf('large', 70_000));
  t.ok(statSync(join(dir, 'servers.json')).size <= 262_144);
  for (const one of [remembered, openRemembered(dir)])
    t.strictSame(
      one.list().map(({ dataDir }) => basename(dataDir)),
      ['data19', 'data18', 'data17', 'data16', 'data15'],
    );
  t.end();
});

t.test('a server that cannot be checked is one with a finding, and the others are checked', async (t) => {
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const bugs: unknown[] = [];
  const given = { argv: [], env: {}, directory: '/' };
  const servers: GivenServer[] = [
    { ...given, name: 'unreadable', argv: ['--foo'] },
    // As a defect would be.
    { ...given, name: 'defective', directory: undefined as never, argv: ['--defaults-file', 'my.cnf'] },
    { ...given, name: 'missing', argv: ['--defaults-file', '/nowhere/my.cnf'] },
  ];
  const checks = createChecks(
    {
      servers: () => Promise.resolve(servers),
      onChecked: () => undefined,
      onBug: (error) => bugs.push(error),
      now: () => new Date(),
    },
    stop.signal,
  );
  const { failures } = await checks.check();
  t.strictSame(
    checks.latest().map(({ dataDir, findings }) => [dataDir, findings[0]?.code]),
    [
      ['unreadable', 'ARGUMENT_INVALID'],
      ['defective', 'INTERNAL'],
      ['missing', 'OPTION_FILE_UNREADABLE'],
    ],
  );
  t.strictSame(
    failures.map(({ isKept }) => isKept),
    [false, false, false],
  );
  t.equal(bugs.length, 1, 'the defect is told');
});
