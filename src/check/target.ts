import { parseAddress, type PeerAddress } from '../config/address.js';
import { asTransferError, TransferError } from '../errors.js';

/** Whom the command line names; throws a TransferError that blames nothing else. */
export function targetOf(text: string, option: '--peer' | '--replication-from' | 'certs show'): PeerAddress {
  try {
    return parseAddress(text, option);
  } catch (cause) {
    const { code, message } = asTransferError(cause);
    const without = option === 'certs show' ? '' : `${option} HOST or `;
    const hint = `name it as ${without}${option} HOST:PORT, an IPv6 address in brackets`;
    throw new TransferError(code, message, { cause, hint });
  }
}
