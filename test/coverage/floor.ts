/** Per cent of lines that own tests have to run: of all modules together, and of each that has a test of its name. */
const floor = { all: 85, module: 50 };

/** What is below the floor, given the per cents of lines by module, and of all as `total`. */
export function belowFloor(lines: ReadonlyMap<string, number>, tests: ReadonlySet<string>): string[] {
  return [...lines]
    .filter(([name]) => name === 'total' || tests.has(name))
    .map(([name, percent]) => ({ name, percent, least: name === 'total' ? floor.all : floor.module }))
    .filter(({ percent, least }) => percent < least)
    .map(({ name, percent, least }) => `${name}: ${percent} % of its lines, the floor is ${least} %`);
}
