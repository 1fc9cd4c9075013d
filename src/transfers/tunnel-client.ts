import type { Config } from '../config/config.js';
import type { TunnelClient } from '../plan/donor.js';
import { connectAddress, type TunnelFiles } from '../plan/tunnel.js';
import { isAtLeast, type Tools } from '../processes/tools.js';

/** What a donor's rsync clients need to know, from what was found out about this node and its joiner. */
export function tunnelClient(
  config: Config,
  found: {
    readonly files: TunnelFiles;
    /** What socat has to find in the joiner's certificate; undefined where names are not checked. */
    readonly pin: string | undefined;
    readonly tools: Tools;
    readonly secret: string | undefined;
    /** TCP's congestion control, where it is to be neither the system's nor what `sockopt` sets. */
    readonly congestion?: string | undefined;
  },
): TunnelClient {
  return {
    connect: connectAddress(config.address, found.pin, config.tls, found.files, found.congestion),
    opensslConf: found.files.opensslConf,
    sockopt: config.tls.sockopt,
    secret: found.secret,
    timeoutSeconds: Math.ceil(config.idleTimeoutMs / 1000),
    // What a kernel encrypts wrong TLS does not notice, see docs/precopy.md.
    withoutChecksums: takesNoChecksums(found.tools.rsync) && !config.ktls,
  };
}

/** Whether an rsync knows `--checksum-choice=none`. */
export function takesNoChecksums(version: string): boolean {
  return isAtLeast(version, '3.2.0');
}
