import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { meet, noteCalls, notedCalls, type Side } from '../cluster/scripts.js';
import { Material } from './material.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(300_000);

/** A whole transfer between two scripts; gives what compression the donor's rsyncs for files were told. */
async function transfer(
  t: Test,
  compressor: string | undefined,
  prepare: (bin: string) => void = () => undefined,
  addToDonor: (dataDir: string) => void = () => undefined,
): Promise<{ donor: Side; options: string[][] }> {
  const folder = t.testdir();
  const { good, ca } = material;
  const files = `[sst]\ntca=${ca}\ntcert=${good.cert}\ntkey=${good.key}\n`;
  const path = noteCalls(folder, ['rsync']);
  prepare(path);
  const met = await meet({
    folder,
    path,
    joiner: files,
    donor: `${files}precopy=3\n${compressor === undefined ? '' : `compressor=${compressor}\n`}`,
    addToDonor,
  });
  t.equal(met.donor.code, 0, met.donor.log);
  t.equal(met.joiner.code, 0, met.joiner.log);
  for (const name of ['ibdata1', 'ib_logfile0', 'shop/orders.ibd', 'shop/orders.frm'])
    t.same(readFileSync(join(folder, 'joiner', name)), readFileSync(join(folder, 'donor', name)), name);
  const sent = notedCalls(folder).filter((words) => words.includes('--files-from'));
  t.ok(sent.length >= 2, 'before the lock and under it');
  for (const words of sent)
    t.equal(
      words.includes('--checksum-choice=none'),
      words.includes('--whole-file') && !words.includes('--compress'),
      'without checksums only what nothing but TLS has touched',
    );
  const options = sent.map((words) => words.filter((word) => word.startsWith('--compress')));
  return { donor: met.donor, options };
}

const uncompressed: string[] = [];

t.test('each compressor carries a copy, before the lock and under it', async (t) => {
  const cases = [
    ['none', uncompressed],
    ['zstd', ['--compress', '--compress-choice=zstd', '--compress-level=1']],
    ['lz4', ['--compress', '--compress-choice=lz4']],
    ['auto', uncompressed],
  ] as const;
  for (const [compressor, expected] of cases) {
    await t.test(compressor, async (t) => {
      const { donor, options } = await transfer(t, compressor);
      for (const words of options) t.strictSame(words, expected);
      t.notMatch(donor.log, /\[WARNING\]/);
      if (compressor === 'auto')
        t.match(donor.log, /compressor=auto: no compression for as little as \d+ bytes/);
    });
  }
});

t.test('without being told, what is as good as empty is compressed, and little data is not', async (t) => {
  const zstd = ['--compress', '--compress-choice=zstd', '--compress-level=1'];
  const large = await transfer(t, undefined, undefined, (dataDir) => {
    const file = join(dataDir, 'shop/empty.ibd');
    writeFileSync(file, 'a page of it');
    truncateSync(file, 140 * 1024 * 1024);
  });
  for (const words of large.options) t.strictSame(words, zstd);
  t.match(large.donor.log, /compressor=auto: zstd: a sample of the data shrinks to 0\.0\d/);
  await t.test('little', async (t) => {
    const little = await transfer(t, undefined);
    for (const words of little.options) t.strictSame(words, uncompressed);
    t.notMatch(little.donor.log, 'compressor=auto');
  });
});

t.test('an rsync that cannot compress so is warned about, and copies without', async (t) => {
  const { donor, options } = await transfer(t, 'zstd', (bin) => {
    const list = 'rsync  version 3.2.7  protocol version 31\\nCompress list:\\n    lz4 zlibx zlib none\\n';
    const real = readFileSync(join(bin, 'rsync'), 'utf8');
    const lines = real.split('\n');
    lines.splice(1, 0, `if [ "$1" = --version ]; then printf '${list}'; exit; fi`);
    writeFileSync(join(bin, 'rsync'), lines.join('\n'));
  });
  for (const words of options) t.strictSame(words, uncompressed);
  t.match(
    donor.log,
    /\[WARNING\] TOOL_TOO_OLD: rsync here cannot compress with zstd: .*\(compressor at \S+donor\.cnf:6\)/,
  );
});
