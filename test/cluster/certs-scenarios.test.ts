import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Lab, type LabNode, type NodeOptions } from '../lab/index.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

t.setTimeout(300_000);

const program = fileURLToPath(new URL('../../../dist/bin/galera-sst-tunnel.js', import.meta.url));

interface Scenario {
  name: string;
  /** The commands, in their order; `DIR` is where the nodes have their files. */
  commands: (nodes: readonly LabNode[]) => readonly (readonly string[])[];
  /** The address of a node: bind_address and wsrep_node_address. */
  address: (node: LabNode) => string;
}

const named = ({ host }: LabNode): string => host;
const numbered = ({ ipv4 }: LabNode): string => ipv4;

/** The three of the original script's guide. */
const scenarios: readonly Scenario[] = [
  {
    name: 'self-signed certificates and one CA file that holds all of them',
    commands: (nodes) => [
      ...nodes.map(({ host }) => ['self-signed', host, '--dir', 'DIR']),
      ['bundle', 'DIR/all.crt', ...nodes.map(({ host }) => `DIR/${host}.crt`)],
    ],
    address: named,
  },
  {
    name: 'a CA, with key and certificate in files of their own',
    commands: (nodes) => [
      ['init-ca', '--dir', 'DIR/ca'],
      ...nodes.map(({ host }) => ['issue', host, '--dir', 'DIR', '--ca-dir', 'DIR/ca']),
    ],
    address: named,
  },
  {
    name: 'an IP address as bind_address',
    commands: (nodes) => [
      ['init-ca', '--dir', 'DIR', '--key-type', 'ec'],
      ...nodes.map(({ ipv4 }) => ['issue', ipv4, '--dir', 'DIR', '--key-type', 'ec']),
    ],
    address: numbered,
  },
];

t.test('with the commands of certs alone, and the lines that they print', async (t) => {
  const lab = await Lab.create({ nodes: 2 });
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];

  for (const [index, { name, commands, address }] of scenarios.entries()) {
    await t.test(name, async (t) => {
      for (const node of [joiner, donor]) await node.stop();
      const dir = lab.directory(`certificates-${index}`);
      const printed = new Map<string, string>();
      for (const words of commands(lab.nodes)) {
        const argv = words.map((word) => word.replace(/^DIR/, dir));
        printed.set(words[1] ?? '', await donor.exec([process.execPath, program, 'certs', ...argv]));
      }
      const optionsOf = (node: LabNode): NodeOptions => {
        const lines = (printed.get(address(node)) ?? '').split('\n');
        const pasted = lines.slice(lines.indexOf('[sst]')).filter((line) => !/^CHANGE MASTER/.test(line));
        const mysqld = { bind_address: address(node), wsrep_node_address: address(node) };
        return tunnelOptions(node, {}, { optionText: pasted.join('\n'), groups: { mysqld } });
      };
      await boot(donor, { ...optionsOf(donor), data: 'template' });
      await donor.sql('CREATE DATABASE shop; CREATE TABLE shop.orders AS SELECT 1 AS id;');
      const { donor: log } = await joins(t, { donor, joiner, start: optionsOf(joiner) });
      t.match(log, `the joiner at ${address(joiner)}:4444 shows "CN=${address(joiner)}"`);
      for (const user of ['root', 'mysql'] as const) {
        const client = ['mariadb', `--defaults-file=${donor.optionFile}`, `--socket=${donor.socket}`];
        t.match(
          await donor.exec([...client, '-e', 'STATUS'], { user }),
          /SSL:\s+Cipher in use is TLS/,
          `the lines for [client] let ${user} in by the socket`,
        );
      }
      for (const node of lab.nodes) {
        const argv = node.wrap([
          process.execPath,
          program,
          'check',
          `--defaults-file=${node.optionFile}`,
          '--json',
        ]);
        const { stdout } = spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8', env: node.environment() });
        const { sections } = JSON.parse(stdout) as {
          sections: { name: string; status: string; facts: string[] }[];
        };
        t.strictSame(
          sections.filter(({ status }) => status !== 'ok'),
          [],
          `${node.name}: check finds nothing`,
        );
        const own = sections.find(({ name: section }) => section === "server's TLS");
        t.match(own?.facts, [`shows CN=${address(node)}`]);
      }
    });
  }
});
