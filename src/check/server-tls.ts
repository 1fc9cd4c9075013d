import { resolve } from 'node:path';
import type { GivenServer } from '../agent/servers.js';
import { checkChain } from '../certificates/check-chain.js';
import { checkDates, checkNames, checkUsage, listNames } from '../certificates/checks.js';
import { loadIdentity } from '../certificates/identity.js';
import { objectionFinding } from '../certificates/objection.js';
import { askOpenSsl, tryFiles } from '../certificates/openssl-verdict.js';
import { checkRevocation, loadRevocation } from '../certificates/revocation.js';
import { isCipherKnown } from '../certificates/secure-limits.js';
import { loadTrust } from '../certificates/trust.js';
import { receiveAddress } from '../config/receive-address.js';
import { parseAddress } from '../config/address.js';
import { refuseClearTextCiphers } from '../config/cipher-list.js';
import { find, type Settings } from '../config/settings.js';
import { placeOf, type Sourced } from '../config/source.js';
import { TransferError, type Finding } from '../errors.js';
import { readOptionFiles } from '../option-files/read.js';
import { groupSuffixOf, lookup, selectGroups } from '../option-files/select.js';
import { section, type Section } from './report.js';

/** The files of one side of the server's own TLS. */
export interface OwnTls {
  readonly ca?: Sourced<string> | undefined;
  readonly caPath?: Sourced<string> | undefined;
  readonly cert?: Sourced<string> | undefined;
  readonly key?: Sourced<string> | undefined;
  readonly crlFile?: Sourced<string> | undefined;
  readonly crlPath?: Sourced<string> | undefined;
  readonly versions?: Sourced<string> | undefined;
  readonly ciphers?: Sourced<string> | undefined;
}

/** The server's own TLS, for clients and replicas: usually the same files as the tunnel's. */
export async function checkServerTls(
  given: GivenServer,
  settings: Settings,
  now: Date,
): Promise<readonly Section[]> {
  const server = serverTls(given, settings);
  const client = clientTls(given);
  const host = addressOf(settings);
  return [
    await check("server's TLS", server, 'server', 'no ssl_cert in [mysqld]', now, host),
    await check("clients' TLS", client, 'client', 'no ssl_… in [client]', now, undefined),
  ];
}

/** What `[mysqld]` has; the server goes to its data directory before it reads the files. */
export function serverTls({ directory }: GivenServer, settings: Settings): OwnTls {
  const scopes = ['server arguments', '[mysqld]'] as const;
  const dataDir = find(settings, 'datadir', ['direct', ...scopes])?.value ?? '';
  const home = resolve(directory, dataDir);
  return ownTls((name) => {
    const setting = find(settings, name, scopes);
    if (setting === undefined || setting.value === '' || !files.has(name)) return setting;
    return { ...setting, value: resolve(home, setting.value) };
  });
}

const files = new Set(['ssl-ca', 'ssl-capath', 'ssl-cert', 'ssl-key', 'ssl-crl', 'ssl-crlpath']);

/** What `[client]` has: clients on this host, and the tools of administrators. */
export function clientTls({ argv, env, directory }: GivenServer): OwnTls {
  const after = (name: string): string | undefined => {
    const at = argv.indexOf(`--${name}`);
    const joined = argv.find((word) => word.startsWith(`--${name}=`));
    return joined?.slice(name.length + 3) ?? (at === -1 ? undefined : argv[at + 1]);
  };
  try {
    const { entries } = readOptionFiles({
      defaultsFile: after('defaults-file'),
      defaultsExtraFile: after('defaults-extra-file'),
      noDefaults: false,
      env,
      directory,
    });
    const suffix = after('defaults-group-suffix') ?? groupSuffixOf(env) ?? '';
    const client = selectGroups(entries, ['client', 'client-server', 'client-mariadb'], suffix);
    return ownTls((name) => {
      const entry = lookup(client, name);
      if (entry?.value === undefined) return undefined;
      const { file, line, group, name: written } = entry;
      return { value: entry.value, source: { kind: 'file', file, line, group, name: written } };
    });
  } catch {
    // The section on options says why.
    return {};
  }
}

/** `[mysqld]`'s or `[client]`'s options by name. */
function ownTls(findOne: (name: string) => Sourced<string> | undefined): OwnTls {
  const given = (name: string): Sourced<string> | undefined => {
    const setting = findOne(name);
    return setting?.value === '' ? undefined : setting;
  };
  return {
    ca: given('ssl-ca'),
    caPath: given('ssl-capath'),
    cert: given('ssl-cert'),
    key: given('ssl-key'),
    crlFile: given('ssl-crl'),
    crlPath: given('ssl-crlpath'),
    versions: given('tls-version'),
    ciphers: given('ssl-cipher'),
  };
}

function addressOf(settings: Settings): string | undefined {
  try {
    return parseAddress(receiveAddress(settings).value, 'the address').host;
  } catch {
    return undefined;
  }
}

async function check(
  name: "server's TLS" | "clients' TLS",
  own: OwnTls,
  as: 'server' | 'client',
  without: string,
  now: Date,
  host: string | undefined,
): Promise<Section> {
  const { cert, key, ca, caPath } = own;
  const limits = { ciphers: own.ciphers };
  const findings: Finding[] = [...checkVersions(own), ...checkCiphers(own)];
  const facts: string[] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      const { code, message, option, where, hint } = error;
      findings.push({ severity: 'error', code, message, option, where, hint });
      return undefined;
    }
  };
  const trust =
    ca === undefined && caPath === undefined ? undefined : attempt(() => loadTrust({ caFile: ca, caPath }));
  const revocation = attempt(() => loadRevocation(own));
  if (trust !== undefined) facts.push(...trust.certificates.map(({ subject }) => `trusts ${subject}`));
  if (cert === undefined && key === undefined) return section(name, [without, ...facts], findings);
  const leafSetting = cert ?? key;
  if (leafSetting === undefined) return section(name, facts, findings);
  const identity = attempt(() => loadIdentity({ cert: leafSetting, key }));
  if (identity !== undefined) {
    const { leaf, chain } = identity;
    const { source } = leafSetting;
    const trustName = ca?.source.name ?? caPath?.source.name ?? 'ssl_ca';
    const blame = {
      who: as === 'server' ? "the server's certificate" : "the clients' certificate",
      option: source.name,
      where: placeOf(source),
      trustName,
      chainName: `the file that ${source.name} names`,
    };
    facts.unshift(`shows ${leaf.subject}`);
    const ofCertificate = [
      ...checkDates(leaf, now, blame),
      ...(trust === undefined ? [] : checkChain(leaf, chain, trust, now, blame)),
      ...(trust === undefined ? [] : checkRevocation(leaf, chain, trust, revocation, now, blame)),
      ...checkUsage(leaf, as, blame),
    ];
    const isRefused = ofCertificate.some(({ severity }) => severity === 'error');
    // What was found already is told more precisely.
    const objection = isRefused
      ? undefined
      : trust === undefined
        ? tryFiles(identity, limits)
        : await askOpenSsl(identity, trust, as, limits, limits);
    findings.push(
      ...identity.findings,
      ...ofCertificate,
      ...(objection === undefined ? [] : [objectionFinding(objection, leaf, blame)]),
      ...(as === 'server' && host !== undefined
        ? checkNames(leaf, [{ address: host, what: "this node's address", severity: 'warning' }], blame).map(
            (finding) => ({
              ...finding,
              hint: `clients that verify, and replicas with MASTER_SSL_VERIFY_SERVER_CERT=1, have to name this server by one of: ${listNames(leaf)}; one with other names makes galera-sst-tunnel certs issue NODE --san NAME`,
            }),
          )
        : []),
    );
  }
  return section(name, facts, findings);
}

function checkVersions({ versions }: OwnTls): readonly Finding[] {
  const names = versions?.value.split(',').map((name) => name.trim()) ?? [];
  if (versions === undefined) return [];
  const place = { option: versions.source.name, where: placeOf(versions.source) };
  const hint = 'name TLSv1.2 and TLSv1.3 only; my_print_defaults mysqld shows what is set';
  const unknown = names.find((name) => !/^TLSv1\.[0-3]$/i.test(name));
  if (unknown !== undefined) {
    const message = `${versions.source.name} has ${JSON.stringify(unknown)}, which is no version of TLS`;
    return [{ severity: 'error', code: 'OPTION_INVALID', message, ...place, hint }];
  }
  const old = names.filter((name) => /^TLSv1\.[01]$/i.test(name));
  if (old.length === 0) return [];
  const message = `${versions.source.name} allows ${old.join(' and ')}, which are broken`;
  return [{ severity: 'warning', code: 'OPTION_INVALID', message, ...place, hint }];
}

/** The server does not start with a list in which OpenSSL knows nothing, and skips what it does not know in others. */
function checkCiphers({ ciphers }: OwnTls): readonly Finding[] {
  if (ciphers === undefined) return [];
  const place = { option: ciphers.source.name, where: placeOf(ciphers.source) };
  try {
    refuseClearTextCiphers(ciphers.value, place);
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    const { code, message, hint } = error;
    return [{ severity: 'warning', code, message, ...place, hint }];
  }
  const unknown = ciphers.value.split(':').filter((name) => name !== '' && !isCipherKnown(name));
  if (unknown.length === 0) return [];
  const isAll = unknown.length === ciphers.value.split(':').length;
  const message = `${ciphers.source.name} has ${unknown.join(', ')}, which OpenSSL here does not know`;
  const hint = 'openssl ciphers lists the names; the server skips what it does not know';
  return [{ severity: isAll ? 'error' : 'warning', code: 'OPTION_INVALID', message, ...place, hint }];
}
