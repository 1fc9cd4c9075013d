import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { encryptionAtRest, Lab, checksums, compareNodes, type LabNode } from '../lab/index.js';
import { quote } from '../lab/checksums.js';
import { mergeGroups } from '../lab/option-file.js';
import { Authority } from '../cluster/credentials.js';
import { complaints, tunnelOptions } from '../cluster/tunnel.js';
import { damageFiles } from './damage.js';
import { drawRound, type Draw } from './draw.js';
import { loadManyFiles, loadSettings, loadTables, randomFrom, roundSettings, startLoad } from './load.js';

/** Two nodes of which one never stops writing. */
export interface Soak {
  /** See `loadManyFiles`. */
  readonly hasManyFiles: boolean;
  readonly lab: Lab;
  readonly donor: LabNode;
  readonly joiner: LabNode;
  /** Where the logs of rounds that have failed are kept. */
  readonly evidence: string;
  readonly start: (node: LabNode, sst: Record<string, string>) => Promise<Parameters<LabNode['start']>[0]>;
}

/** What one transfer under load has shown; `problems` is empty when all is well. */
export interface Round extends Draw {
  readonly seed: number;
  /** How many files an interrupted transfer has left that were not sent again; undefined where it has left no mark. */
  readonly held: number | undefined;
  readonly statements: number;
  /** How many failed with which error. */
  readonly errors: Readonly<Record<string, number>>;
  readonly passes: number;
  readonly lockSeconds: number;
  readonly changedUnderLock: boolean;
  /** The joiner has looked at most files before the donor's last word only. */
  readonly comparedEarly: boolean;
  readonly tables: number;
  /** How often Galera left the joiner without its first step, so that no transfer was asked for, and it was started anew. */
  readonly unasked: number;
  readonly problems: readonly string[];
}

const key = '00112233445566778899aabbccddeeff'.repeat(2);

/** Boots the donor. @param hasManyFiles needs some 400 MB for each node */
export async function prepareSoak({
  root,
  evidence = tmpdir(),
  hasManyFiles = true,
}: Partial<Pick<Soak, 'evidence' | 'hasManyFiles'>> & {
  readonly root?: string | undefined;
} = {}): Promise<Soak> {
  const lab = await Lab.create(root === undefined ? {} : { root });
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  const start: Soak['start'] = async (node, sst) => {
    const groups = mergeGroups(encryptionAtRest(node, key), { mysqld: loadSettings, sst });
    return tunnelOptions(node, await authority.certifyNode(node), { groups });
  };
  // A joiner that is gone without its farewell having arrived (Galera 26.4.23, under load) leaves a cluster all the same.
  const providerOptions = { 'pc.weight': '2' };
  await donor.start({ ...(await start(donor, donorOptions({}))), bootstrap: true, providerOptions });
  await donor.waitFor('Synced', 120_000);
  // Nobody else is there yet. Large write sets of the beginning leave Galera's cache soon, and a donor whose cache begins after what Galera
  // wants of it fails before its script runs (`Cert index preload first seqno 7 not found from gcache`, 26.4.23).
  const locally = (text: string): Promise<string> =>
    donor.sql(`SET SESSION wsrep_on = OFF; ${text}`, { timeoutMs: 300_000 });
  await locally('CREATE DATABASE still; CREATE TABLE still.t (id INT PRIMARY KEY, b VARBINARY(1000))');
  await locally('INSERT INTO still.t SELECT seq, RANDOM_BYTES(1000) FROM still.seq_1_to_20000');
  for (const text of loadTables) await locally(text);
  if (hasManyFiles) await locally(loadManyFiles);
  return { lab, hasManyFiles, donor, joiner, evidence, start };
}

/** Lets the joiner join anew while the donor writes, then holds both still and compares them. */
export async function runRound(soak: Soak, seed: number): Promise<Round> {
  const { donor, joiner, start } = soak;
  const random = randomFrom(seed);
  const draw = drawRound(seed, random);
  setOptions(donor, draw);
  await donor.sql(roundSettings(seed));
  const load = startLoad(donor, 3, randomFrom(seed + 1), { ...soak, ...draw });
  const problems: string[] = [];
  let logged = donor.errorLog().length;
  let unasked = 0;
  try {
    // Of a round that is repeated alone nothing is there to be kept.
    if (draw.data !== 'emptied' && !existsSync(joiner.dataDirectory)) await joinAtRest(soak);
    // A transfer that is interrupted takes its time, too.
    await wait(random(draw.data === 'interrupted' ? 3000 : 8000));
    if (draw.data === 'interrupted') await interrupt(soak, random(4000));
    if (draw.damaged > 0) damageFiles(joiner.dataDirectory, draw.damaged, random);
    logged = donor.errorLog().length;
    const options = await start(joiner, { verify: draw.verify });
    unasked = await askForTransfer(soak, options, draw.data === 'emptied' ? 'empty' : 'keep');
    await joiner.waitFor('Synced', 240_000);
  } catch (error) {
    problems.push(`did not join: ${String(error).slice(-3000)}`);
  }
  await load.stop();
  const log = donor.errorLog().slice(logged);
  let tables = 0;
  if (problems.length === 0) {
    await untilEven(donor, joiner);
    for (const difference of await compareNodes(donor, joiner))
      problems.push(`${difference}: ${await describeTable(donor, joiner, difference)}`);
    problems.push(...(await damaged(joiner)));
    problems.push(...complaints(joiner.errorLog(), expected), ...complaints(log, expected));
    tables = (await checksums(joiner)).size;
  }
  if (problems.length > 0) {
    const logs = {
      'donor.log': log,
      'joiner.log': joiner.errorLog(),
      'statements.sql': load.written.join('\n'),
    };
    problems.push(`logs in ${keepEvidence(soak, seed, logs)}`);
  }
  if (joiner.isRunning()) await joiner.stop(120_000);
  await donor.waitFor('Synced', 120_000);
  return {
    seed,
    ...draw,
    held: heldFiles(joiner.errorLog()),
    statements: load.statements,
    errors: Object.fromEntries(load.errors),
    passes: log.match(/\[INFO\] pass \d+, while/g)?.length ?? 0,
    lockSeconds: Number(/locked for ([\d.]+) s/.exec(log)?.[1] ?? 'NaN'),
    comparedEarly: /files were compared before the donor's last word/.test(joiner.errorLog()),
    changedUnderLock: /have changed under the lock/.test(log),
    tables,
    unasked,
    problems,
  };
}

/** What a donor has in `[sst]`. */
function donorOptions({
  compressor = 'none',
  precopy = 'auto',
  streams = 1,
}: Partial<Draw>): Record<string, string> {
  return { compressor, precopy, 'backup-threads': String(streams) };
}

/** Option files are read anew for each transfer. */
function setOptions(donor: LabNode, draw: Draw): void {
  let text = readFileSync(donor.optionFile, 'utf8');
  for (const [name, value] of Object.entries(donorOptions(draw))) {
    const line = new RegExp(`^${name} *=.*$`, 'm');
    if (!line.test(text)) throw new Error(`no ${name} is set in ${donor.optionFile}`);
    text = text.replace(line, `${name}=${value}`);
  }
  writeFileSync(donor.optionFile, text);
}

/** A join while nobody writes, as the data come from that a round begins with. */
export async function joinAtRest(soak: Soak): Promise<void> {
  await askForTransfer(soak, await soak.start(soak.joiner, {}), 'empty');
  await soak.joiner.waitFor('Synced', 240_000);
  await soak.joiner.stop(120_000);
}

/** Ends the joiner's server so long after its script has begun; now and then the copy is complete by then. */
async function interrupt(soak: Soak, afterMs: number): Promise<void> {
  const { donor, joiner, start } = soak;
  await askForTransfer(soak, await start(joiner, {}), 'keep');
  await wait(afterMs);
  await joiner.kill();
  // A transfer that was just asked for has begun by then.
  await wait(500);
  await donor.waitFor('Synced', 120_000);
}

/** How many files need not be sent again, as the joiner says. */
function heldFiles(log: string): number | undefined {
  const [, files] = /going on where the last transfer broke: (\d+) files/.exec(log) ?? [];
  return files === undefined ? undefined : Number(files);
}

/** Starts the joiner until it asks for a transfer; gives how often it did not. Without its position it cannot ask for an IST. */
async function askForTransfer(
  soak: Soak,
  options: Awaited<ReturnType<Soak['start']>>,
  data: 'empty' | 'keep',
): Promise<number> {
  const { donor, joiner } = soak;
  for (let unasked = 0; unasked < 3; unasked += 1) {
    const before = donor.errorLog().length;
    rmSync(join(joiner.dataDirectory, 'grastate.dat'), { force: true });
    await joiner.start({ ...options, data });
    if (await asksForTransfer(soak, before)) return unasked;
    await joiner.kill();
  }
  throw new Error('no transfer was asked for in three attempts');
}

/**
 * Whether the joiner has come as far as to ask for a transfer. Now and then (1 in 300 joins, Galera 26.4.23, under load) the donor has
 * `Temporary failure in sending state UUID` when the joiner enters the cluster, whose states are not exchanged then before one leaves:
 * no script is ever run.
 */
async function asksForTransfer({ donor, joiner }: Soak, before: number): Promise<boolean> {
  const deadline = Date.now() + 60_000;
  while (!joiner.errorLog().includes('WSREP_SST')) {
    if (Date.now() > deadline) {
      const isGalera = donor.errorLog().slice(before).includes('Temporary failure in sending state UUID');
      if (isGalera) return false;
      throw new Error('no transfer was asked for within 60 s');
    }
    await wait(200);
  }
  return true;
}

/** Errors of the load's own statements, as a replica reports them. */
const expected = [/Slave SQL: |Event \d+ Query apply failed|wsrep_apply|BF-BF/];

export async function untilEven(one: LabNode, other: LabNode): Promise<void> {
  const enough = Date.now() + 60_000;
  while ((await one.wsrepStatus('last_committed')) !== (await other.wsrepStatus('last_committed'))) {
    if (Date.now() > enough) throw new Error('the joiner does not catch up');
    await wait(100);
  }
}

/** What CHECK TABLE … EXTENDED says of each table. */
async function damaged(node: LabNode): Promise<string[]> {
  const tables = await node.query(
    `SELECT table_schema AS s, table_name AS t FROM information_schema.tables
     WHERE table_type IN ('BASE TABLE', 'SEQUENCE') AND table_schema NOT IN ('information_schema', 'performance_schema', 'sys')
       AND NOT (table_schema = 'mysql' AND engine = 'CSV')`,
  );
  const names = tables.map(({ s, t }) => `${quote(s ?? '')}.${quote(t ?? '')}`);
  const rows = await node.query(`CHECK TABLE ${names.join(', ')} EXTENDED`, { timeoutMs: 300_000 });
  return rows
    .filter(
      ({ Msg_type: type, Msg_text: text }) => !(type === 'note' || (type === 'status' && text === 'OK')),
    )
    .map((row) => `${row['Table'] ?? ''}: ${row['Msg_text'] ?? ''}`);
}

/**
 * What helps to tell a copy that is not exact from statements that two nodes carry out differently: the definition with its engine,
 * sums, and the first rows that only one of them has.
 */
async function describeTable(one: LabNode, other: LabNode, difference: string): Promise<string> {
  const table = difference.split(':')[0] ?? '';
  const said = await Promise.all(
    [one, other].map(async (node) => {
      const definition = await attempt(node, `SHOW CREATE TABLE ${table}`);
      const rows = (await attempt(node, `SELECT * FROM ${table} ORDER BY 1`)).split('\n');
      return { definition, rows };
    }),
  );
  const [a, b] = said.map(({ rows }) => new Set(rows));
  const only = (rows: Iterable<string>, others: ReadonlySet<string> | undefined): string[] =>
    [...rows].filter((row) => others?.has(row) === false);
  const [first, second] = [only(a ?? [], b), only(b ?? [], a)];
  const shown = (rows: readonly string[]): string =>
    rows
      .slice(0, 3)
      .map((row) => row.slice(0, 150))
      .join(' // ');
  return [
    said
      .map(({ definition, rows }) => `${rows.length - 2} rows in ${definition.slice(0, 1500)}`)
      .join(' ||| '),
    `${first.length} rows only on ${one.name}: ${shown(first)}`,
    `${second.length} rows only on ${other.name}: ${shown(second)}`,
  ].join(' ||| ');
}

const attempt = async (node: LabNode, text: string): Promise<string> =>
  node.sql(text, { timeoutMs: 60_000 }).catch((error: unknown) => String(error).slice(-300));

/** What the nodes logged and what was written meanwhile, for whoever looks for the cause. */
function keepEvidence(soak: Soak, seed: number, logs: Readonly<Record<string, string>>): string {
  const folder = join(soak.evidence, `round-${seed}`);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(logs)) writeFileSync(join(folder, name), text);
  return folder;
}
