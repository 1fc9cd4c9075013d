import { parseArgs } from 'node:util';
import { spawnSync } from 'node:child_process';
import {
  compareNodes,
  Lab,
  labCertificates,
  labNames,
  leftovers,
  purgeTemplates,
  seedEverything,
  type LabNode,
  type NodeOptions,
} from './index.js';

const usage = `usage: scripts/lab COMMAND
  up [--nodes 2] [--family 4|6] [--method rsync] [--root DIR] [--set mysqld.name=value]... [--path DIR]...
                        boots node 1, lets the others join; the cluster stays until 'down'
                        (--method rsync_tunnel: with a certificate for all nodes, unless --set sst.tcert=... names one)
  list                  names of the labs that exist
  status                each node's state, addresses, pid
  sql NODE STATEMENT    runs a statement, prints tab-separated rows
  log NODE              prints the server's error log, transfer script included
  stop|kill|start NODE  shuts down, kills, starts (start: [--bootstrap] [--empty])
  exec NODE COMMAND...  runs a command in the node's network
  seed NODE             fills in tables of every kind
  compare NODE NODE     compares the checksums of all tables
  down                  removes everything
  purge                 removes the template data directories that tests keep for one another
With several labs: --lab NAME.`;

/** Those that act on a lab that is there. */
const labCommands = ['status', 'sql', 'log', 'stop', 'kill', 'start', 'exec', 'seed', 'compare', 'down'];

const { values, positionals } = readWords();

function readWords() {
  try {
    return parseArgs({
      args: beforeCommandOf(process.argv.slice(2)).own,
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        nodes: { type: 'string', default: '2' },
        family: { type: 'string', default: '4' },
        method: { type: 'string', default: 'rsync' },
        root: { type: 'string' },
        lab: { type: 'string' },
        set: { type: 'string', multiple: true, default: [] },
        path: { type: 'string', multiple: true },
        bootstrap: { type: 'boolean', default: false },
        empty: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    console.error(`lab: ${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(22);
  }
}

/** Arguments after `exec NODE` belong to the command that is run. */
function beforeCommandOf(args: readonly string[]): { own: string[]; command: string[] } {
  const at = args.indexOf('exec');
  const end = at < 0 ? args.length : at + 2;
  return { own: args.slice(0, end), command: args.slice(end) };
}

async function up(): Promise<void> {
  const groups: Record<string, Record<string, string>> = {};
  for (const setting of values.set) {
    const [, group, name, value] = /^([^.]+)\.([^=]+)=(.*)$/s.exec(setting) ?? [];
    if (group === undefined) throw new Error(`--set takes group.name=value, got ${setting}`);
    (groups[group] ??= {})[name!] = value!;
  }
  const lab = await Lab.create({
    kept: true,
    ownTemplates: true,
    nodes: Number(values.nodes),
    family: values.family === '6' ? 6 : 4,
    ...(values.root === undefined ? {} : { root: values.root }),
    defaults: {
      groups,
      sstMethod: values.method,
      ...(values.path === undefined ? {} : { path: values.path }),
    },
  });
  // Until all nodes are there, an interrupt takes everything down again.
  const giveUp = (): void => {
    lab.destroy();
    process.exit(130);
  };
  process.on('SIGINT', giveUp).on('SIGTERM', giveUp);
  try {
    await lab.startAll(await certificatesFor(lab, groups));
  } catch (error) {
    lab.destroy();
    throw error;
  }
  await status(lab);
}

/** One certificate that names all nodes, where the method needs one and none is set. */
async function certificatesFor(
  lab: Lab,
  groups: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Promise<NodeOptions> {
  if (values.method !== 'rsync_tunnel' || groups['sst']?.['tcert'] !== undefined) return {};
  const names = lab.nodes.flatMap(({ host, ipv4, ipv6 }) => [
    host,
    ipv4,
    ...(ipv6 === undefined ? [] : [ipv6]),
  ]);
  const made = await labCertificates(lab.directory('certificates'), [{ name: 'nodes', names }]);
  return { certificates: made['nodes'] };
}

async function status(lab: Lab): Promise<void> {
  console.log(`${lab.name}  ${lab.root}  ${lab.mode}`);
  for (const node of lab.nodes) {
    const state = node.isRunning()
      ? ((await node.wsrepStatus('local_state_comment').catch(() => undefined)) ?? 'not answering')
      : 'not running';
    console.log([node.name, state, node.pid ?? '-', node.ipv4, node.ipv6 ?? '-', node.host].join('\t'));
  }
}

function nodeOf(lab: Lab, text: string | undefined): LabNode {
  return lab.node(Number(/\d+$/.exec(text ?? '')?.[0] ?? 0));
}

async function act(): Promise<void> {
  const [command, first, second] = positionals;
  if (command === undefined || command === 'help' || values.help) {
    console.log(usage);
    return;
  }
  if (command === 'up') return up();
  if (command === 'list') {
    console.log(labNames().join('\n'));
    return;
  }
  if (command === 'purge') {
    console.log(purgeTemplates().join('\n'));
    return;
  }
  if (!labCommands.includes(command)) {
    console.error(`lab: there is no command ${command}\n${usage}`);
    process.exitCode = 22;
    return;
  }
  const lab = Lab.attach(values.lab);
  switch (command) {
    case 'status':
      return status(lab);
    case 'sql':
      return void process.stdout.write(await nodeOf(lab, first).sql(second ?? ''));
    case 'log':
      return void process.stdout.write(nodeOf(lab, first).log.all());
    case 'stop':
      return nodeOf(lab, first).stop();
    case 'kill':
      return nodeOf(lab, first).kill();
    case 'start':
      await nodeOf(lab, first).start({ bootstrap: values.bootstrap, data: values.empty ? 'empty' : 'keep' });
      return nodeOf(lab, first).waitFor('Synced');
    case 'exec': {
      const node = nodeOf(lab, first);
      const [file, ...rest] = node.wrap(beforeCommandOf(process.argv.slice(2)).command);
      process.exitCode = spawnSync(file!, rest, { stdio: 'inherit', env: node.environment() }).status ?? 1;
      return;
    }
    case 'seed':
      return seedEverything(nodeOf(lab, first));
    case 'compare': {
      const differences = await compareNodes(nodeOf(lab, first), nodeOf(lab, second));
      console.log(differences.length === 0 ? 'same' : differences.join('\n'));
      process.exitCode = differences.length === 0 ? 0 : 1;
      return;
    }
    case 'down': {
      lab.destroy();
      const left = leftovers(lab.name, lab.root);
      if (left.length > 0) throw new Error(`left behind:\n${left.join('\n')}`);
      return;
    }
  }
}

try {
  await act();
} catch (error) {
  console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
