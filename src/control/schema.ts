/**
 * Small checks for JSON from outside: a check takes a value and gives it typed, or throws a SchemaError that names the
 * place. Written by hand: the whole API has six small bodies, and a library's start-up time would be the script's.
 */

/** What is wrong with a body, and where: `/argv/3: expected a string, got a number`. */
export class SchemaError extends Error {}

/** Gives the value typed, or throws a SchemaError; `place` is a JSON pointer. */
export type Check<T> = (value: unknown, place: string) => T;

/** A string of at most `longest` UTF-16 units, without NUL, which no argument or path can hold. */
export function text(
  longest: number,
  pattern?: { readonly form: RegExp; readonly name: string },
): Check<string> {
  return (value, place) => {
    if (typeof value !== 'string') throw unexpected(place, 'a string', value);
    if (value.length > longest) throw new SchemaError(`${at(place)}: expected at most ${longest} characters`);
    if (value.includes('\0')) throw new SchemaError(`${at(place)}: expected text without NUL characters`);
    if (pattern !== undefined && !pattern.form.test(value)) {
      throw new SchemaError(`${at(place)}: expected ${pattern.name}`);
    }
    return value;
  };
}

export function wholeNumber(least: number, most: number): Check<number> {
  return (value, place) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw unexpected(place, `a whole number from ${least} to ${most}`, value);
  };
}

export function oneOf<const T extends string>(words: readonly T[]): Check<T> {
  return (value, place) => {
    const found = words.find((word) => word === value);
    if (found === undefined) throw unexpected(place, words.map((word) => `"${word}"`).join(' or '), value);
    return found;
  };
}

export function listOf<T>(element: Check<T>, longest: number): Check<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) throw unexpected(place, 'an array', value);
    if (value.length > longest) throw new SchemaError(`${at(place)}: expected at most ${longest} elements`);
    return value.map((item, index) => element(item, `${place}/${index}`));
  };
}

/** Also right for what may be missing in an object. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, place) => (value === undefined ? undefined : check(value, place));
}

/** An object with these members and no others. */
export function object<T extends object>(members: { readonly [K in keyof T]-?: Check<T[K]> }): Check<T> {
  return (value, place) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw unexpected(place, 'an object', value);
    }
    for (const name of Object.keys(value)) {
      if (!Object.hasOwn(members, name)) {
        throw new SchemaError(`${at(place)}: ${JSON.stringify(name.slice(0, 100))} is not known here`);
      }
    }
    const given = new Map<string, unknown>(Object.entries(value));
    const checked = Object.entries<Check<unknown>>(members)
      .map(([name, check]) => [name, check(given.get(name), `${place}/${name}`)] as const)
      .filter(([, member]) => member !== undefined);
    return Object.fromEntries(checked) as T;
  };
}

function unexpected(place: string, expected: string, value: unknown): SchemaError {
  return new SchemaError(`${at(place)}: expected ${expected}, got ${kindOf(value)}`);
}

function at(place: string): string {
  return place === '' ? 'the body' : place;
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : `a ${typeof value}`;
}
