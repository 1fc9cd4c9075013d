import type { CheckReport, Section } from '../check/report.js';
import { errorTable, type Finding } from '../errors.js';
import { printable } from './terminal.js';

const colours = { ok: '\x1b[32m', warning: '\x1b[33m', error: '\x1b[1;31m' } as const;
const plain = '\x1b[0m';

/** A report for people: a line for each thing that was looked at, below it what is wrong and what to do. */
export function formatReport({ title, status, sections, lines }: CheckReport, isColoured: boolean): string[] {
  const mark = (word: Section['status'], text: string): string =>
    isColoured ? `${colours[word]}${text}${plain}` : text;
  const width = Math.max(...sections.map(({ name }) => name.length));
  const counted = sections.flatMap(({ findings }) => findings);
  return [
    printable(title),
    ...sections.flatMap((section) => [
      ...fillLines(section.facts.map(printable)).map((line, index) =>
        index === 0
          ? `${mark(section.status, section.status.padEnd(7))}  ${section.name.padEnd(width)}  ${line}`.trimEnd()
          : `${' '.repeat(11 + width)}${line}`,
      ),
      ...section.findings.flatMap((finding) => describe(finding, mark)),
    ]),
    ...(lines.length === 0 ? [] : ['', ...lines.map(printable)]),
    '',
    mark(status, summary(counted)),
  ];
}

/** Paths are long: where they would make a line of more than that, each fact that no longer fits begins a new one. */
const widest = 90;

function fillLines(facts: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const fact of facts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + fact.length < widest)
      lines[lines.length - 1] = `${last}, ${fact}`;
    else lines.push(fact);
  }
  return lines.length === 0 ? [''] : lines;
}

function describe(
  { severity, code, message, option, where, hint }: Finding,
  mark: (word: Section['status'], text: string) => string,
): readonly string[] {
  const place = [option, where].filter((part) => part !== undefined).join(' at ');
  return [
    `         ${mark(severity, code)}: ${printable(message)}${place === '' ? '' : ` (${printable(place)})`}`,
    `         HINT: ${printable(hint ?? errorTable[code].hint)}`,
  ];
}

function summary(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  if (findings.length === 0) return 'nothing is wrong';
  const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
  return [
    ...(errors > 0 ? [count(errors, 'error')] : []),
    ...(warnings > 0 ? [count(warnings, 'warning')] : []),
  ].join(', ');
}
