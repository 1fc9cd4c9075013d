import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(checkout, path), 'utf8');
const markdownIn = (folder: string): string[] =>
  readdirSync(join(checkout, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => posix.join(folder, name));
const manual = markdownIn('docs');
const pages = [...markdownIn('.'), ...manual];

/** What GitHub makes of headings. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title);
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  );
}

t.test('every link of a page leads to a file, and to a heading in it', async (t) => {
  t.ok(pages.includes('README.md') && pages.includes('docs/quick-start.md'));
  for (const page of pages) {
    const targets = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const dead = targets.filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : posix.join(posix.dirname(page), path);
      if (!existsSync(join(checkout, file))) return true;
      return anchor !== undefined && !anchorsOf(read(file)).has(anchor);
    });
    t.strictSame(dead, [], page);
  }
});

t.test('the README leads to every page of the manual', async (t) => {
  const readme = read('README.md');
  t.strictSame(
    manual.filter((page) => !readme.includes(`](${page}`)),
    [],
  );
});
