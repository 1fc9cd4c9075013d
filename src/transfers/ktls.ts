import { ktlsSettings } from '../certificates/ktls-settings.js';
import type { Config } from '../config/config.js';
import { placeOf } from '../config/source.js';
import type { Finding } from '../errors.js';
import type { TunnelFiles } from '../plan/tunnel.js';
import { hasKernelTls } from '../processes/kernel-tls.js';
import { environment } from '../surroundings.js';

/** What has socat leave encryption to the kernel. */
export interface KernelTls {
  /** What socat's OpenSSL is to be set up with; undefined: as it is. */
  readonly settings: string | undefined;
  readonly findings: readonly Finding[];
}

/** What it is decided by, so that tests can give their own. */
export interface KtlsSurroundings {
  readonly openssl: string | undefined;
  readonly isOffered: () => boolean;
  readonly settings: () => string | undefined;
}

const here = (): KtlsSurroundings => ({
  openssl: environment['OPENSSL_CONF'],
  isOffered: hasKernelTls,
  settings: ktlsSettings,
});

/** What a tunnel is given with these settings: `write` keeps them in the transfer's private directory, and gives the path. */
export function withSettings(
  files: TunnelFiles,
  { settings }: KernelTls,
  write: (name: string, content: string) => string,
): TunnelFiles {
  return settings === undefined ? files : { ...files, opensslConf: write('openssl.cnf', settings) };
}

/** Whether a transfer's socats leave encryption to the kernel (`ktls=ON`), and if not, why; the copy is the same without it. */
export function planKernelTls(
  { ktls, sources }: Pick<Config, 'ktls' | 'sources'>,
  surroundings: KtlsSurroundings = here(),
): KernelTls {
  if (!ktls) return { settings: undefined, findings: [] };
  const without = (message: string, hint?: string): KernelTls => {
    const where = sources.ktls === undefined ? undefined : placeOf(sources.ktls);
    return {
      settings: undefined,
      findings: [{ severity: 'warning', code: 'KTLS_UNAVAILABLE', message, option: 'ktls', where, hint }],
    };
  };
  if (surroundings.openssl !== undefined)
    return without(
      `OPENSSL_CONF names ${JSON.stringify(surroundings.openssl)}, which is taken as it is: whether the kernel encrypts is up to that`,
      'set Options = KTLS there, in the section that system_default names, or take OPENSSL_CONF out of the environment of the server or agent (systemctl edit mariadb); without either remove ktls from [sst]',
    );
  if (!surroundings.isOffered()) return without('this kernel offers no TLS: socat encrypts by itself');
  const settings = surroundings.settings();
  return settings === undefined
    ? without(
        "the system's settings of OpenSSL (openssl version -d shows where they are) are not understood for certain: socat encrypts by itself",
        'name a file with Options = KTLS, in the section that system_default names, as OPENSSL_CONF in the environment of the server or agent (systemctl edit mariadb), or remove ktls from [sst]',
      )
    : { settings, findings: [] };
}
