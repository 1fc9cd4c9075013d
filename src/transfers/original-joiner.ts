import { TransferError } from '../errors.js';
import type { Premises } from './donate.js';

/** Serves a joiner that runs the original script: two modules, no secret, no manifest, a completion file at the end. */
export async function donateToOriginal(premises: Premises): Promise<void> {
  await Promise.resolve(premises);
  throw new TransferError('SECRET_REFUSED', 'joiners with the original script are not served yet');
}
