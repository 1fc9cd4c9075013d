import { mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import t from 'tap';
import { serverGroups } from '../../src/option-files/select.js';
import { ourAnswer, type Question, theirAnswers } from './print-defaults.js';

const corpus = fileURLToPath(new URL('../../../test/option-files/corpus/', import.meta.url));
const files = readdirSync(corpus).filter((name) => name.endsWith('.cnf'));

const questions: Record<string, Question> = {
  'the group sst': { groups: ['sst'] },
  'several groups': { groups: ['mysqld', 'sst', 'client', 'mysqld-10.11'] },
  'groups with a suffix': { groups: ['sst', 'mysqld', 'mysqld-10.11'], suffix: '_a' },
  'groups with a dotted suffix': { groups: ['mysqld', 'sst'], suffix: '.1' },
  'groups in upper case': { groups: ['SST', 'MYSQLD'] },
  'the groups of a server': { groups: serverGroups('10.11.19-MariaDB') },
};

t.test('the corpus covers the grammar', (t) => {
  t.ok(files.length >= 80, `${files.length} files`);
  t.end();
});

t.test('every file of the corpus is read as my_print_defaults reads it', async (t) => {
  const out = t.testdir();
  // Relative includes are relative to the working directory, for both.
  process.chdir(corpus);
  for (const [about, question] of Object.entries(questions)) {
    const outDirectory = join(out, about);
    mkdirSync(outDirectory);
    const theirs = await theirAnswers(files, question, out, outDirectory);
    t.equal(theirs.length, files.length, `${about}: every file is answered`);
    for (const [index, file] of files.entries()) {
      t.strictSame(ourAnswer(file, question, out), theirs[index], `${about}: ${file}`);
    }
  }
});
