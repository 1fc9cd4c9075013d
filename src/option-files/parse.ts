/**
 * Bytes to statements, as the server itself reads option files (mysys/my_default.c, behaviour measured with
 * my_print_defaults of MariaDB 10.11.19). Byte for byte: the server knows no character set here, its white
 * space is latin1's. So the text is cut as latin1, one character per byte, and decoded as UTF-8 at the end.
 */

/** One meaningful line of an option file; `line` counts from 1. After a problem the server reads no further. */
export type Statement =
  | { readonly kind: 'group'; readonly name: string; readonly line: number }
  | {
      readonly kind: 'option';
      readonly group: string;
      readonly name: string;
      readonly value: string | undefined;
      readonly line: number;
    }
  /** `path` is as written, relative to the working directory; empty where nothing stands after the word. */
  | { readonly kind: 'include' | 'includedir'; readonly path: string; readonly line: number }
  | { readonly kind: 'problem'; readonly message: string; readonly line: number };

/**
 * The statements of one file in their order; a problem is always the last one. Any bytes will do, nothing is
 * thrown. Bytes that are not UTF-8 come out as U+FFFD.
 */
export function parseOptionFile(bytes: Uint8Array): readonly Statement[] {
  const statements: Statement[] = [];
  let group: string | undefined;
  for (const { text, line } of linesOf(bytes)) {
    const statement = parseLine(text, line, group);
    if (statement === undefined) continue;
    statements.push(statement);
    if (statement.kind === 'problem') break;
    if (statement.kind === 'group') group = statement.name;
  }
  return statements;
}

interface Line {
  /** With its newline, if it has one; up to the first NUL byte. */
  readonly text: string;
  readonly line: number;
}

/** The server's line buffer: of a longer line every further 4094 bytes are read as a line of their own. */
const lineBufferBytes = 4094;
/** What `--name=value` may take without the dashes, the `=` and a NUL; beyond it the server crashes. */
const optionBufferBytes = 4094;

function* linesOf(bytes: Uint8Array): Generator<Line> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  let line = 1;
  let lineEnd = 0;
  for (let start = 0, end = 0; start < text.length; start = end) {
    if (start === lineEnd) lineEnd = text.indexOf('\n', start) + 1 || text.length;
    end = Math.min(lineEnd, start + lineBufferBytes);
    const [beforeNul = ''] = text.slice(start, end).split('\0', 1);
    yield { text: beforeNul, line };
    if (end === lineEnd) line += 1;
  }
}

function parseLine(text: string, line: number, group: string | undefined): Statement | undefined {
  const start = skipSpace(text, 0);
  const rest = text.slice(start);
  if (rest === '' || rest.startsWith('#') || rest.startsWith(';')) return undefined;
  if (rest.startsWith('!')) return parseDirective(rest, line);
  if (rest.startsWith('[')) return parseGroup(rest, line);
  if (group === undefined) return { kind: 'problem', message: describeStray(rest), line };
  const { name, value } = parseOption(rest, start > 0);
  const optionBytes = name.length + (value?.length ?? 0);
  if (optionBytes > optionBufferBytes)
    return { kind: 'problem', message: 'an option without a name is too long', line };
  return {
    kind: 'option',
    group,
    name: decode(name),
    value: value === undefined ? undefined : decode(value),
    line,
  };
}

/** An unknown directive, `!include=x` too, is passed over without a word. */
function parseDirective(rest: string, line: number): Statement | undefined {
  const directive = rest.slice(skipSpace(rest, 1));
  for (const kind of ['includedir', 'include'] as const) {
    if (!directive.startsWith(kind) || !isSpace(directive, kind.length)) continue;
    const argument = directive.slice(skipSpace(directive, kind.length));
    // The server takes the last byte for the newline: a last line without one loses its last character.
    return { kind, path: decode(argument.slice(0, trimEnd(argument, argument.length - 1))), line };
  }
  return undefined;
}

/** Text after the bracket is ignored, white space before the name belongs to it. */
function parseGroup(rest: string, line: number): Statement {
  const end = rest.indexOf(']');
  if (end < 0) return { kind: 'problem', message: 'a group name has no closing bracket', line };
  return { kind: 'group', name: decodeGroup(rest.slice(1, trimEnd(rest, end))), line };
}

function parseOption(rest: string, isIndented: boolean): { name: string; value: string | undefined } {
  const text = rest.slice(0, commentStart(rest));
  const equals = text.indexOf('=');
  const nameEnd = trimEnd(text, equals < 0 ? text.length : equals);
  // Before an indented "=" the server walks back over the white space and then takes the whole line for the name.
  const name = equals === 0 && isIndented ? text : text.slice(0, nameEnd);
  return { name, value: equals < 0 ? undefined : unescape(unquote(trim(text.slice(equals + 1)))) };
}

/** Where the first `#` outside quotes stands; only inside quotes does a backslash protect a quote. */
function commentStart(text: string): number {
  let quote = '';
  let escaped = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if ((char === "'" || char === '"') && !escaped) quote = quote === '' ? char : quote === char ? '' : quote;
    if (quote === '' && char === '#') return at;
    escaped = quote !== '' && char === '\\' && !escaped;
  }
  return text.length;
}

function unquote(value: string): string {
  const first = value.charAt(0);
  const isQuoted = value.length > 1 && (first === '"' || first === "'") && value.endsWith(first);
  return isQuoted ? value.slice(1, -1) : value;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', s: ' ' };

/** `\n \t \r \b \s \" \' \\`; before any other character, and at the end, the backslash stays. */
function unescape(value: string): string {
  return value.replace(
    /\\([^])/g,
    (both, char: string) => escapes[char] ?? (/["'\\]/.test(char) ? char : both),
  );
}

function describeStray(rest: string): string {
  return rest.startsWith('\xef\xbb\xbf')
    ? 'the file begins with a byte order mark, which the server takes for an option before any [group]'
    : 'an option stands before any [group]';
}

function trim(text: string): string {
  const start = skipSpace(text, 0);
  return text.slice(start, Math.max(start, trimEnd(text, text.length)));
}

/** The end of the text before `end`, white space left out; never below 0. */
function trimEnd(text: string, end: number): number {
  let at = Math.max(end, 0);
  while (at > 0 && isSpace(text, at - 1)) at -= 1;
  return at;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text, at)) at += 1;
  return at;
}

/** latin1's white space, so the byte 0xA0 counts: a value that ends in UTF-8 `à` (C3 A0) loses its last byte. */
function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0;
}

/**
 * A group's name as text. Names are compared byte by byte (`selectGroups`), so the bytes of one that isn't UTF-8 are kept,
 * as U+DC00 and what they are.
 */
function decodeGroup(latin1: string): string {
  const text = decode(latin1);
  return Buffer.from(text).toString('latin1') === latin1
    ? text
    : latin1.replace(/[\x80-\xff]/g, (byte) => String.fromCharCode(0xdc00 + byte.charCodeAt(0)));
}

function decode(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
