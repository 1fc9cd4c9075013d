/** One of several parts of the table, counted from 1. */
export interface Shard {
  readonly part: number;
  readonly parts: number;
}

/** Reads `K/N`. */
export function parseShard(text: string): Shard {
  const [, part, parts] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { part: Number(part), parts: Number(parts) };
  if (parts === undefined || shard.part < 1 || shard.part > shard.parts)
    throw new Error(`--shard wants K/N with K from 1 to N, such as 1/2, not ${JSON.stringify(text)}`);
  return shard;
}

/** Every N-th, so that each part gets some of each fault: neighbours take about as long. */
export function takeShard<T>(all: readonly T[], { part, parts }: Shard): T[] {
  return all.filter((_, index) => index % parts === part - 1);
}
