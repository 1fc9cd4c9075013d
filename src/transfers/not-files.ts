import type { Inventory } from '../datadir/inventory.js';
import type { Finding } from '../errors.js';

const shownAtMost = 5;

/** A warning about what stands in the place of a table's file and cannot be sent: the copy is made without. */
export function findNotFiles({ notFiles }: Pick<Inventory, 'notFiles'>): readonly Finding[] {
  if (notFiles.length === 0) return [];
  const more = notFiles.length > shownAtMost ? ` and ${notFiles.length - shownAtMost} more` : '';
  const names = notFiles.slice(0, shownAtMost).join(', ');
  return [
    {
      severity: 'warning',
      code: 'COPY_INCOMPLETE',
      message: `the copy goes without what is no file, or a link that leads nowhere: ${names}${more}`,
      hint: 'mend the link if it is a table or a schema, otherwise remove it from the data directory; ls -l shows where it leads',
    },
  ];
}
