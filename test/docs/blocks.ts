import { parse } from 'yaml';

/** The commands of a page's section: its first block of indented lines. */
export function commandsOf(page: string, title: RegExp): string {
  const [first] = blocksOf(sectionOf(page, title));
  if (first === undefined) throw new Error(`no commands under ${String(title)}`);
  return first;
}

/** What stands between a heading and the next one of its level or a higher one. */
export function sectionOf(page: string, title: RegExp): string {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && title.test(line));
  if (start === -1) throw new Error(`no heading ${String(title)}`);
  const level = /^#+/.exec(lines[start] ?? '')?.[0].length ?? 1;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => new RegExp(`^#{1,${level}} `).test(line));
  return rest.slice(0, end === -1 ? undefined : end).join('\n');
}

/** The blocks of indented lines, without the indentation; empty lines may be inside. */
export function blocksOf(text: string): string[] {
  return [...text.matchAll(/(?<=^|\n)(?: {4}.*(?:\n|$)(?:\n+(?= {4}))?)+/g)].map(([block]) =>
    block
      .split('\n')
      .map((line) => line.replace(/^ {4}/, ''))
      .join('\n')
      .trimEnd(),
  );
}

/** What the fenced blocks of YAML say; throws where one is none. */
export function yamlBlocksOf(page: string): unknown[] {
  return [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text = '']) => parse(text) as unknown);
}

/** Every list of words under a key `command`, however deep: what Kubernetes executes. */
export function commandsIn(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'command' && Array.isArray(inner) ? [inner.map(String)] : commandsIn(inner),
  );
}
