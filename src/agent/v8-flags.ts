/**
 * How V8 works in a process that has little to do beside rsync and socat (Node 20.20, for 4 GB):
 * with very many files a heap would grow to twice of what lies in it, and keep that (the SST script has the same option);
 * 8 s after a few allocations all that is unused would be looked for (120 ms): in a minute nobody misses the memory.
 */
const forLittleWork: readonly string[] = [
  '--heap-growing-percent=20',
  '--gc-memory-reducer-start-delay-ms=60000',
];

/**
 * What runs a few hundred times in a transfer is not worth compiling for speed (50 ms, 4 MB), while loops over very many files are.
 * V8 12 (Node 22) counts calls instead, and says on stderr that it does not know the flag.
 */
const compilesLittle = '--interrupt-budget=1000000';
const lastWithBudget = 11;

/** The flags of an agent's V8 of that version, `process.versions.v8`. */
export function agentFlags(v8: string): readonly string[] {
  return Number(v8.split('.')[0]) <= lastWithBudget ? [...forLittleWork, compilesLittle] : forLittleWork;
}
