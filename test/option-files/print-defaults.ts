import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readOptionFiles } from '../../src/option-files/read.js';
import { formatAsPrintDefaults, selectGroups } from '../../src/option-files/select.js';
import { TransferError } from '../../src/errors.js';

/** What is asked of an option file: the groups, and the suffix with which they are read a second time. */
export interface Question {
  readonly groups: readonly string[];
  readonly suffix?: string | undefined;
}

/** The options as my_print_defaults prints them, or that the file is refused. */
export type Answer = { readonly kind: 'options'; readonly lines: string } | { readonly kind: 'refused' };

/** What this program reads from the file. */
export function ourAnswer(file: string, { groups, suffix }: Question, home: string): Answer {
  try {
    const { entries } = readOptionFiles({ defaultsFile: file, env: { HOME: home } });
    const lines = formatAsPrintDefaults(selectGroups(entries, groups, suffix));
    return { kind: 'options', lines: lines.map((line) => `${line}\n`).join('') };
  } catch (error) {
    if (error instanceof TransferError) return { kind: 'refused' };
    throw error;
  }
}

/** One shell runs my_print_defaults for all files: starting that many children from Node takes twice as long. */
const askForEach = `while IFS= read -r file; do
  my_print_defaults --defaults-file="$file" "$@" >"$OUT/$(( n += 1 )).out" 2>/dev/null </dev/null
  echo $?
done`;

/** What my_print_defaults reads from each file; `outDirectory` is an empty directory of the caller's. */
export async function theirAnswers(
  files: readonly string[],
  { groups, suffix }: Question,
  home: string,
  outDirectory: string,
): Promise<readonly Answer[]> {
  const args = [...(suffix === undefined ? [] : [`--defaults-group-suffix=${suffix}`]), ...groups];
  const child = spawn('sh', ['-c', askForEach, 'sh', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], HOME: home, OUT: outDirectory },
  });
  child.stdin.end(files.map((file) => `${file}\n`).join(''));
  let statuses = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) statuses += String(chunk);
  return statuses
    .trimEnd()
    .split('\n')
    .map((status, index) => {
      // 1 and 2: the file was refused; anything else (127: not installed, 139: crashed) is no answer.
      if (status === '1' || status === '2') return { kind: 'refused' };
      if (status !== '0')
        throw new Error(`my_print_defaults ended with status ${status} on ${files[index] ?? '?'}`);
      return { kind: 'options', lines: readFileSync(`${outDirectory}/${index + 1}.out`, 'utf8') };
    });
}
