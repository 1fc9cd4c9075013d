/** btrfs, ZFS, bcachefs: they compress or share what is written. */
const elasticTypes: ReadonlySet<number> = new Set([0x9123683e, 0x2fc12fc1, 0xca451a4e]);

/**
 * Whether a file system, by its number in statfs(2), may take less room for a file than another one would: neither says its free space
 * what fits into it, nor what a file takes up there how much it needs elsewhere.
 */
export function isElasticType(type: number): boolean {
  return elasticTypes.has(type);
}
