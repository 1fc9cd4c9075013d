import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { errorTable, type ErrorCode } from '../../src/errors.js';
import { Lab, type LabNode } from '../lab/index.js';
import { copyData, templateFor } from '../lab/template.js';
import { Authority } from './credentials.js';
import { boot, traces, tunnelOptions } from './tunnel.js';

t.setTimeout(300_000);

const day = 86_400_000;
const ago = (days: number): Date => new Date(Date.now() - days * day);

type Lines = Readonly<Record<string, string>>;

/** What a real server meets; `test/sst-script` has every other kind of bad input, with the script alone. */
interface BadInput {
  readonly title: string;
  /** `[sst]` of that node, laid over what is right. */
  readonly sst?: Lines;
  readonly prepare?: () => Promise<() => Promise<void>>;
  readonly code: ErrorCode;
  readonly says: RegExp;
  /** The option whose place is named. */
  readonly option?: string;
}

/** Each node reads `[sst]` from a file beside its option file: a script reads it anew for each transfer. */
const sstFile = (node: LabNode): string => join(node.directory, 'sst.cnf');

function configure(node: LabNode, lines: Lines): void {
  const given = Object.entries(lines).filter(([, value]) => value !== '');
  writeFileSync(sstFile(node), ['[sst]', ...given.map(([name, value]) => `${name}=${value}`), ''].join('\n'));
}

/** Every file with size and time; Galera's own, which come and go with a server, left out. */
function contentsOf({ dataDirectory }: LabNode): string[] {
  return readdirSync(dataDirectory, { recursive: true, encoding: 'utf8' })
    .filter((name) => !/^(galera\.cache|grastate\.dat|gvwstate\.dat)$/.test(name))
    .map((name) => {
      const { size, mtimeMs } = statSync(join(dataDirectory, name));
      return `${name} ${size} ${mtimeMs}`;
    })
    .sort();
}

function placeOf(node: LabNode, option: string): string {
  const at = readFileSync(sstFile(node), 'utf8')
    .split('\n')
    .findIndex((line) => line.startsWith(`${option}=`));
  return `(${option} at ${sstFile(node)}:${at + 1})`;
}

t.test('bad input is told in the log of a real server, and nothing is harmed', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  const strangers = await Authority.create(lab.directory('strangers'));
  const filesOf = ({ ca, cert, key }: { ca: string; cert: string; key: string }): Lines => ({
    ...{ tca: ca, tcert: cert, tkey: key },
  });
  const good = new Map([
    [donor, filesOf(await authority.certifyNode(donor))],
    [joiner, filesOf(await authority.certifyNode(joiner))],
  ]);
  const goodOf = (node: LabNode): Lines => good.get(node) ?? {};
  const optionsOf = (node: LabNode) => tunnelOptions(node, {}, { optionText: `!include ${sstFile(node)}\n` });
  for (const node of lab.nodes) configure(node, goodOf(node));
  await boot(donor, optionsOf(donor));
  await donor.sql('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT)');

  const certified = async (name: string, request: Parameters<Authority['certify']>[1]): Promise<Lines> => {
    const { cert, key } = await authority.certify(name, request);
    return { tcert: cert, tkey: key };
  };

  const joinerCases: readonly BadInput[] = [
    { title: 'no tcert', sst: { tcert: '' }, code: 'OPTION_MISSING', says: /tcert is not set/ },
    {
      title: 'an expired certificate',
      sst: await certified('expired', { commonName: joiner.host, notBefore: ago(9), notAfter: ago(2) }),
      code: 'CERTIFICATE_EXPIRED',
      says: /expired 2 days/,
      option: 'tcert',
    },
    {
      title: 'a certificate for another name',
      sst: await certified('elsewhere', { commonName: 'node9.my.cluster' }),
      code: 'CERTIFICATE_NAME_MISMATCH',
      says: /"node2\.my\.cluster" is not named by .*commonName "node9\.my\.cluster"/,
      option: 'tcert',
    },
    {
      title: 'a key of another certificate',
      sst: { tkey: goodOf(donor)['tkey'] ?? '' },
      code: 'KEY_MISMATCH',
      says: /node1\.key does not belong to the certificate in \S+node2\.crt/,
      option: 'tkey',
    },
    {
      title: 'a port that is busy',
      prepare: async () => {
        const listen = ['socat', '-d', '-d', 'TCP-LISTEN:4444,reuseaddr', 'STDOUT'];
        const other = joiner.spawn(listen, { stdio: ['ignore', 'ignore', 'pipe'] });
        let said = '';
        for await (const text of other.stderr!) if ((said += String(text)).includes('listening on')) break;
        other.stderr!.resume();
        return async () => {
          other.kill();
          await once(other, 'exit');
        };
      },
      code: 'PORT_BUSY',
      says: /port 4444 for node2\.my\.cluster is taken by a process of uid 0/,
    },
  ];
  const donorCases: readonly BadInput[] = [
    {
      title: 'a tca that does not hold the joiner’s CA',
      sst: filesOf(await strangers.certify('donor', { commonName: donor.host })),
      code: 'CERTIFICATE_UNTRUSTED',
      says: /the certificate of the joiner node2\.my\.cluster:4444/,
      option: 'tca',
    },
    {
      title: 'a sockopt that socat does not know',
      sst: { sockopt: 'no-such-option=1' },
      code: 'SOCKOPT_REJECTED',
      says: /unknown option "no-such-option"/,
      option: 'sockopt',
    },
    {
      title: 'a table with DATA DIRECTORY',
      prepare: async () => {
        const elsewhere = donor.makeDirectory('elsewhere');
        await donor.sql(`CREATE TABLE shop.away (id INT PRIMARY KEY) DATA DIRECTORY = '${elsewhere}'`);
        return () => donor.sql('DROP TABLE shop.away').then(() => undefined);
      },
      code: 'DATA_DIRECTORY_TABLES',
      says: /shop\.away/,
    },
  ];

  const arrange = async (node: LabNode, { sst = {}, prepare }: BadInput): Promise<() => Promise<void>> => {
    configure(node, { ...goodOf(node), ...sst });
    const undo = await prepare?.();
    return async () => {
      configure(node, goodOf(node));
      await undo?.();
    };
  };

  copyData(await templateFor(joiner.groups()['mysqld'] ?? {}), joiner.dataDirectory, {});
  for (const bad of joinerCases) {
    await t.test(`joiner: ${bad.title}`, async (t) => {
      const undo = await arrange(joiner, bad);
      const before = contentsOf(joiner);
      await joiner.start(optionsOf(joiner));
      await joiner.waitForExit();
      expectOneError(t, joiner, 'joiner', joiner.errorLog(), bad);
      t.match(joiner.errorLog(), /Failed to read 'ready <addr>'/, 'the server was not told that it is ready');
      t.same(contentsOf(joiner), before, 'the data directory is untouched');
      await undo();
      t.same(await traces([joiner]), []);
    });
  }
  for (const bad of donorCases) {
    await t.test(`donor: ${bad.title}`, async (t) => {
      const undo = await arrange(donor, bad);
      const logged = donor.errorLog().length;
      await joiner.start(optionsOf(joiner));
      await joiner.waitForExit();
      await donor.waitFor('Synced');
      await donor.sql('INSERT INTO shop.orders () VALUES ()', { timeoutMs: 5000 });
      const log = donor.errorLog().slice(logged);
      expectOneError(t, donor, 'donor', log, bad);
      t.notMatch(log, /waiting for lock|Tables flushed/i, 'the lock was not asked for');
      t.same(await traces([donor, joiner]), []);
      await undo();
    });
  }
});

function expectOneError(t: Test, node: LabNode, role: string, log: string, bad: BadInput): void {
  const errors = log.split('\n').filter((line) => line.startsWith('WSREP_SST: [ERROR]'));
  t.equal(errors.length, 1, 'one error line', { log });
  const [line = ''] = errors;
  t.ok(line.startsWith(`WSREP_SST: [ERROR] ${bad.code}: `), `the code is ${bad.code}`, { line });
  t.match(line, bad.says);
  t.match(line, / HINT: .+ \(\d{8} [\d:.]+\)$/);
  if (bad.option !== undefined)
    t.ok(line.includes(placeOf(node, bad.option)), 'the place is named', { line });
  const ended = new RegExp(`Process completed with error: \\S+ --role '${role}'.*: (\\d+)( \\(|:)`).exec(log);
  t.equal(ended?.[1], String(errorTable[bad.code].exit), 'the exit status, as the server saw it');
}
