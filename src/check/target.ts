import { parseAddress, type PeerAddress } from '../config/address.js';
import { asTransferError, TransferError } from '../errors.js';

/** Whom the command line names; throws a TransferError that blames nothing else. */
export function targetOf(text: string, option: '--peer' | '--replication-from'): PeerAddress {
  try {
    return parseAddress(text, option);
  } catch (cause) {
    const { code, message } = asTransferError(cause);
    const hint = `name it as ${option} HOST or ${option} HOST:PORT, an IPv6 address in brackets`;
    throw new TransferError(code, message, { cause, hint });
  }
}
