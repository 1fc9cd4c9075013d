import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import ts from 'typescript';

const sources = fileURLToPath(new URL('../../src/', import.meta.url));

/** Programs and statements that a hint may send to; that those of this program exist is looked at below. */
const command =
  /galera-sst-tunnel (?:--version|--help|[a-z]+)|--[a-z][a-z-]+|\b(?:my_print_defaults \S|getent hosts|man 5|ip -br|ss -tlnp|dmesg|pgrep -af|ln -s|mv FILE|install -d|apt-get install|systemctl (?:start|stop|restart|edit|status) |journalctl -u|openssl [a-z]|mariadbd --version|mariadb-admin \S|grep -n|chmod \S|namei -l|ls -l|df -[hi]|rm -r|chronyc tracking|timedatectl|socat -hh|chgrp mysql|chown mysql|quota -u|SHOW (?:STATUS LIKE|PROCESSLIST)|C(?:HECK|REATE) TABLE)/;

/** Why these need none. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  'the command is put together where it is known for what': ['convert it: ${…}'],
  'it says how the word that was just typed is written': [
    'name it as ${…}${…} HOST:PORT, an IPv6 address in brackets',
    'name it as [${…}]:3306, or put the part before the port in brackets',
  ],
  'the finding that it speaks of has a command': ['see VERIFY_CA above'],
  'nothing is to be done': [
    'leave aria_recover_options as it is: the server then repairs each table when it is first opened',
  ],
  'an option of the line that was just typed is named, or another file': [
    'only a certificate with basicConstraints CA:TRUE may sign others',
    'move it away: it belongs to another CA',
  ],
};
const reasoned = new Set(Object.values(exceptions).flat());

/** What those read who speak HTTP with the agent; commands say it in their own words. */
const forHttp = 'control/refusal.ts';

interface Hint {
  readonly place: string;
  /** `${…}` for what is put in. */
  readonly text: string;
}

/** The texts of a hint: of each branch where it is chosen, none of what stands elsewhere. */
function textsOf(node: ts.Expression): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isTemplateExpression(node))
    return [node.head.text + node.templateSpans.map(({ literal }) => `\${…}${literal.text}`).join('')];
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse].flatMap(textsOf);
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node))
    return textsOf(node.expression);
  if (ts.isBinaryExpression(node)) return [node.left, node.right].flatMap(textsOf);
  if (ts.isObjectLiteralExpression(node))
    return node.properties.flatMap((one) => (ts.isPropertyAssignment(one) ? textsOf(one.initializer) : []));
  return [];
}

/** Whatever is given to a property, a variable or a parameter that is called a hint. */
function hintsIn(name: string, source: string): Hint[] {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true);
  const found: Hint[] = [];
  const visit = (node: ts.Node): void => {
    const isNamed = ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node) || ts.isParameter(node);
    if (isNamed && node.initializer !== undefined && /hints?$/i.test(node.name.getText(file))) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
      for (const text of textsOf(node.initializer)) found.push({ place: `src/${name}:${line + 1}`, text });
    }
    node.forEachChild(visit);
  };
  visit(file);
  return found;
}

t.test('hints are found in whatever form they are written', async (t) => {
  const source = `
    fail({ hint: 'one' });
    const hint = isNew ? \`two \${name} three\` : "four";
    const hints = { A: 'five', B: other } as const;
    const [message, askHint] = ['six', 'seven'];
    fail({ hint, message: 'eight' });`;
  t.strictSame(
    hintsIn('a.ts', source).map(({ place, text }) => `${place} ${text}`),
    ['src/a.ts:2 one', 'src/a.ts:3 two ${…} three', 'src/a.ts:3 four', 'src/a.ts:4 five'],
  );
});

const names = readdirSync(sources, { recursive: true, encoding: 'utf8' });
const hints = names
  .filter((name) => name.endsWith('.ts') && name !== forHttp)
  .flatMap((name) => hintsIn(name, readFileSync(join(sources, name), 'utf8')));

t.test('every hint names a command that shows more or mends it, or there is a reason', async (t) => {
  t.ok(hints.length > 150, `${hints.length} hints were found`);
  for (const { place, text } of hints) if (!reasoned.has(text)) t.match(text, command, place);
});
