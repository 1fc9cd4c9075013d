import type { Difference } from '../datadir/compare.js';

/** Says in a sentence how the copy differs from the manifest, with the first few places. */
export function describeDifferences(differences: readonly Difference[]): string {
  const shown = differences.slice(0, 5).map(describe).join('; ');
  const more = differences.length > 5 ? `; and ${differences.length - 5} more` : '';
  return `the copy differs from the donor's manifest in ${differences.length === 1 ? 'one place' : `${differences.length} places`}: ${shown}${more}`;
}

function describe(difference: Difference): string {
  const where = `${JSON.stringify(difference.path)} (${difference.place})`;
  switch (difference.kind) {
    case 'missing':
    case 'missing directory':
      return `${where} is missing`;
    case 'unexpected':
    case 'unexpected directory':
      return `${where} is not the donor's`;
    case 'time':
      return `${where} was not written by this transfer`;
    case 'size':
      return `${where} has ${difference.found} bytes instead of ${difference.expected}`;
  }
}
