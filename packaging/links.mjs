// Pages that leave the checkout: what they link to is elsewhere there, or not there at all.
import { posix } from 'node:path';

/**
 * A page of Markdown with links that lead somewhere in a package.
 * @param page its path in the package, as `docs/errors.md`
 * @param files the package's files
 * @param renamed those that have another name there: `LICENSE` is Debian's `copyright`
 */
export function linksInPackage(text, { page, files, renamed = {} }) {
  return text.replaceAll(/\[([^\]]+)\]\(([^)\s]+)\)/g, (link, words, target) => {
    const [path, anchor] = target.split('#');
    if (path === '' || /^[a-z]+:/.test(path)) return link;
    const file = posix.normalize(posix.join(posix.dirname(page), path));
    const there = renamed[file] ?? file;
    if (!files.has(there)) return words;
    const shown = words === path ? there : words;
    const relative = posix.relative(posix.dirname(page), there);
    return `[${shown}](${relative}${anchor === undefined ? '' : `#${anchor}`})`;
  });
}
