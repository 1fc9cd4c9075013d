import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { TransferError } from '../../src/errors.js';
import { readOptionFiles } from '../../src/option-files/read.js';
import type { OptionFileChoice } from '../../src/option-files/search-path.js';
import { formatAsPrintDefaults, selectGroups } from '../../src/option-files/select.js';

/** What my_print_defaults prints with the same arguments and environment: output, or undefined when it refuses. */
function printDefaults(choice: OptionFileChoice): string[] | undefined {
  const args = [
    ...(choice.noDefaults === true ? ['--no-defaults'] : []),
    ...(choice.defaultsFile === undefined ? [] : [`--defaults-file=${choice.defaultsFile}`]),
    ...(choice.defaultsExtraFile === undefined ? [] : [`--defaults-extra-file=${choice.defaultsExtraFile}`]),
    'sst',
  ];
  const env = { ...choice.env, PATH: process.env['PATH'] };
  const { status, stdout } = spawnSync('my_print_defaults', args, { env, encoding: 'utf8' });
  return status === 0 ? stdout.split('\n').slice(0, -1) : undefined;
}

function read(choice: OptionFileChoice): string[] {
  return [...formatAsPrintDefaults(selectGroups(readOptionFiles(choice).entries, ['sst']))];
}

function failureOf(choice: OptionFileChoice): TransferError {
  try {
    readOptionFiles(choice);
  } catch (error) {
    if (error instanceof TransferError) return error;
    throw error;
  }
  throw new Error('expected a failure');
}

t.test('files are read in the order in which the server reads them', (t) => {
  const dir = t.testdir({
    home: { '.my.cnf': '[sst]\na=home\n', 'my.cnf': '[sst]\na=home as MYSQL_HOME\n' },
    mysql: { 'my.cnf': '[sst]\na=mysql home\n' },
    mariadb: { 'my.cnf': '[sst]\na=mariadb home\n' },
    'extra.cnf': '[sst]\na=extra\n',
    'only.cnf': '[sst]\na=only\n',
  });
  const [home, mysql, mariadb] = ['home', 'mysql', 'mariadb'].map((name) => join(dir, name));
  const [extra, only] = ['extra.cnf', 'only.cnf'].map((name) => join(dir, name));
  process.chdir(dir);
  const choices: Record<string, OptionFileChoice> = {
    'nothing given': { env: {} },
    HOME: { env: { HOME: home } },
    'HOME with a slash': { env: { HOME: `${home}/` } },
    'a relative HOME': { env: { HOME: 'home' } },
    MYSQL_HOME: { env: { HOME: home, MYSQL_HOME: mysql } },
    'MARIADB_HOME and MYSQL_HOME': { env: { HOME: home, MYSQL_HOME: mysql, MARIADB_HOME: mariadb } },
    'MYSQL_HOME that is the home directory': { env: { HOME: home, MYSQL_HOME: home } },
    'MYSQL_HOME of a tilde': { env: { HOME: home, MYSQL_HOME: '~' } },
    'an empty MYSQL_HOME': { env: { HOME: home, MYSQL_HOME: '' }, defaultsExtraFile: extra },
    'MYSQL_HOME that is missing': { env: { HOME: home, MYSQL_HOME: join(dir, 'nothere') } },
    'MYSQL_HOME that is searched already': { env: { HOME: home, MYSQL_HOME: '/etc//mysql' } },
    'an extra file': { env: { HOME: home, MYSQL_HOME: mysql }, defaultsExtraFile: extra },
    'a relative extra file': { env: { HOME: home }, defaultsExtraFile: 'extra.cnf' },
    'an extra file in the home directory': { env: { HOME: home }, defaultsExtraFile: '~/my.cnf' },
    'a file': { env: { HOME: home, MYSQL_HOME: mysql }, defaultsFile: only },
    'a file and an extra file': { env: { HOME: home }, defaultsFile: only, defaultsExtraFile: 'nothere.cnf' },
    'an empty name': { env: { HOME: home }, defaultsFile: '' },
    'a directory': { env: { HOME: home }, defaultsFile: dir },
    'no defaults': { env: { HOME: home, MYSQL_HOME: mysql }, noDefaults: true },
  };
  for (const [about, choice] of Object.entries(choices)) {
    t.strictSame(read(choice), printDefaults(choice), about);
  }
  t.end();
});

t.test('entries carry the absolute file and the line', (t) => {
  const dir = t.testdir({ 'my.cnf': '!include inc.cnf\n[sst]\na=1\n', 'inc.cnf': '\n[mysqld]\nb\n' });
  process.chdir(dir);
  t.strictSame(readOptionFiles({ defaultsFile: 'my.cnf', env: {} }), {
    entries: [
      { group: 'mysqld', name: 'b', value: undefined, file: join(dir, 'inc.cnf'), line: 3 },
      { group: 'sst', name: 'a', value: '1', file: join(dir, 'my.cnf'), line: 3 },
    ],
    warnings: [],
    places: [join(dir, 'my.cnf'), join(dir, 'inc.cnf')],
  });
  t.end();
});

t.test('what the server refuses is an error that names the place', (t) => {
  const dir = t.testdir({
    'unclosed.cnf': '[sst]\na=1\n[mysqld\n',
    'stray.cnf': 'a=1\n',
    'no-path.cnf': '[sst]\n\n!include\n',
    'no-directory.cnf': '!includedir nothere\n',
    'text.cnf': '',
  });
  process.chdir(dir);
  const file = (name: string): OptionFileChoice => ({ defaultsFile: join(dir, name), env: {} });
  const cases: readonly [OptionFileChoice, string, string][] = [
    [file('unclosed.cnf'), 'OPTION_FILE_INVALID', 'unclosed.cnf:3'],
    [file('stray.cnf'), 'OPTION_FILE_INVALID', 'stray.cnf:1'],
    [file('no-path.cnf'), 'OPTION_FILE_INVALID', 'no-path.cnf:3'],
    [file('no-directory.cnf'), 'OPTION_FILE_UNREADABLE', 'no-directory.cnf:1'],
    [file('nothere.cnf'), 'OPTION_FILE_UNREADABLE', 'nothere.cnf'],
    [file('text.cnf/below.cnf'), 'OPTION_FILE_UNREADABLE', 'text.cnf/below.cnf'],
    [{ defaultsExtraFile: join(dir, 'nothere.cnf'), env: {} }, 'OPTION_FILE_UNREADABLE', 'nothere.cnf'],
    [{ defaultsExtraFile: join(dir, 'stray.cnf'), env: {} }, 'OPTION_FILE_INVALID', 'stray.cnf:1'],
  ];
  for (const [choice, code, place] of cases) {
    const failure = failureOf(choice);
    t.match({ code: failure.code, where: failure.where }, { code, where: join(dir, place) }, failure.message);
    t.equal(printDefaults(choice), undefined, `my_print_defaults refuses it too: ${place}`);
  }
  t.end();
});

t.test('what the server passes over becomes a warning that names the place', (t) => {
  const dir = t.testdir({
    'my.cnf': [
      '[sst]',
      'a=1',
      '!include everyone.cnf',
      '!include nothere.cnf',
      '!include broken.cnf',
      '!include itself.cnf',
      'b=1',
      '',
    ].join('\n'),
    'everyone.cnf': '[sst]\nc=1\n',
    'broken.cnf': '[sst]\nd=1\n[sst\ne=1\n',
    'itself.cnf': '[sst]\nf=1\n!include itself.cnf\n',
  });
  process.chdir(dir);
  chmodSync(join(dir, 'everyone.cnf'), 0o666);
  const choice = { defaultsFile: join(dir, 'my.cnf'), env: {} };
  t.strictSame(read(choice), printDefaults(choice));
  t.strictSame(
    readOptionFiles(choice).warnings.map(({ severity, code, where }) => [severity, code, where]),
    [
      ['warning', 'OPTION_FILE_UNREADABLE', join(dir, 'everyone.cnf')],
      ['warning', 'OPTION_FILE_UNREADABLE', join(dir, 'nothere.cnf')],
      ['warning', 'OPTION_FILE_INVALID', join(dir, 'broken.cnf:3')],
      ['warning', 'OPTION_FILE_INVALID', join(dir, 'itself.cnf:3')],
    ],
  );
  t.end();
});

t.test('a --defaults-file that everyone may write is read as an empty one', (t) => {
  const dir = t.testdir({ 'my.cnf': '[sst]\na=1\n' });
  const choice = { defaultsFile: join(dir, 'my.cnf'), env: {} };
  chmodSync(choice.defaultsFile, 0o646);
  t.strictSame(read(choice), []);
  t.strictSame(printDefaults(choice), []);
  t.equal(readOptionFiles(choice).warnings.length, 1);
  t.end();
});

t.test('the target of a link counts', (t) => {
  const dir = t.testdir({ target: { 'real.cnf': '[sst]\na=1\n' } });
  symlinkSync('target/real.cnf', join(dir, 'link.cnf'));
  const choice = { defaultsFile: join(dir, 'link.cnf'), env: {} };
  t.strictSame(read(choice), printDefaults(choice));
  t.equal(readOptionFiles(choice).entries[0]?.file, join(dir, 'target/real.cnf'));
  t.end();
});

t.test('paths with dots and slashes lead where they lead the server', (t) => {
  const dir = t.testdir({ 'x.cnf': '[sst]\nx=1\n', parts: { 'y.cnf': '[sst]\ny=1\n', deep: {} } });
  symlinkSync('parts/deep', join(dir, 'link'));
  process.chdir(dir);
  const files = [
    ...['x.cnf', 'x.cnf/', 'x.cnf//', 'x.cnf/.', 'x.cnf/..', './/x.cnf', 'parts', 'parts/', '.', '..', '/'],
    ...['nothere/../x.cnf', 'x.cnf/../x.cnf', 'parts/../x.cnf', 'link/../x.cnf', 'link/../y.cnf'],
  ];
  const directories = [
    'parts',
    'parts/',
    'parts/.',
    'x.cnf/../parts',
    'nothere/../parts',
    'link/..',
    'x.cnf/',
  ];
  const lines = [
    ...files.flatMap((path) => [path, `${dir}/${path}`]).map((path) => `!include ${path}`),
    ...directories.flatMap((path) => [path, `${dir}/${path}`]).map((path) => `!includedir ${path}`),
  ];
  for (const line of lines) {
    const choice = { defaultsFile: join(dir, 'including.cnf'), env: {} };
    writeFileSync(choice.defaultsFile, `${line}\n[sst]\nbehind=1\n`);
    const theirs = printDefaults(choice);
    if (theirs === undefined) t.match(failureOf(choice), { code: 'OPTION_FILE_UNREADABLE' }, line);
    else t.same(read(choice), theirs, line);
  }
  for (const path of files.flatMap((path) => [path, `${dir}/${path}`])) {
    for (const choice of [
      { defaultsFile: path, env: {} },
      { defaultsExtraFile: path, env: {} },
    ]) {
      const theirs = printDefaults(choice);
      if (theirs === undefined) t.match(failureOf(choice), { code: 'OPTION_FILE_UNREADABLE' }, path);
      else t.same(read(choice), theirs, JSON.stringify(choice));
    }
  }
  t.end();
});

t.test('what cannot be opened is refused when required and passed over when included', async (t) => {
  const dir = t.testdir({ 'my.cnf': '[sst]\n!include socket\na=1\n' });
  process.chdir(dir);
  // A socket cannot be opened as a file, not even by root.
  const server = createServer();
  await new Promise<void>((resolve) => server.listen('socket', resolve));
  t.teardown(() => server.close());
  const required = { defaultsFile: join(dir, 'socket'), env: {} };
  t.equal(failureOf(required).code, 'OPTION_FILE_UNREADABLE');
  t.equal(printDefaults(required), undefined);
  const including = { defaultsFile: join(dir, 'my.cnf'), env: {} };
  t.strictSame(read(including), printDefaults(including));
  t.match(readOptionFiles(including).warnings, [
    { code: 'OPTION_FILE_UNREADABLE', where: join(dir, 'socket') },
  ]);
});

t.test('a pipe is refused instead of waited for', (t) => {
  const dir = t.testdir({});
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  t.equal(failureOf({ defaultsFile: join(dir, 'pipe'), env: {} }).code, 'OPTION_FILE_UNREADABLE');
  t.end();
});
