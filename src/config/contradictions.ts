import type { Finding } from '../errors.js';
import { normalizeName } from '../option-files/select.js';
import { defaultPort, parseAddress } from './address.js';
import { contradiction, given, show } from './conflict.js';
import { receiveAddress } from './receive-address.js';
import { find, type Scope, type Settings } from './settings.js';
import { placeOf, type Sourced } from './source.js';
import type { SstOption } from './sst-options.js';
import { aboutCiphers, aboutVerification, aboutVersions, socketOptions } from './tls-contradictions.js';

/**
 * A warning for each pair of settings of which one defeats the other: both were meant, and only one counts. What cannot be read
 * contradicts nothing; it is an error elsewhere.
 */
export function findContradictions(settings: Settings): readonly Finding[] {
  const rules = [
    saidTwice,
    aboutVerification,
    aboutVersions,
    aboutCiphers,
    aboutFamily,
    aboutFiles,
    aboutPorts,
    aboutLimits,
  ];
  return rules.flatMap((rule) => {
    try {
      return rule(settings);
    } catch {
      return [];
    }
  });
}

const sst: readonly Scope[] = ['[sst]'];
const server = ['server arguments', '[mysqld]'] as const;

/** Across files and groups a later one is meant to win; in one group of one file nobody writes an option twice on purpose. */
function saidTwice({ sst: entries }: Settings): readonly Finding[] {
  return entries.flatMap((entry, index): Finding[] => {
    const again = entries
      .slice(index + 1)
      .find(
        ({ file, group, name }) =>
          file === entry.file && group === entry.group && normalizeName(name) === normalizeName(entry.name),
      );
    if (again === undefined || (again.value ?? '') === (entry.value ?? '')) return [];
    return [
      {
        severity: 'warning',
        code: 'OPTION_CONFLICT',
        message: `[${entry.group}] has ${entry.name} twice, as ${entry.value ?? ''} and as ${again.value ?? ''} (${again.file}:${again.line}): the last one counts`,
        option: entry.name,
        where: `${entry.file}:${entry.line}`,
        hint: 'remove the line that is not meant; my_print_defaults sst mysqld shows what then counts',
      },
    ];
  });
}

function aboutFamily(settings: Settings): readonly Finding[] {
  const { family, source } = socketOptions(settings);
  if (family === undefined || source === undefined) return [];
  const { family: needed, host } = parseAddress(receiveAddress(settings).value, 'the address');
  if (needed === 'name' || needed === `ip${family}`) return [];
  const setting = addressSettings(settings).find(({ value }) => value.includes(host));
  if (setting === undefined) return [];
  return [
    contradiction(
      source,
      setting,
      'a joiner cannot listen there',
      `remove pf= from sockopt, or name an IPv${family} address`,
    ),
  ];
}

function addressSettings(settings: Settings): readonly Sourced<string>[] {
  return ['wsrep-sst-receive-address', 'wsrep-node-address', 'bind-address'].flatMap(
    (name) => find(settings, name, server) ?? [],
  );
}

/** From the names that count most to those that count least. */
const families: readonly (readonly [SstOption, SstOption | undefined])[] = [
  ['tcert', 'tkey'],
  ['ssl-server-cert', 'ssl-server-key'],
  ['ssl-client-cert', 'ssl-client-key'],
  ['ssl-cert', 'ssl-key'],
];

function aboutFiles(settings: Settings): readonly Finding[] {
  const lonely = families.flatMap(([cert, key]): Finding[] => {
    const setting = key === undefined ? undefined : given(settings, key, sst);
    if (setting === undefined || given(settings, cert, sst) !== undefined) return [];
    return [
      {
        severity: 'warning',
        code: 'OPTION_CONFLICT',
        message: `${show(setting)} is the key of a certificate that ${cert} does not name: it has no effect`,
        option: setting.source.name,
        where: placeOf(setting.source),
        hint: `set ${cert} as well, or remove ${setting.source.name}; my_print_defaults sst mysqld shows what is set`,
      },
    ];
  });
  const hidden = (
    [
      ['tcert', 'ssl-cert'],
      ['tca', 'ssl-ca'],
      ['tcap', 'ssl-capath'],
    ] as const
  ).flatMap(([first, second]): Finding[] => {
    const [winner, loser] = [given(settings, first, sst), given(settings, second, sst)];
    if (winner === undefined || loser === undefined || winner.value === loser.value) return [];
    return [
      contradiction(
        loser,
        winner,
        `${first} counts for transfers`,
        `remove one of both, or let both name the same file`,
      ),
    ];
  });
  return [...lonely, ...hidden];
}

function aboutPorts(settings: Settings): readonly Finding[] {
  const setting = find(settings, 'wsrep-sst-receive-address', server);
  if (setting === undefined || setting.value.trim() === '') return [];
  const { port } = parseAddress(receiveAddress(settings).value, 'the address');
  if (port === defaultPort) return [];
  const own = find(settings, 'port', server);
  const clients = own ?? { value: '3306', source: { kind: 'default', name: 'port' } as const };
  if (String(port) === clients.value)
    return [
      contradiction(
        setting,
        clients,
        'the server itself listens on that port',
        'leave the port out: it is 4444 then',
      ),
    ];
  const provider = find(settings, 'wsrep-provider-options', server);
  const base = Number(/(?:^|;)\s*base_port\s*=\s*(\d+)/.exec(provider?.value ?? '')?.[1] ?? 4567);
  if (port !== base && port !== base + 1) return [];
  const galera = {
    value: String(base),
    source: provider?.source ?? ({ kind: 'default', name: 'base_port' } as const),
  };
  return [
    contradiction(
      setting,
      { ...galera, source: { ...galera.source, name: 'base_port' } },
      `Galera itself uses the ports ${base} and ${base + 1}`,
      'leave the port out: it is 4444 then',
    ),
  ];
}

function aboutLimits(settings: Settings): readonly Finding[] {
  const seconds = (setting: Sourced<string> | undefined): number => Number(setting?.value ?? 0);
  const scopes: readonly Scope[] = ['[sst]', '[mysqld]'];
  const overall = given(settings, 'sst-overall-timeout', scopes);
  if (overall === undefined || !(seconds(overall) > 0)) return [];
  return (['sst-initial-timeout', 'sst-idle-timeout', 'sst-connect-timeout'] as const).flatMap((name) => {
    const setting = given(settings, name, scopes);
    if (setting === undefined || seconds(setting) <= seconds(overall)) return [];
    return [
      contradiction(
        setting,
        overall,
        'the whole transfer ends before that limit',
        'sst-overall-timeout is for all of a transfer: raise it, or set it to 0',
      ),
    ];
  });
}
