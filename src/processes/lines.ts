import type { Readable } from 'node:stream';

/** Lines longer than this are cut: no child of ours has reason to write them. */
const longestLine = 16_384;

/** Calls back for every line, ended by a newline or a carriage return (rsync redraws its progress with those). */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '').slice(0, longestLine);
    for (const line of lines) if (line !== '') onLine(line.slice(0, longestLine));
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
    rest = '';
  });
  stream.on('error', () => undefined);
}
