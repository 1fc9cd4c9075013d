import { splitCiphers, type TlsLimits, type TlsVersion } from './tls-limits.js';
import { socketOptionName, unquoted, type TlsSettings } from './tls.js';

/**
 * What narrows the tunnel's TLS down: `tls_version` and `ssl_cipher`, and what `sockopt` has in their place, which socat is given
 * instead. A handshake with other limits proves nothing of the tunnel's.
 */
export function tunnelLimits(tls: TlsSettings): Pick<TlsLimits, 'versions' | 'ciphers'> {
  const { source } = tls.sockopt;
  if (source === undefined) return tls;
  const given = (name: string): string | undefined => {
    const option = tls.sockopt.options.find((one) => socketOptionName(one) === name && one.includes('='));
    return option === undefined ? undefined : unquoted(option.slice(option.indexOf('=') + 1));
  };
  const only = versionOf(given('method'));
  const min = versionOf(given('min-proto-version')) ?? only;
  const max = versionOf(given('max-proto-version')) ?? only;
  const cipher = given('cipher');
  const { tls13 } = splitCiphers(tls.ciphers?.value ?? '');
  const usual = tls.versions?.value ?? { min: 'TLSv1.2', max: 'TLSv1.3' };
  return {
    versions:
      min === undefined && max === undefined
        ? tls.versions
        : { value: { min: min ?? usual.min, max: max ?? usual.max }, source: source.source },
    ciphers:
      cipher === undefined || cipher === ''
        ? tls.ciphers
        : // socat has no option for the ciphers of TLS 1.3.
          { value: tls13 === '' ? cipher : `${tls13}:${cipher}`, source: source.source },
  };
}

/** As socat spells it: `TLS1.3`. */
function versionOf(text: string | undefined): TlsVersion | undefined {
  const minor = /^TLSv?1\.([23])$/i.exec(text ?? '')?.[1];
  return minor === undefined ? undefined : minor === '2' ? 'TLSv1.2' : 'TLSv1.3';
}
