import { chmodSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { findTools, isAtLeast } from '../../src/processes/tools.js';

t.test('versions are compared number by number', async (t) => {
  const cases = [
    ['1.7.4', '1.7.4', true],
    ['1.7.4.4', '1.7.4', true],
    ['1.7.10', '1.7.4', true],
    ['1.8.0.3', '1.7.4', true],
    ['2', '1.7.4', true],
    ['3.1.10', '3.1.3', true],
    ['3.1.0', '3.1', true],
    ['3.1', '3.1.0', true],
    ['1.7.3.9', '1.7.4', false],
    ['3.0.9', '3.1.0', false],
    ['1', '1.7.4', false],
    ['', '1.0', false],
    ['garbage', '1.0', false],
  ] as const;
  for (const [version, wanted, expected] of cases)
    t.equal(isAtLeast(version, wanted), expected, `${version} ${wanted}`);
});

/** A directory at the head of the path, with programs that print this. */
function putFirst(t: Test, programs: Readonly<Record<string, string>>): void {
  const dir = t.testdir();
  for (const [name, output] of Object.entries(programs)) {
    writeFileSync(join(dir, name), `#!/bin/sh\ncat <<'END'\n${output}\nEND\n`);
    chmodSync(join(dir, name), 0o755);
  }
  const path = process.env['PATH'];
  process.env['PATH'] = `${dir}:${path ?? ''}`;
  t.teardown(() => (process.env['PATH'] = path));
}

const socat =
  'socat by Gerhard Rieger and contributors - see www.dest-unreach.org\nsocat version 1.7.4.4 on 06 Nov 2022';
const rsync = 'rsync  version 3.2.7  protocol version 31';
const list = (compressors: string): string =>
  `Checksum list:\n    xxh128 md5 none\nCompress list:\n    ${compressors}\nDaemon auth list:\n    sha512`;

t.test('the versions are read from what the programs print', async (t) => {
  const cases = [
    [
      { socat, rsync },
      { socat: '1.7.4.4', rsync: '3.2.7', compressors: [] },
    ],
    [
      {
        socat: 'socat version 1.8.0.3 on x',
        rsync: `rsync  version v3.4.1pre1  protocol version 32\n${list('zstd zlibx zlib none')}`,
      },
      { socat: '1.8.0.3', rsync: '3.4.1', compressors: ['zstd'] },
    ],
    [
      { socat, rsync: `rsync  version 3.2.2  protocol version 31\n${list('zstd lz4 zlibx zlib none')}` },
      { socat: '1.7.4.4', rsync: '3.2.2', compressors: [] },
    ],
    [
      { socat, rsync: `rsync  version 3.5.0  protocol version 32\n${list('lz4 zstd zlibx zlib none')}` },
      { socat: '1.7.4.4', rsync: '3.5.0', compressors: ['zstd', 'lz4'] },
    ],
  ] as const;
  for (const [index, [programs, versions]] of cases.entries()) {
    await t.test(`case ${index + 1}`, async (t) => {
      putFirst(t, programs);
      t.strictSame(await findTools(), versions);
    });
  }
});

t.test('a program is asked once, and again when it was replaced', async (t) => {
  const dir = t.testdir({ calls: '' });
  const put = (version: string): void => {
    const file = join(dir, 'rsync');
    writeFileSync(`${file}.new`, `#!/bin/sh\necho >> ${dir}/calls\necho 'rsync  version ${version}'\n`);
    chmodSync(`${file}.new`, 0o755);
    renameSync(`${file}.new`, file);
  };
  const calls = (): number => readFileSync(join(dir, 'calls'), 'utf8').length;
  const path = process.env['PATH'];
  process.env['PATH'] = `${dir}:${path ?? ''}`;
  t.teardown(() => (process.env['PATH'] = path));
  put('3.4.1');
  for (let time = 1; time <= 2; time++) t.equal((await findTools()).rsync, '3.4.1');
  t.equal(calls(), 1);
  put('3.2.7');
  t.equal((await findTools()).rsync, '3.2.7');
  t.equal(calls(), 2);
  chmodSync(join(dir, 'rsync'), 0o644);
  t.not((await findTools()).rsync, '3.2.7', 'one that cannot be run is passed over');
});

t.test('the programs of this host are found', async (t) => {
  t.match(await findTools(), { socat: /^\d+\.\d/, rsync: /^\d+\.\d/ });
});

t.test('programs that are too old or say something else are refused', async (t) => {
  const cases = [
    [
      { socat: 'socat version 1.7.3.3 on x', rsync },
      {
        code: 'TOOL_TOO_OLD',
        message: 'socat is version 1.7.3.3, needed is 1.7.4 or newer',
        hint: 'upgrade the package socat: apt-get install socat',
      },
    ],
    [
      { socat, rsync: 'rsync  version 3.1.2  protocol version 31' },
      { code: 'TOOL_TOO_OLD', message: 'rsync is version 3.1.2, needed is 3.1.3 or newer', exitStatus: 2 },
    ],
    [
      { socat: 'hello', rsync },
      {
        code: 'TOOL_MISSING',
        message: 'socat -V did not print its version: "hello"',
        hint: 'install the package socat: apt-get install socat',
      },
    ],
  ] as const;
  for (const [programs, error] of cases) {
    await t.test(error.message, async (t) => {
      putFirst(t, programs);
      await t.rejects(findTools(), error);
    });
  }
});

t.test('a program that cannot be started is missing', async (t) => {
  putFirst(t, { socat });
  // A link to itself ends the search of the path, as only a program that is nowhere does otherwise.
  const dir = process.env['PATH']?.split(':')[0] ?? '';
  symlinkSync('rsync', join(dir, 'rsync'));
  await t.rejects(findTools(), {
    code: 'TOOL_MISSING',
    message: `rsync is not on the path of the server (${process.env['PATH'] ?? ''})`,
    hint: 'install the package rsync: apt-get install rsync',
    exitStatus: 2,
  });
});
