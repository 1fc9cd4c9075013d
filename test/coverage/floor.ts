/** Per cent of lines that own tests have to run. */
const floor = { total: 85, module: 60 };

/** Modules that are nothing but types, or that only stand between others, with what their own tests run of them. */
const exempt = new Set<string>([]);

/** What has fallen below the floor, given the per cents of lines by module, and of all as `total`. */
export function belowFloor(lines: ReadonlyMap<string, number>): string[] {
  return [...lines]
    .map(([name, percent]) => ({ name, percent, least: name === 'total' ? floor.total : floor.module }))
    .filter(({ name, percent, least }) => percent < least && !exempt.has(name))
    .map(({ name, percent, least }) => `${name}: ${percent} % of its lines, the floor is ${least} %`);
}
