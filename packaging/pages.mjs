// The pages of docs/ that are made from the tables of options and errors.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { optionDescriptions } from '../dist/src/config/option-descriptions.js';
import { errorTable } from '../dist/src/errors.js';
import { errorCauses } from './error-causes.mjs';

const folder = join(resolve(import.meta.dirname, '..'), 'docs');
const { values: given } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const pages = { 'options.md': optionsPage(), 'errors.md': errorsPage() };

for (const [name, text] of Object.entries(pages)) {
  const file = join(folder, name);
  if (!given.check) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`docs/${name} is out of date: run scripts/docs`);
    process.exitCode = 1;
  }
}

function optionsPage() {
  const rows = Object.entries(optionDescriptions).map(([name, one]) => {
    const value = one.default === '' ? '' : /[ ']/.test(one.default) ? one.default : `\`${one.default}\``;
    return `| \`${name}\`${one.alsoOfServer ? ' *' : ''} | ${one.value.replaceAll('|', '\\|')} | ${value} | ${one.meaning.replaceAll('|', '\\|')} |`;
  });
  return `# Options

<!-- Made by scripts/docs from src/config/option-descriptions.ts. -->

In \`[sst]\` of any option file that the server reads; \`--defaults-file\`, \`--defaults-extra-file\`, \`!include\`, \`!includedir\` and
\`--defaults-group-suffix\` count. Options marked * are also looked for in the server's own groups (\`[mysqld]\`, \`[mariadb]\`, …), after
\`[sst]\`; write \`loose-\` in front of them there, or the server refuses to start. An option that nobody knows is warned about.

\`galera-sst-tunnel plan joiner --address HOST --datadir=/var/lib/mysql\` prints the settings that count, with file and line.

| option | value | default | meaning |
|---|---|---|---|
${rows.join('\n')}

The server's own directories (\`innodb_log_group_home_dir\` and so on), \`log_bin\` and \`bind_address\` are read from where the server has
them, and need not be said again.
`;
}

function errorsPage() {
  const entries = Object.entries(errorTable).map(([code, { exit, hint }]) => {
    return `## ${code}\n\n${errorCauses[code]}.\n\nExit status ${exit}. What to do: ${hint}.`;
  });
  const exits = [...new Set(Object.values(errorTable).map(({ exit }) => exit))].sort((a, b) => a - b);
  const codes = (exit) => Object.keys(errorTable).filter((code) => errorTable[code].exit === exit);
  return `# Errors and warnings

<!-- Made by scripts/docs from src/errors.ts. -->

Look for \`[ERROR]\` in the server's error log; the code stands at the beginning of the line. The same codes are in \`plan\`, in the history
and in metrics. The hint in the log can be more to the point than the one here. For the way there see
[A node does not join](debugging.md).

| exit status | codes |
|---|---|
${exits.map((exit) => `| ${exit} | ${codes(exit).join(', ')} |`).join('\n')}

${entries.join('\n\n')}
`;
}
