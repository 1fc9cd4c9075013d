import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { errorTable } from '../../src/errors.js';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(checkout, path), 'utf8');

/** What the server, its shell or an administrator writes. */
const ofOthers: readonly string[] = [
  'wsrep_sst_rsync_tunnel: not found',
  "Failed to read 'ready <addr>'",
  'Requesting state transfer failed: -11(Resource temporarily unavailable)',
  'wsrep_sst_auth',
  'node',
];

/** All that this program can say, as its source has it. */
const said = [
  ...readdirSync(join(checkout, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => read(join('src', path))),
  read('scripts/wsrep_sst_rsync_tunnel'),
].join('\n');

/** The symptoms of the page: what stands as code in the first column of its tables. */
function symptoms(page: string): readonly string[] {
  const cells = page
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| in the log'))
    .map((line) => line.split(' | ')[0] ?? '');
  return cells.flatMap((cell) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, text]) => text ?? ''));
}

/** The code that a symptom begins with, and the words of it that are the same each time: neither numbers, names, nor which side it is. */
function partsOf(symptom: string): { readonly code: string | undefined; readonly words: readonly string[] } {
  const [, code, rest = symptom] = /^([A-Z]+_[A-Z_]+)(?:$|: (.*))/.exec(symptom) ?? [];
  if (code === symptom) return { code, words: [] };
  const words = rest.split(/…|\bCODE\b|\d+|phase: |\b(?:joiner|donor)\b/).map((part) => part.trim());
  return { code, words: words.filter((part) => /[a-z]{2}/i.test(part)) };
}

t.test('what the page looks for in the log is what the program writes there', async (t) => {
  const found = symptoms(read('docs/debugging.md'));
  t.ok(found.length > 30, 'the tables are read', { found });
  const codes = new Set(Object.keys(errorTable));
  for (const symptom of found.filter((text) => !ofOthers.includes(text))) {
    const { code, words } = partsOf(symptom);
    if (code !== undefined) t.ok(codes.has(code), symptom);
    for (const part of words) t.ok(said.includes(part), `${symptom}: ${part}`);
    t.ok(code !== undefined || words.length > 0, symptom);
  }
});
