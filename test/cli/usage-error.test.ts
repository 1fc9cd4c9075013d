import t from 'tap';
import { explainUsage } from '../../src/cli/usage-error.js';

const all = `galera-sst-tunnel COMMAND

Options:
  --help  Show help  [boolean]
`;
const issue = `galera-sst-tunnel certs issue <node>

Options:
  -h, --help      Show help  [boolean]
      --version   not at the usual place
  --key-type  RSA 3072 or EC P-256
  --dir       where the files are written
`;
const bundle = 'galera-sst-tunnel certs bundle <out> <files..>\n';
const issueHelp = 'see galera-sst-tunnel certs issue --help\n';

t.test('what is wrong with the words, and where to look', async (t) => {
  const cases = [
    ['name a command', all, 'name a command\nsee galera-sst-tunnel --help\n'],
    [
      'Not enough non-option arguments: got 0, need at least 1',
      issue,
      `certs issue: expected <node>\n${issueHelp}`,
    ],
    [
      'Not enough non-option arguments: got 1, need at least 2',
      bundle,
      'certs bundle: expected <files..>\nsee galera-sst-tunnel certs bundle --help\n',
    ],
    [
      'Unknown arguments: key-tipe, keyTipe',
      issue,
      `Unknown argument: key-tipe. Did you mean --key-type?\n${issueHelp}`,
    ],
    ['Unknown arguments: zzz, dri', issue, `Unknown arguments: zzz, dri\n${issueHelp}`],
    ['Unknown argument: dri', issue, `Unknown argument: dri. Did you mean --dir?\n${issueHelp}`],
    ['Unknown argument: node2', issue, `Unknown argument: node2\n${issueHelp}`],
  ] as const;
  for (const [message, help, explained] of cases) t.equal(explainUsage(message, help), explained, message);
});
