import t from 'tap';

interface Links {
  readonly linksInPackage: (
    text: string,
    given: { page: string; files: ReadonlySet<string>; renamed?: Record<string, string> },
  ) => string;
}

const { linksInPackage } = (await import(
  new URL('../../../packaging/links.mjs', import.meta.url).href
)) as Links;

t.test('links in a package lead to what is in it', async (t) => {
  const files = new Set(['docs/errors.md', 'docs/design.md', 'copyright']);
  const renamed = { LICENSE: 'copyright' };
  const cases = [
    [
      'what is there',
      'README.md',
      '[errors](docs/errors.md#tool_missing)',
      '[errors](docs/errors.md#tool_missing)',
    ],
    ['what is not', 'README.md', 'see [CONTRIBUTING.md](CONTRIBUTING.md).', 'see CONTRIBUTING.md.'],
    ['another name', 'README.md', '[LICENSE](LICENSE)', '[copyright](copyright)'],
    ['the same from below', 'docs/design.md', '[the licence](../LICENSE)', '[the licence](../copyright)'],
    ['a page beside', 'docs/design.md', '[why](errors.md)', '[why](errors.md)'],
    ['within the page', 'docs/design.md', '[above](#one-picture)', '[above](#one-picture)'],
    ['elsewhere', 'README.md', '[socat](https://example.org/)', '[socat](https://example.org/)'],
  ] as const;
  for (const [what, page, before, after] of cases)
    t.equal(linksInPackage(before, { page, files, renamed }), after, what);
});
