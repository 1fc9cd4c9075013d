import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { issueCa, issueCertificate } from '../../src/certificates/issue.js';
import { sendMessage } from '../../src/plan/donor.js';
import { messageModules } from '../../src/plan/modules.js';
import { readLines } from '../../src/processes/lines.js';

const script = fileURLToPath(new URL('../../../scripts/wsrep_sst_rsync_tunnel', import.meta.url));

/** A joiner without a server that gives its donor two seconds, and a donor that sends 8 KiB at 1 KiB/s. */
async function slowTransfer(t: Test): Promise<{
  joiner: ChildProcess;
  donor: ChildProcess;
  dataDir: string;
  said: string[];
  optionFile: string;
  hasBegun: Promise<string>;
}> {
  const dir = mkdtempSync(join(tmpdir(), 'idle-'));
  const ca = await issueCa({ name: 'test CA', keyType: 'ec' });
  const own = await issueCertificate({ ca, keyType: 'ec', commonName: 'node1', ipAddresses: ['127.0.0.1'] });
  const write = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const [caFile, identity] = [write('ca.pem', ca.certPem), write('node.pem', own.certPem + own.keyPem)];
  const dataDir = join(dir, 'data');
  mkdirSync(dataDir);
  const optionFile = write(
    'my.cnf',
    `[sst]\ntca=${caFile}\ntcert=${identity}\nsst-idle-timeout=2\ntmpdir=${dir}\n`,
  );
  const port = await freePort();
  const words = ['--role', 'joiner', '--address', `127.0.0.1:${port}`, '--datadir', `${dataDir}/`];
  const joiner = spawn(script, [...words, '--defaults-file', optionFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const children: ChildProcess[] = [joiner];
  t.teardown(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      process.kill(child === joiner ? child.pid! : -child.pid!, 'SIGKILL');
      await once(child, 'exit');
    }
    rmSync(dir, { recursive: true });
  });
  const said: string[] = [];
  readLines(joiner.stderr, (line) => said.push(line));
  const [ready] = (await once(joiner.stdout, 'data')) as [Buffer];
  const secret = /^ready sst:([0-9a-f]+)@/.exec(ready.toString())?.[1];
  const workDir = readdirSync(dir).find((name) => name.startsWith('galera-sst-tunnel-'))!;
  const hasBegun = waitForEntry(join(dir, workDir, 'inbox'));
  const { program, args, env } = sendMessage(
    write('waiting', 'w'.repeat(8192)),
    messageModules.inbox,
    'sign',
    {
      connect: `OPENSSL:127.0.0.1:${port},cert=${identity},cafile=${caFile}`,
      secret,
      timeoutSeconds: 0,
      withoutChecksums: true,
    },
  );
  const donor = spawn(program, ['--bwlimit=1', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  children.push(donor);
  return { joiner, donor, dataDir, said, optionFile, hasBegun };
}

/** Resolves with the name of the first entry that a directory gets. */
async function waitForEntry(directory: string): Promise<string> {
  const watcher = watch(directory);
  const [, name] = (await once(watcher, 'change')) as [string, string];
  watcher.close();
  return name;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

t.test('a joiner gives up on a donor that stands still in the middle of a file', async (t) => {
  const { joiner, donor, dataDir, said, optionFile, hasBegun } = await slowTransfer(t);
  t.match(await hasBegun, /^\.waiting\./);
  process.kill(-donor.pid!, 'SIGSTOP');
  const stopped = performance.now();
  const [status] = (await once(joiner, 'exit')) as [number];
  t.equal(status, 110);
  t.ok(performance.now() - stopped > 1500, 'not before its limit');
  const errors = said.filter((line) => line.includes('[ERROR]'));
  t.equal(errors.length, 1);
  t.ok(
    errors[0]?.includes(
      `TIMED_OUT: the donor has sent nothing for 2 s (sst-idle-timeout at ${optionFile}:4) HINT: `,
    ),
    'with limit, option and place',
    { found: errors },
  );
  t.same(readdirSync(dataDir), [], 'nothing is left in the data directory');
});

t.test('a donor from which bytes come all the time is not idle, however long a file takes', async (t) => {
  const { joiner, donor } = await slowTransfer(t);
  const [delivered] = (await once(donor, 'exit')) as [number];
  t.equal(delivered, 0, 'a file that takes 8 s is delivered');
  t.equal(joiner.exitCode, null, 'and the joiner waits for the next');
  const [status] = (await once(joiner, 'exit')) as [number];
  t.equal(status, 110, 'until nothing comes any more');
});
