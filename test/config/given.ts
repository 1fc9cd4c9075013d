import { gatherSettings, type Settings } from '../../src/config/settings.js';
import type { ServerArguments } from '../../src/config/server-arguments.js';
import type { OptionEntry } from '../../src/option-files/entry.js';

/** Options as a test writes them: `{ tca: '/ca.crt' }`, undefined for one without `=`. */
export type Options = Readonly<Record<string, string | undefined>>;

/** What was given, by place. */
export interface Given {
  readonly direct?: Readonly<Record<string, string>>;
  readonly server?: readonly string[];
  readonly sst?: Options;
  readonly mysqld?: Options;
}

/** The entries of a group that stands in /etc/my.cnf, the first option in line 2 of `[sst]` or line 102 of `[mysqld]`. */
function entries(group: string, options: Options, firstLine: number): OptionEntry[] {
  return Object.entries(options).map(([name, value], index) => {
    return { group, name, value, file: '/etc/my.cnf', line: firstLine + index };
  });
}

/** What a server passes to a joiner. */
export function serverArguments(given: Given = {}): ServerArguments {
  return {
    role: 'joiner',
    address: 'node1.my.cluster',
    bypass: false,
    direct: new Map(Object.entries(given.direct ?? {})),
    serverArguments: given.server ?? [],
  };
}

/** Settings as they are gathered from all places. */
export function settingsOf(given: Given): Settings {
  return gatherSettings(
    serverArguments(given),
    entries('sst', given.sst ?? {}, 2),
    entries('mysqld', given.mysqld ?? {}, 102),
  );
}
