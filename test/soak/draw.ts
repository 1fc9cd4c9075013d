/**
 * What the joiner has when it joins: nothing, the data of the round before, i.e. older bytes of the same tables, or what a transfer into
 * these has left that was ended at any moment.
 */
const data = ['emptied', 'kept', 'interrupted'] as const;
const compressors = ['none', 'zstd', 'lz4'] as const;
const verifies = ['size', 'checksum'] as const;
const precopies = ['auto', 'auto', 'auto', 'auto', 'auto', 'auto', 'off', '1', '2'] as const;

/** What one round draws from its seed, beside what is written and when. */
export interface Draw {
  readonly data: (typeof data)[number];
  /** So many of the joiner's files are removed, cut off or written over before it joins. */
  readonly damaged: number;
  readonly verify: (typeof verifies)[number];
  readonly precopy: (typeof precopies)[number];
  /** `backup-threads`. */
  readonly streams: number;
  readonly compressor: (typeof compressors)[number];
  /** Nothing that was there is dropped or renamed: only then a joiner with many files is spared looking at all of them at the end. */
  readonly keepsNames: boolean;
}

export function drawRound(seed: number, random: (below: number) => number): Draw {
  const one = <T>(choices: readonly [T, ...T[]]): T => choices[random(choices.length)] ?? choices[0];
  const drawn = one(data);
  const damaged = one([0, 1 + random(20)]);
  return {
    data: drawn,
    damaged: drawn === 'emptied' ? 0 : damaged,
    verify: one(verifies),
    precopy: one(precopies),
    streams: 1 + random(4),
    compressor: compressors[seed % compressors.length] ?? 'none',
    keepsNames: random(2) === 0,
  };
}
