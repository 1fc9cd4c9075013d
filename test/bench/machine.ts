import { cpus, loadavg, release, totalmem } from 'node:os';
import { run } from '../lab/commands.js';

/** What the numbers depend on; a load average above zero before the first run says that others were at work. */
export function describeMachine(): Record<string, string | number> {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryMiB: Math.round(totalmem() / 1024 / 1024),
    kernel: release(),
    loadAverage: loadavg()[0] ?? 0,
  };
}

const commands: Record<string, readonly string[]> = {
  mariadb: ['mariadbd', '--no-defaults', '--version'],
  rsync: ['rsync', '--version'],
  socat: ['sh', '-c', 'socat -V | grep version'],
  stunnel: ['sh', '-c', 'stunnel -version 2>&1'],
  openssl: ['openssl', 'version'],
  mariabackup: ['sh', '-c', 'mariabackup --version 2>&1'],
};

/** The first line with which each program names its version; 'missing' where it does not. */
export async function readVersions(): Promise<Record<string, string>> {
  const versions: Record<string, string> = { node: process.version };
  for (const [name, argv] of Object.entries(commands)) {
    const text = await run(argv).catch(() => 'missing');
    versions[name] = text.split('\n')[0]?.trim() ?? '';
  }
  return versions;
}
