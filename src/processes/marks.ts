/** The variable that marks every process of ours with its transfer, so that leftovers are known by more than a pid. */
export const markerVariable = 'GALERA_SST_TUNNEL_TRANSFER';

/** The variable that tells of the same processes on whom their transfer depends. */
export const holderVariable = 'GALERA_SST_TUNNEL_HOLDER';

/** What the transfers of this process that are open say of their holders. */
const open = new Map<string, string>();

/** Transfers of this process that are over, of which something could not be removed yet. */
const over = new Set<string>();

/** Notes that this process has a transfer open, and what all that it starts for it is to be marked with. */
export function markAsOpen(transferId: string, holder: string): void {
  open.set(transferId, holder);
}

/** Notes that a transfer is over, whatever is left of it; to be told when nothing is left. */
export function markAsOver(transferId: string): void {
  open.delete(transferId);
  over.add(transferId);
}

/** Notes that nothing is left of a transfer. */
export function forgetTransfer(transferId: string): void {
  over.delete(transferId);
}

/** Whether this process has ended the transfer, but not removed all of it. */
export function isOverHere(transferId: string): boolean {
  return over.has(transferId);
}

/** The variables that mark a process of a transfer. */
export function marksOf(transferId: string): Readonly<Record<string, string>> {
  const holder = open.get(transferId);
  return { [markerVariable]: transferId, ...(holder === undefined ? {} : { [holderVariable]: holder }) };
}
