import { createSecureContext, rootCertificates } from 'node:tls';
import { findTools } from '../processes/tools.js';

/**
 * Does once, while nobody waits, what would cost the first transfer most: OpenSSL's tables of algorithms, the certificates that Node
 * brings along and reads as soon as a context is given any (20 ms, Node 20.20), and the versions of socat and rsync, which are
 * known from then on. What is wrong with them the transfer and the checks tell.
 */
export async function warmUp(): Promise<void> {
  createSecureContext({ ca: rootCertificates.slice(0, 1) });
  await findTools().catch(() => undefined);
}
