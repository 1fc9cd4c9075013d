/** A smoothed rate: samples weigh the less the older they are. */
export interface Rate {
  readonly beganMs: number;
  readonly lastMs: number;
  readonly lastBytes: number;
  readonly weightedBytes: number;
  readonly weightedMs: number;
}

/** A transfer of an hour is judged by its last quarter of an hour, a short one by its last ten seconds. */
const shortestMemoryMs = 10_000;
const memoryShare = 1 / 4;

/** Begins to measure. */
export function beginRate(atMs: number, bytes: number): Rate {
  return { beganMs: atMs, lastMs: atMs, lastBytes: bytes, weightedBytes: 0, weightedMs: 0 };
}

/** Takes a sample of a count that only grows. */
export function sampleRate(rate: Rate, atMs: number, bytes: number): Rate {
  const passedMs = atMs - rate.lastMs;
  if (passedMs <= 0) return { ...rate, lastBytes: Math.max(bytes, rate.lastBytes) };
  const memoryMs = Math.max(shortestMemoryMs, (atMs - rate.beganMs) * memoryShare);
  const fading = Math.exp(-passedMs / memoryMs);
  return {
    beganMs: rate.beganMs,
    lastMs: atMs,
    lastBytes: Math.max(bytes, rate.lastBytes),
    weightedBytes: rate.weightedBytes * fading + Math.max(0, bytes - rate.lastBytes),
    weightedMs: rate.weightedMs * fading + passedMs,
  };
}

/** Undefined before there is anything to go by. */
export function bytesPerSecond({ weightedBytes, weightedMs }: Rate): number | undefined {
  return weightedMs === 0 ? undefined : (weightedBytes * 1000) / weightedMs;
}
