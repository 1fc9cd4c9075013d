import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import t from 'tap';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const { rooms } = (await import(join(checkout, 'eslint.config.js'))) as { rooms: readonly string[] };

t.test('every file and directory of src is a room, on the map in the same order', async (t) => {
  const inSource = readdirSync(join(checkout, 'src')).map((name) => name.replace(/\.ts$/, ''));
  t.strictSame([...rooms].sort(), inSource.sort());
  const map = readFileSync(join(checkout, 'CONTRIBUTING.md'), 'utf8').split('| room | holds |')[1] ?? '';
  const rows = map.split('\n\n')[0]?.split('\n').slice(2) ?? [];
  const onMap = rows.flatMap((row) =>
    Array.from(row.split('|')[1]?.matchAll(/`([a-z-]+)(?:\.ts|\/)`/g) ?? [], ([, name]) => name),
  );
  t.strictSame(onMap, rooms);
});

t.test('a room imports nothing from below it, and no package that has its door elsewhere', async (t) => {
  const eslint = new ESLint({ cwd: checkout });
  const complaints = async (file: string, text: string): Promise<readonly (string | null)[]> => {
    const [result] = await eslint.lintText(text, { filePath: join(checkout, 'src', file) });
    return (result?.messages ?? [])
      .map(({ ruleId }) => ruleId)
      .filter((rule) => rule?.startsWith('no-restricted'));
  };
  const statically = (from: string): string => `export * from '${from}';\n`;
  const whenNeeded = (from: string): string => `export const it = (): unknown => import('${from}');\n`;
  for (const [file, from] of [
    ['errors.ts', './remove-tree.js'],
    ['remove-tree.ts', './cli/main.js'],
    ['plan/tunnel.ts', '../transfers/join.js'],
    ['plan/tunnel.ts', 'execa'],
    ['processes/spawn.ts', '../transfers/join.js'],
    ['processes/spawn.ts', 'yargs'],
    ['transfers/join.ts', 'pino'],
    ['surroundings.ts', './cli/main.js'],
  ] as const) {
    t.strictSame(await complaints(file, statically(from)), ['no-restricted-imports'], `${file}: ${from}`);
    t.strictSame(
      await complaints(file, whenNeeded(from)),
      ['no-restricted-syntax'],
      `${file}: ${from}, later`,
    );
  }
  for (const [file, from] of [
    ['processes/spawn.ts', 'execa'],
    ['transfers/join.ts', '../plan/tunnel.js'],
    ['transfers/join.ts', './donate.js'],
    ['transfers/join.ts', '../errors.js'],
    ['cli/main.ts', 'yargs'],
  ] as const) {
    t.strictSame(await complaints(file, statically(from)), [], `${file}: ${from}`);
    t.strictSame(await complaints(file, whenNeeded(from)), [], `${file}: ${from}, later`);
  }
});
