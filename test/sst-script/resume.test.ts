import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { marginMs } from '../../src/datadir/changes.js';
import { errorTable } from '../../src/errors.js';
import { messageFiles } from '../../src/plan/joiner.js';
import { partialCopyFile } from '../../src/transfers/partial-copy.js';
import { BareNode, stateId, type RunOptions, type ScriptRun } from './bare-node.js';
import { Material } from './material.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(240_000);
t.jobs = 2;

const table = 'shop/orders.ibd';
const longAgo = 1_700_000_000.25;

/** A joiner and the donor that it asks each time. */
interface Nodes {
  readonly joiner: BareNode;
  readonly donor: BareNode;
}

async function nodes(t: Test, sst: Readonly<Record<string, string>> = {}): Promise<Nodes> {
  const [joiner, donor] = [await BareNode.create(), await BareNode.create()];
  t.teardown(async () => {
    await joiner.destroy();
    await donor.destroy();
  });
  for (const node of [joiner, donor]) node.configure(material.groups({}, { precopy: '1', ...sst }));
  const file = donor.file(`data/${table}`, randomBytes(300_000));
  utimesSync(file, longAgo, longAgo);
  // What was written right before it was looked at never counts as the same file; its ctime cannot be made older.
  await wait(marginMs + 500);
  return { joiner, donor };
}

/** Both scripts at work, the donor's with the secret. */
async function transfer(
  { joiner, donor }: Nodes,
  options: { readonly joiner?: RunOptions; readonly donor?: RunOptions } = {},
): Promise<{ readonly joining: ScriptRun; readonly giving: ScriptRun }> {
  const joining = joiner.start('joiner', options.joiner);
  const ready = await joining.ready();
  const env = { WSREP_SST_OPT_REMOTE_AUTH: ready.auth, ...options.donor?.env };
  return { joining, giving: donor.start('donor', { address: ready.address, ...options.donor, env }) };
}

/** A transfer that breaks when everything was copied that can be before the lock. */
async function breakLate(pair: Nodes): Promise<void> {
  const { joining, giving } = await transfer(pair);
  await giving.said(/^flush tables$/);
  giving.process.kill('SIGTERM');
  await Promise.all([joining.ended, giving.ended]);
}

/** An environment in which an rsync with such a word does something else. */
function withRsync(t: Test, word: string, instead: string): { readonly PATH: string } {
  return withProgram(t, 'rsync', `case " $* " in *${word}*) ${instead};; esac\nexec /usr/bin/rsync "$@"`);
}

/** An environment with another program of that name. */
function withProgram(t: Test, name: string, script: string): { readonly PATH: string } {
  const bin = t.testdir({ [name]: `#!/bin/sh\n${script}\n` });
  for (const path of [join(bin, '..'), bin, join(bin, name)]) chmodSync(path, 0o755);
  return { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
}

/** A transfer whose donor can send messages, but no file. */
async function breakBeforeTheFirstFile(t: Test, pair: Nodes): Promise<string> {
  const { joining, giving } = await transfer(pair, {
    donor: { env: withRsync(t, '--files-from', 'exit 12') },
  });
  t.not(await giving.ended, 0, 'it breaks');
  t.not(await joining.ended, 0);
  return joining.stderr.find((line) => line.includes('going on where')) ?? '';
}

/** A transfer that succeeds; gives what the joiner said of an earlier one. */
async function succeed(
  t: Test,
  pair: Nodes,
  joiner: RunOptions = {},
): Promise<{ readonly said: string; readonly log: string }> {
  const { joining, giving } = await transfer(pair, { joiner });
  await giving.said(/^flush tables$/);
  pair.donor.file('data/tables_flushed', `${stateId}:42 0\n`);
  t.equal(await giving.ended, 0, giving.stderr.join('\n'));
  t.equal(await joining.ended, 0, joining.stderr.join('\n'));
  return {
    said: joining.stderr.find((line) => line.includes('going on where')) ?? '',
    log: joining.stderr.join('\n'),
  };
}

const contentOf = (node: BareNode): Buffer => readFileSync(join(node.dataDir, table));

/** What a power cut can leave: the right size and time, but not the contents; the host has been started anew since. */
function cutPower({ dataDir }: BareNode): void {
  const file = join(dataDir, table);
  const { size, atime, mtime } = statSync(file);
  writeFileSync(file, Buffer.alloc(size));
  utimesSync(file, atime, mtime);
  const marker = join(dataDir, partialCopyFile);
  const { mtime: lastAlive } = statSync(marker);
  const text = readFileSync(marker, 'utf8').replace(/"bootId":"[^"]*"/, '"bootId":"the one before"');
  writeFileSync(marker, text);
  utimesSync(marker, lastAlive, lastAlive);
}

t.test('what was received is not sent again', { buffered: true }, async (t) => {
  const pair = await nodes(t);
  await breakLate(pair);
  t.ok(contentOf(pair.joiner).equals(contentOf(pair.donor)), 'it had been received');
  const { said } = await succeed(t, pair);
  t.match(said, /: 1 files need not be sent again, 0 are compared/);
  t.ok(contentOf(pair.joiner).equals(contentOf(pair.donor)));
});

t.test('what a transfer did not believe, the one after it does not either', { buffered: true }, async (t) => {
  const pair = await nodes(t);
  await breakLate(pair);
  cutPower(pair.joiner);
  const second = await breakBeforeTheFirstFile(t, pair);
  t.match(second, /: 0 files need not be sent again, 1 are compared/);
  const third = await succeed(t, pair);
  t.match(third.said, /: 0 files need not be sent again, 1 are compared/);
  t.ok(contentOf(pair.joiner).equals(contentOf(pair.donor)), "the contents are the donor's");
});

t.test('a table of the donor that is there from long ago is not believed', { buffered: true }, async (t) => {
  const pair = await nodes(t);
  const file = pair.joiner.file(`data/${table}`, Buffer.alloc(300_000));
  utimesSync(file, longAgo, longAgo);
  await breakBeforeTheFirstFile(t, pair);
  const { said } = await succeed(t, pair);
  t.match(said, /: 0 files need not be sent again, 1 are compared/);
  t.ok(contentOf(pair.joiner).equals(contentOf(pair.donor)), "the contents are the donor's");
});

t.test('a copy whose verdict nobody hears is gone on with', { buffered: true }, async (t) => {
  const pair = await nodes(t);
  const env = withRsync(t, '/verdict.json', 'exec sleep 600');
  const { joining, giving } = await transfer(pair, { donor: { env } });
  await giving.said(/^flush tables$/);
  pair.donor.file('data/tables_flushed', `${stateId}:42 0\n`);
  await joining.said(/the copy is complete/);
  const [privateDir = ''] = pair.joiner.privateFiles();
  const sign = readFileSync(join(pair.joiner.tmpDir, privateDir, 'answer', messageFiles.verifying), 'utf8');
  t.match(sign, /^\{"comparedBytes":\d+\}\n$/, 'a donor that asks is told how far the joiner is');
  joining.process.kill('SIGTERM');
  t.not(await joining.ended, 0, 'an administrator ends it in the last moment');
  giving.process.kill('SIGTERM');
  await giving.ended;
  const { said } = await succeed(t, pair);
  t.match(said, /: 1 files need not be sent again, 0 are compared/);
  t.notOk(existsSync(join(pair.joiner.dataDir, partialCopyFile)), 'a success leaves no marker');
});

t.test(
  'verify=checksum finds what has changed on the disk, and the next transfer mends it',
  { buffered: true },
  async (t) => {
    const pair = await nodes(t, { verify: 'checksum' });
    const { joining, giving } = await transfer(pair);
    await giving.said(/^flush tables$/);
    const file = join(pair.joiner.dataDir, table);
    const [{ atime, mtime }, content] = [statSync(file), readFileSync(file)];
    t.ok(content.equals(contentOf(pair.donor)), 'it has been received');
    content[150_000]! ^= 1;
    writeFileSync(file, content);
    utimesSync(file, atime, mtime);
    pair.donor.file('data/tables_flushed', `${stateId}:42 0\n`);
    t.equal(await joining.ended, errorTable.COPY_INCOMPLETE.exit, joining.stderr.join('\n'));
    t.equal(await giving.ended, errorTable.PEER_FAILED.exit);
    const says = /COPY_INCOMPLETE: the contents of 1 files are not the donor's: "shop\/orders\.ibd"/;
    t.match(joining.errors().join(), says);
    t.match(giving.errors().join(), says);
    await succeed(t, pair);
    t.ok(contentOf(pair.joiner).equals(contentOf(pair.donor)), "the contents are the donor's");
  },
);

const copies: readonly {
  what: string;
  sst?: Readonly<Record<string, string>>;
  files?: number;
  syncs: number;
}[] = [
  { what: 'few files', syncs: 1 },
  { what: 'many files', files: 2000, syncs: 2 },
  { what: 'few files whose contents are compared', sst: { verify: 'checksum' }, syncs: 2 },
];
for (const { what, sst = {}, files = 0, syncs } of copies) {
  t.test(`the marker stays until the copy is on disk: ${what}`, { buffered: true }, async (t) => {
    const pair = await nodes(t, sst);
    for (let number = 1; number <= files; number++)
      pair.donor.file(`data/${dirname(table)}/t${number}.ibd`, '');
    const marker = join(pair.joiner.dataDir, partialCopyFile);
    const notes = join(pair.joiner.directory('notes'), 'synced');
    const env = withProgram(
      t,
      'sync',
      `echo "$@" >>'${notes}'; test -e '${marker}' && exec /usr/bin/sync "$@"`,
    );
    const { log } = await succeed(t, pair, { env });
    const call = `-f -- ${pair.joiner.dataDir}\n`;
    t.equal(readFileSync(notes, 'utf8'), call.repeat(syncs));
    t.match(log, /phase: verifying[^]*sync: sync -f /, 'at the end');
    t.equal(/sync: sync -f [^]*phase: verifying/.test(log), syncs > 1, 'and while much is compared');
    t.equal(/\d{4} files were compared before the donor's last word/.test(log), files > 0);
    t.notOk(existsSync(marker));
  });
}

for (const { failing, verify } of [
  { failing: 0, verify: 'size' },
  { failing: 0, verify: 'checksum' },
  { failing: 1, verify: 'checksum' },
]) {
  const name = `a disk that cannot be written to is no copy: verify=${verify}, ${failing} times it could`;
  t.test(name, { buffered: true }, (t) => cannotBeWritten(t, failing, verify));
}

/** An error is told to one `sync` only, whichever comes after it. */
async function cannotBeWritten(t: Test, failing: number, verify: string): Promise<void> {
  const pair = await nodes(t, { verify });
  const says = "sync: error syncing '/data': Input/output error";
  const count = join(pair.joiner.directory('count'), 'calls');
  const sync = `echo >>'${count}'; [ "$(wc -l <'${count}')" = ${failing + 1} ] || exit 0; echo "${says}" >&2; exit 1`;
  const { joining, giving } = await transfer(pair, { joiner: { env: withProgram(t, 'sync', sync) } });
  await giving.said(/^flush tables$/);
  pair.donor.file('data/tables_flushed', `${stateId}:42 0\n`);
  t.equal(await joining.ended, errorTable.COPY_INCOMPLETE.exit, joining.stderr.join('\n'));
  t.ok(joining.errors().join().includes(`the copy cannot be written to disk: ${says}`));
  t.ok(existsSync(join(pair.joiner.dataDir, partialCopyFile)));
  await giving.ended;
}
