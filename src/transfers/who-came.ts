import { variableOf } from '../processes/proc.js';

/**
 * Who has come as donor, from what socat tells the programs that it starts for a connection (1.7.4, 1.8): the name in the
 * certificate and the address, `node1.my.cluster (192.0.2.1)`. Undefined when the process has ended already.
 * @param daemonPid the rsync daemon that serves the connection
 * @param lookUp gives a variable of that process
 */
export function whoCame(
  daemonPid: number,
  lookUp: (pid: number, name: string) => string | undefined = variableOf,
): string | undefined {
  const address = lookUp(daemonPid, 'SOCAT_PEERADDR');
  const name = lookUp(daemonPid, 'SOCAT_OPENSSL_X509_COMMONNAME') ?? '';
  if (address === undefined) return undefined;
  return name === '' ? address : `${name} (${address})`;
}
