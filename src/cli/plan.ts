import { stringify } from 'ini';
import { describeFailure, TransferError } from '../errors.js';
import type { Config } from '../config/config.js';
import { placeOf, type Sourced } from '../config/source.js';
import { parseArguments } from '../sst-script/arguments.js';
import { loadConfig } from '../sst-script/load.js';
import { previewTransfer } from '../transfers/preview.js';

/**
 * `galera-sst-tunnel plan joiner|donor …`: prints what a transfer with these options would run and what its own checks
 * find, and runs nothing. Exit status: 0, or that of the failure a transfer would end with.
 */
export async function runPlan(
  role: string,
  serverOptions: readonly string[],
  print: (text: string) => void,
): Promise<number> {
  try {
    const args = parseArguments(['--role', role, ...serverOptions]);
    const { config, warnings } = await loadConfig(args, process.env, process.cwd());
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const { sections, findings } = await previewTransfer(config, { now: new Date(), owner });
    print(`# settings that count\n${stringify({ sst: settingsOf(config) }).trimEnd()}\n`);
    for (const { title, lines } of sections) print(`# ${title}\n${lines.join('\n')}\n`);
    const all = [...warnings, ...findings];
    for (const finding of all) print(`# ${finding.severity}: ${finding.code}: ${describeFailure(finding)}`);
    const error = all.find((finding) => finding.severity === 'error');
    return error === undefined ? 0 : new TransferError(error.code, error.message).exitStatus;
  } catch (thrown) {
    if (!(thrown instanceof TransferError)) throw thrown;
    process.stderr.write(`galera-sst-tunnel: ${thrown.code}: ${describeFailure(thrown)}\n`);
    return thrown.exitStatus;
  }
}

/** The effective settings in the form of an option file; where each came from stands in its name's comment. */
function settingsOf({ tls, streams, maxBinlogs, tmpDir }: Config): Record<string, string> {
  const shown = (setting: Sourced<string>): string => `${setting.value} (${placeOf(setting.source)})`;
  return {
    'ssl-mode': tls.mode,
    tcert: shown(tls.cert),
    ...(tls.key === undefined ? {} : { tkey: shown(tls.key) }),
    ...(tls.caFile === undefined ? {} : { tca: shown(tls.caFile) }),
    ...(tls.caPath === undefined ? {} : { tcap: shown(tls.caPath) }),
    ...(tls.sockopt.source === undefined ? {} : { sockopt: shown(tls.sockopt.source) }),
    ...(tmpDir === undefined ? {} : { tmpdir: shown(tmpDir) }),
    'backup-threads': String(streams),
    'sst-max-binlogs': String(maxBinlogs),
  };
}
