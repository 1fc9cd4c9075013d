import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../scripts/wsrep_sst_rsync_tunnel', import.meta.url));

/** The state that the donor's server is played to have. */
export const state = '6f3c1a2e-0000-11f0-8000-0123456789ab:42 7';

/** Two scripts, joiner and donor, with this process in the place of both servers. */
export interface Encounter {
  /** Holds `joiner/`, `donor/` and all other files. */
  folder: string;
  /** Option file texts. */
  joiner: string;
  donor: string;
  /** The joiner's address without port; default 127.0.0.1. */
  host?: string;
  /** How the donor is told the secret: as 10.11 or as 11.x does it. */
  secretsBy?: 'environment' | 'stdin';
  /** Before the system's directories on both PATHs. */
  path?: string;
  /** Called with the donor's data directory before it starts. */
  addToDonor?: (dataDir: string) => void;
  /** Called while the donor waits for its lock, with the joiner's listener still open. */
  whileLocking?: (secret: string) => void;
}

/** What a script said and how it ended. */
export interface Side {
  code: number | null;
  /** To the server. */
  lines: string[];
  log: string;
}

/** Runs a whole transfer without servers, both scripts on this host. */
export async function meet(encounter: Encounter): Promise<{ joiner: Side; donor: Side; secret: string }> {
  const { folder, host = '127.0.0.1' } = encounter;
  const address = `${host}:${await freePort(host.replace(/[[\]]/g, ''))}`;
  makeDonorData(join(folder, 'donor'));
  encounter.addToDonor?.(join(folder, 'donor'));
  mkdirSync(join(folder, 'joiner'), { recursive: true });
  const joiner = new Script(encounter, 'joiner', ['--address', address, '--parent', String(process.pid)]);
  try {
    const ready = await joiner.line(/^ready /);
    const [, user = '', secret = '', target = ''] = /^ready ([^:]+):([^@]+)@(.*)$/.exec(ready) ?? [];
    const donor = new Script(
      encounter,
      'donor',
      [
        '--address',
        target,
        '--local-port',
        '3306',
        '--socket',
        'none',
        '--gtid',
        '0:0',
        '--gtid-domain-id',
        '0',
      ],
      { user, secret },
    );
    try {
      await donor.line(/^flush tables$/);
      encounter.whileLocking?.(secret);
      const flushed = join(folder, 'donor', 'tables_flushed');
      writeFileSync(`${flushed}.tmp`, `${state}\n`);
      renameSync(`${flushed}.tmp`, flushed);
      return { donor: await donor.end(), joiner: await joiner.end(), secret };
    } finally {
      donor.kill();
    }
  } finally {
    joiner.kill();
  }
}

class Script {
  readonly #child: ChildProcess;
  readonly #side: Side = { code: null, lines: [], log: '' };
  readonly #closed: Promise<unknown>;
  #look = (): void => undefined;

  constructor(
    { folder, path = '', secretsBy = 'stdin', ...texts }: Encounter,
    readonly role: 'joiner' | 'donor',
    args: readonly string[],
    remote?: { user: string; secret: string },
  ) {
    const optionFile = join(folder, `${role}.cnf`);
    writeFileSync(optionFile, texts[role]);
    const byEnvironment = remote !== undefined && secretsBy === 'environment';
    this.#child = spawn(
      // Node's own pipes are sockets, the server's is one that a FIFO is too.
      'bash',
      [
        ...['-c', 'exec "$@" < <(cat)', 'bash', script],
        ...['--role', role, ...args, '--datadir', `${join(folder, role)}/`, '--defaults-file', optionFile],
        ...['--progress', '0', '--mysqld-args', `--defaults-file=${optionFile}`],
      ],
      {
        stdio: [remote !== undefined && secretsBy === 'stdin' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
        env: {
          PATH: [path, dirname(process.execPath), '/usr/sbin:/usr/bin:/sbin:/bin'].filter(Boolean).join(':'),
          ...(byEnvironment ? { WSREP_SST_OPT_REMOTE_AUTH: `${remote.user}:${remote.secret}` } : {}),
        },
      },
    );
    this.#child.stdin?.end(
      `sst_user=someone\nsst_password=else\nsst_remote_user=${remote?.user ?? ''}\nsst_remote_password=${remote?.secret ?? ''}\n`,
    );
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#side.log += text));
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.#side.lines.push(line);
      this.#look();
    });
    this.#closed = once(this.#child, 'close');
    this.#closed.then(
      () => this.#look(),
      () => undefined,
    );
  }

  /** The first line for the server that matches; rejects with the log when the script ends without it. */
  line(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        const found = this.#side.lines.find((line) => pattern.test(line));
        if (found !== undefined) resolve(found);
        else if (this.#child.exitCode !== null || this.#child.signalCode !== null)
          reject(new Error(`${this.role} ended:\n${this.#side.log}`));
      };
      this.#look();
    });
  }

  async end(): Promise<Side> {
    await this.#closed;
    return { ...this.#side, code: this.#child.exitCode };
  }

  kill(): void {
    this.#child.kill('SIGTERM');
  }
}

function makeDonorData(folder: string): void {
  const files: Record<string, string | Buffer> = {
    ibdata1: Buffer.alloc(300_000, 'i'),
    ib_logfile0: Buffer.alloc(100_000, 'l'),
    'shop/orders.ibd': Buffer.alloc(500_000, 'o'),
    'shop/orders.frm': 'definition',
    'empty/db.opt': '',
  };
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

/** Programs that note how they were called and then become the real ones; gives the folder for PATH. */
export function noteCalls(folder: string, programs: readonly string[]): string {
  const bin = join(folder, 'bin');
  mkdirSync(join(folder, 'calls'), { recursive: true });
  mkdirSync(bin);
  for (const program of programs) {
    const file = join(bin, program);
    writeFileSync(
      file,
      `#!/bin/sh\nfor word in ${program} "$@"; do printf '%s\\0' "$word"; done > "${folder}/calls/$$"\nexec /usr/bin/${program} "$@"\n`,
    );
    chmodSync(file, 0o755);
  }
  return bin;
}

/** The argument lists of every call that was noted. */
export function notedCalls(folder: string): string[][] {
  const calls = join(folder, 'calls');
  return readdirSync(calls).map((name) => readFileSync(join(calls, name), 'utf8').split('\0').slice(0, -1));
}

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
