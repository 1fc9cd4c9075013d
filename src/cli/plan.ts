import { asTransferError, describeFailure, TransferError, type Finding } from '../errors.js';
import { configIn } from '../config/absolute.js';
import { resolveConfig } from '../config/config.js';
import { describeSettings } from '../config/describe.js';
import { parseArguments, splitArguments, unknownArguments } from '../sst-script/arguments.js';
import { loadSettings } from '../sst-script/load.js';
import { currentTime, environment, ownUser } from '../surroundings.js';
import { previewTransfer } from '../transfers/preview.js';

const argumentHint = 'see galera-sst-tunnel plan --help';

/**
 * `galera-sst-tunnel plan joiner|donor …`: prints what a transfer with these options would run and what its own checks
 * find, and runs nothing. Options that nobody reads are warned about on stderr: a later server may pass them. Exit status: 0, or that of the failure a transfer would end with.
 */
export async function runPlan(
  role: string,
  serverOptions: readonly string[],
  print: (text: string) => void,
): Promise<number> {
  try {
    const words = ['--role', role, ...serverOptions];
    for (const { name, meant } of unknownArguments(splitArguments(words, argumentHint).own)) {
      const guess = meant === undefined ? '' : `; was --${meant} meant?`;
      process.stderr.write(`galera-sst-tunnel: warning: --${name} is not read${guess}\n`);
    }
    const args = parseArguments(words, argumentHint);
    const { settings, warnings } = await loadSettings(args, environment, process.cwd());
    for (const warning of warnings) print(showFinding(warning));
    const config = configIn(process.cwd(), resolveConfig(args, settings));
    const owner = ownUser();
    const prospect = { now: currentTime(), owner, bypass: args.bypass };
    const { sections, findings } = await previewTransfer(config, prospect);
    print(`# settings that count\n[sst]\n${describeSettings(config).join('\n')}\n`);
    for (const { title, lines } of sections) print(`# ${title}\n${lines.join('\n')}\n`);
    for (const finding of findings) print(showFinding(finding));
    const error = findings.find((finding) => finding.severity === 'error');
    return error === undefined ? 0 : new TransferError(error.code, error.message).exitStatus;
  } catch (thrown) {
    const error = asTransferError(thrown);
    process.stderr.write(`galera-sst-tunnel: ${error.code}: ${describeFailure(error)}\n`);
    return error.exitStatus;
  }
}

function showFinding(finding: Finding): string {
  return `# ${finding.severity}: ${finding.code}: ${describeFailure(finding)}`;
}
