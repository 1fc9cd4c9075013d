import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readWords } from './proc.js';

/**
 * Whether the kernel encrypts TLS for whoever asks it to (CONFIG_TLS). A module counts once it is loaded: only who may configure the network has
 * it loaded by asking. The list is seen in the host's own network only (6.18), in a container's is the other file.
 * @param proc where the kernel tells about itself
 */
export function hasKernelTls(proc = '/proc'): boolean {
  return (
    readWords(join(proc, 'sys/net/ipv4/tcp_available_ulp')).includes('tls') ||
    existsSync(join(proc, 'net/tls_stat'))
  );
}
