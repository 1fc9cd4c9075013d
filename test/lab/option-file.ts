/** One option's value: `true` or null writes the bare name, an array repeats the option, undefined removes a default. */
export type OptionValue = string | number | boolean | null;
export type OptionGroup = Record<string, OptionValue | readonly OptionValue[] | undefined>;
export type OptionGroups = Record<string, OptionGroup>;

/** Lays one set of groups over another; `_` and `-` are the same in names, undefined takes a default away. */
export function mergeGroups(...layers: readonly (OptionGroups | undefined)[]): OptionGroups {
  const merged: OptionGroups = {};
  for (const layer of layers) {
    for (const [group, options] of Object.entries(layer ?? {})) {
      const target = (merged[group] ??= {});
      for (const [name, value] of Object.entries(options)) {
        for (const known of Object.keys(target))
          if (plain(known) === plain(name)) removeOption(target, known);
        if (value !== undefined) target[name] = value;
      }
    }
  }
  return merged;
}

/** Option groups as the text of an option file; values are written as they are. */
export function formatGroups(groups: OptionGroups): string {
  return Object.entries(groups)
    .map(([group, options]) => `[${group}]\n${Object.entries(options).flatMap(formatOption).join('')}`)
    .join('\n');
}

/** The last value given to a single option, or undefined. */
export function lastValue(group: OptionGroup | undefined, name: string): string | undefined {
  for (const [key, value] of Object.entries(group ?? {})) {
    if (plain(key) !== plain(name)) continue;
    const last: unknown = Array.isArray(value) ? value.at(-1) : value;
    return typeof last === 'string' || typeof last === 'number' ? String(last) : undefined;
  }
  return undefined;
}

function formatOption([name, value]: [string, OptionGroup[string]]): string[] {
  const values: readonly (OptionValue | undefined)[] = Array.isArray(value)
    ? (value as readonly OptionValue[])
    : [value as OptionValue | undefined];
  return values.flatMap((one) => {
    if (one === undefined) return [];
    if (one === true || one === null) return [`${name}\n`];
    return [`${name}=${one === false ? '0' : String(one)}\n`];
  });
}

function removeOption(group: OptionGroup, name: string): void {
  Reflect.deleteProperty(group, name);
}

const plain = (name: string): string => name.replaceAll('-', '_');
