import t from 'tap';
import { explainUsage, noCommand, unknownCommand } from '../../src/cli/usage-error.js';

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
const top = `${all}
Commands:
  galera-sst-tunnel plan <role>  print
  galera-sst-tunnel check        check
  galera-sst-tunnel sst          do a transfer
  galera-sst-tunnel certs        make
  galera-sst-tunnel status       show
  galera-sst-tunnel history      list
  galera-sst-tunnel show <id>    show
  galera-sst-tunnel abort [id]   end

Examples:
  galera-sst-tunnel rehearse  a real one
`;
const certs = `galera-sst-tunnel certs

Commands:
  galera-sst-tunnel certs init-ca       create a CA
  galera-sst-tunnel certs issue <node>  issue
  galera-sst-tunnel certs crl           write
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
    ['Unknown argument: verison', issue, `Unknown argument: verison. Did you mean --version?\n${issueHelp}`],
    ['Unknown argument: node2', issue, `Unknown argument: node2\n${issueHelp}`],
  ] as const;
  for (const [message, help, explained] of cases) t.equal(explainUsage(message, help), explained, message);
});

t.test('a word that is no command is explained by the one that does it, or by none', async (t) => {
  const meant = {
    ...{ doctor: 'check', diagnose: 'check', verify: 'check', test: 'check', install: 'check' },
    ...{ logs: 'history', log: 'history', ping: 'status', stop: 'abort', kill: 'abort', cancel: 'abort' },
    ...{ 'init-ca': 'certs init-ca', certificates: 'certs', limit: 'throttle', version: '--version' },
    ...{ restore: 'backup', restart: 'agent', reload: 'agent', resume: 'status', fix: 'check' },
    ...{ join: 'plan joiner', joiner: 'plan joiner', donor: 'plan donor', config: 'plan' },
    ...{ progress: 'status --watch', metrics: 'agent --metrics-listen' },
    ...{ dcotor: 'check', verfy: 'check', STATUS: 'status', Logs: 'history' },
    ...{ chek: 'check', stats: 'status', stat: 'status', histroy: 'history', cert: 'certs' },
    ...{
      rehears: undefined,
      nonsense: undefined,
      xyz: undefined,
      constructor: undefined,
    },
  };
  for (const [word, command] of Object.entries(meant)) {
    const suggested = command === undefined ? '' : `. Did you mean ${command}?`;
    t.equal(
      explainUsage(`Unknown argument: ${word}`, top, [word]),
      `Unknown command: ${word}${suggested}\nsee galera-sst-tunnel --help\n`,
    );
  }
  for (const [word, suggested] of [
    ['isue', '. Did you mean certs issue?'],
    ['create', '. Did you mean certs issue?'],
    ['creat', '. Did you mean certs issue?'],
    ['check', '. Did you mean certs show?'],
    ['delete', '. Did you mean certs revoke?'],
    ['remove', '. Did you mean certs revoke?'],
    ['export', '. Did you mean certs bundle?'],
    ['doctor', ''],
    ['cat', ''],
    ['5', ''],
  ] as const)
    t.equal(
      explainUsage(`Unknown arguments: ${word}, node1`, certs, ['certs', word, 'node1']),
      `Unknown command: certs ${word}${suggested}\nsee galera-sst-tunnel certs --help\n`,
    );
});

t.test('help is asked for about a word that is no command', async (t) => {
  t.equal(unknownCommand(top, ['doctor']), 'doctor');
  t.equal(unknownCommand(certs, ['certs', 'renwe', 'node1']), 'renwe');
  for (const words of [[], ['check'], ['--socket', 'x']]) t.equal(unknownCommand(top, words), undefined);
  t.equal(unknownCommand(certs, ['certs']), undefined);
  t.equal(unknownCommand(bundle, ['certs', 'bundle', 'all.crt']), undefined, 'it has no commands');
});

t.test('an option before any command, and a value that is none of those that there are', async (t) => {
  const help = `${all}  --version  Show version number  [boolean]\n`;
  t.equal(
    explainUsage(noCommand, help, ['--verison']),
    'Unknown argument: verison. Did you mean --version?\nsee galera-sst-tunnel --help\n',
  );
  t.equal(explainUsage(noCommand, help, []), `${noCommand}\nsee galera-sst-tunnel --help\n`);
  const message = 'Invalid values:\n  Argument: role, Given: "joner", Choices: "joiner", "donor"';
  t.equal(
    explainUsage(message, 'galera-sst-tunnel plan joiner|donor --address ADDRESS\n', ['plan', 'joner']),
    'role: expected joiner or donor, got "joner". Did you mean joiner?\nsee galera-sst-tunnel plan --help\n',
  );
});
