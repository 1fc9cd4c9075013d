import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { parseOptionFile } from '../../src/option-files/parse.js';
import { ourAnswer, type Question, theirAnswers } from './print-defaults.js';
import { groupNames, randomFile, seededRandom } from './random-file.js';

// OPTION_FILES_SEED=n repeats a run, OPTION_FILES_COUNT=n changes how many files it makes.
const seed = Number(process.env['OPTION_FILES_SEED'] ?? Date.now() % 2 ** 32);
const fileCount = Number(process.env['OPTION_FILES_COUNT'] ?? 10_000);
const filesPerBatch = 500;

const questions: readonly Question[] = [
  { groups: ['sst'] },
  { groups: ['sst', 'mysqld'], suffix: '_a' },
  { groups: ['MySQLd', 'client', 'größe'], suffix: '.1' },
  { groups: ['mysqld', 'mysqld-10.11'], suffix: '_A' },
  { groups: groupNames },
];

/** Files to include: broken ones, some that include one another, one that includes itself. */
const includable: Record<string, string> = {
  'plain.cnf': '[sst]\nincluded=1\n',
  'broken.cnf': '[mysqld]\nbefore=1\n[broken\nafter=1\n',
  'stray.cnf': 'stray\n',
  'itself.cnf': '[client]\nonce\n!include itself.cnf\n',
  'chain.cnf': '[sst]\nchain=1\n!include plain.cnf\n!includedir parts\nchain=2\n',
  'parts/2.cnf': '[sst]\npart=2\n',
  'parts/10.cnf': '[mysqld]\npart=10\n!include broken.cnf\n',
  'parts/broken.cnf': '[sst]\npart=b\n!includedir nothere\npart=c\n',
  'parts/other.txt': '[sst]\npart=no\n',
};
const includes = [
  ...Object.keys(includable),
  'parts',
  './parts/',
  'parts//../plain.cnf',
  'nothere.cnf',
  '.',
  '~/plain.cnf',
];

t.test(`${fileCount} random files are read as my_print_defaults reads them`, async (t) => {
  t.setTimeout(110_000);
  t.comment(`to repeat: OPTION_FILES_SEED=${seed}`);
  const home = t.testdir({ parts: {} });
  for (const [name, text] of Object.entries(includable)) writeFileSync(join(home, name), text);
  process.chdir(home);

  const random = seededRandom(seed);
  const batches = Array.from({ length: Math.ceil(fileCount / filesPerBatch) }, (_, index) => {
    const directory = join(home, `batch-${index}`);
    mkdirSync(join(directory, 'out'), { recursive: true });
    const files = Array.from({ length: Math.min(filesPerBatch, fileCount - index * filesPerBatch) }, (_, n) =>
      join(directory, `${n}.option-file`),
    );
    for (const file of files) writeFileSync(file, randomFile(random, includes));
    return { directory, files, question: questions[index % questions.length]! };
  });

  let compared = 0;
  let refused = 0;
  const compareNext = async (): Promise<void> => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      const { directory, files, question } = batch;
      const theirs = await theirAnswers(files, question, home, join(directory, 'out'));
      for (const [index, file] of files.entries()) {
        const ours = ourAnswer(file, question, home);
        compared += 1;
        if (theirs[index]?.kind === 'refused') refused += 1;
        if (JSON.stringify(ours) !== JSON.stringify(theirs[index])) {
          const about = `${JSON.stringify(question)} of ${JSON.stringify(readFileSync(file, 'latin1'))}`;
          t.strictSame(ours, theirs[index], `OPTION_FILES_SEED=${seed}: ${about}`);
        }
      }
    }
  };
  await Promise.all([compareNext(), compareNext()]);
  t.equal(compared, fileCount, 'every file was compared');
  t.ok(refused > 0 && refused < fileCount / 2, `${refused} files are refused by both`);
});

t.test('no bytes make the parser throw, and a problem ends it', (t) => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 9000 }),
    fc
      .array(
        fc.constantFrom('[', ']', '!', '=', '#', ';', '"', "'", '\\', ' ', '\t', '\r', '\n', '\0', 'a'),
        {
          maxLength: 300,
        },
      )
      .map((characters) => Buffer.from(characters.join(''))),
  );
  fc.assert(
    fc.property(bytes, (text) => {
      const statements = parseOptionFile(text);
      const problemAt = statements.findIndex(({ kind }) => kind === 'problem');
      const lines = statements.map(({ line }) => line);
      return (
        (problemAt < 0 || problemAt === statements.length - 1) &&
        lines.every((line, index) => line >= (lines[index - 1] ?? 1))
      );
    }),
    { seed: seed | 0, numRuns: 2000 },
  );
  t.pass('2000 inputs');
  t.end();
});

t.test('a file without any line break is parsed in a time that grows with its size', (t) => {
  const bytes = Buffer.alloc(4_000_000, '[ = "');
  const before = performance.now();
  parseOptionFile(Buffer.concat([Buffer.from('[a]\n'), bytes]));
  t.ok(performance.now() - before < 5000);
  t.end();
});
