import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { findUnknownOptions } from '../../src/config/unknown-options.js';
import { parseOptionFile, type Statement } from '../../src/option-files/parse.js';
import { lookup, selectGroups, serverGroups } from '../../src/option-files/select.js';
import { hostileText, mutated } from './inputs.js';
import { claim, claimClear, target } from './target.js';

const corpus = fileURLToPath(new URL('../../../test/option-files/corpus', import.meta.url));
const examples = readdirSync(corpus, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
  .filter((bytes) => bytes.length < 3000);

const bytes = fc.oneof(
  { weight: 4, arbitrary: mutated(examples) },
  { weight: 1, arbitrary: hostileText.map((text) => Buffer.from(`[sst]\ntca=${text}`)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }).map((all) => Buffer.from(all)) },
);

export const optionFiles = target('option files', 20, bytes, (input) => {
  const statements = parseOptionFile(input);
  const problemAt = statements.findIndex(({ kind }) => kind === 'problem');
  claim(problemAt < 0 || problemAt === statements.length - 1, 'nothing is read behind a problem');
  let before = 1;
  for (const { line } of statements) {
    claim(line >= before, 'lines in their order');
    before = line;
  }
  const entries = statements.filter(isOption).map((entry) => ({ ...entry, file: '/etc/my.cnf' }));
  selectGroups(entries, serverGroups('10.11'), '_a');
  const sst = selectGroups(entries, ['sst']);
  lookup(sst, 'tca');
  for (const finding of findUnknownOptions(sst.slice(0, 5))) claimClear(finding);
});

function isOption(statement: Statement): statement is Extract<Statement, { kind: 'option' }> {
  return statement.kind === 'option';
}
