import { join } from 'node:path';
import { readWords } from './proc.js';

/** What the kernel tells of TCP's congestion control, in the network of this process. */
export interface CongestionControl {
  /** What connections have by default; empty where it is not told. */
  readonly usual: string;
  /** What a process without privileges may choose for a connection. */
  readonly allowed: readonly string[];
}

/** @param proc where the kernel tells about itself */
export function congestionControl(proc = '/proc'): CongestionControl {
  const words = (name: string): string[] => readWords(join(proc, 'sys/net/ipv4', name));
  return {
    usual: words('tcp_congestion_control')[0] ?? '',
    allowed: words('tcp_allowed_congestion_control'),
  };
}
