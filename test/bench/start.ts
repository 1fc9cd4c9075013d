import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readLines } from '../../src/processes/lines.js';
import { runSync } from '../lab/commands.js';
import { median } from './report.js';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const program = join(checkout, 'dist/bin/galera-sst-tunnel.js');
const script = join(checkout, 'scripts/wsrep_sst_rsync_tunnel');

/** Something that is started, with how long it took until it was there, in ms. */
export interface StartTimes {
  readonly what: string;
  readonly limitMs?: number;
  readonly timesMs: readonly number[];
}

/**
 * Measures what people and servers wait for before anything else happens, in turn: node alone, the version, and the
 * server's script until an agent has answered it. Without a server, as user mysql.
 */
export async function measureStart(runs: number): Promise<StartTimes[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-start-'));
  const user = { uid: idOf('-u'), gid: idOf('-g') };
  chownSync(folder, user.uid, user.gid);
  const agent = await startAgent(join(folder, 'agent.sock'), user);
  const relay = new Relay(join(folder, 'agent.sock'));
  try {
    const scriptSocket = await relay.listen(join(folder, 'relay.sock'), user);
    const words = ['--role', 'joiner', '--address', '127.0.0.1:4444', '--datadir', `${folder}/`];
    const subjects: { what: string; limitMs?: number; start: () => Promise<number> }[] = [
      { what: 'node alone (`node -e 0`)', start: () => untilExit('node', ['-e', '0'], user) },
      {
        what: '`galera-sst-tunnel --version`',
        limitMs: 80,
        start: () => untilExit(program, ['--version'], user),
      },
      {
        what: "script start → agent's answer",
        limitMs: 120,
        start: () => untilAnswer(relay, [...words, '--parent', String(process.pid)], scriptSocket, user),
      },
    ];
    const times = subjects.map(() => [] as number[]);
    // The first round only brings the files into memory.
    for (let round = 0; round <= runs; round++) {
      for (const [index, { start }] of subjects.entries()) {
        const took = await start();
        if (round > 0) times[index]?.push(took);
      }
    }
    return subjects.map(({ what, limitMs }, index) => ({
      what,
      ...(limitMs === undefined ? {} : { limitMs }),
      timesMs: times[index] ?? [],
    }));
  } finally {
    relay.close();
    agent.kill('SIGTERM');
    await once(agent, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A Markdown table with the medians and the quickest. */
export function formatStart(measured: readonly StartTimes[]): string {
  const rows = measured.map(({ what, limitMs, timesMs }) => {
    const middle = median(timesMs)?.toFixed(0) ?? '–';
    return `| ${what} | ${middle} | ${Math.min(...timesMs).toFixed(0)} | ${limitMs ?? ''} |`;
  });
  return ['| ms | median | least | at most |', '|---|---:|---:|---:|', ...rows].join('\n');
}

/** Those whose median takes longer than it may. */
export function beyondLimit(measured: readonly StartTimes[]): readonly StartTimes[] {
  return measured.filter(({ limitMs = Infinity, timesMs }) => (median(timesMs) ?? Infinity) > limitMs);
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** What a shell has set for node (certificates of its own, for one) would be measured, too. */
const env = { PATH: process.env['PATH'] };

const idOf = (option: '-u' | '-g'): number => Number(runSync(['id', option, 'mysql']));

async function untilExit(file: string, words: readonly string[], user: User): Promise<number> {
  const began = performance.now();
  const child = spawn(file, words, { ...user, env, stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${file} ${words.join(' ')} ended with ${code ?? 'a signal'}`);
  return performance.now() - began;
}

/** The script is killed when it has its first answer: it has not handed over its transfer by then. */
async function untilAnswer(
  relay: Relay,
  words: readonly string[],
  socket: string,
  user: User,
): Promise<number> {
  const answered = relay.nextAnswer();
  const began = performance.now();
  const child = spawn(script, words, {
    ...user,
    env: { ...env, GALERA_SST_TUNNEL_SOCKET: socket },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  const early = ended.then(() => Promise.reject(new Error('the script has ended without asking the agent')));
  const took = (await Promise.race([answered, early])) - began;
  child.kill('SIGKILL');
  early.catch(() => undefined);
  await ended;
  return took;
}

async function startAgent(socket: string, user: User): Promise<ChildProcess> {
  const agent = spawn(process.execPath, [program, 'agent', '--socket', socket], {
    ...user,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await new Promise<void>((resolve, reject) => {
    readLines(agent.stderr, (line) => {
      if (line.includes('"state":"ready"')) resolve();
    });
    agent.once('exit', () => reject(new Error('the agent has ended')));
  });
  return agent;
}

/** Stands between a script and the agent, and notes when an answer passes; that answer is kept back. */
class Relay {
  readonly #server: Server;
  #onAnswer: (atMs: number) => void = () => undefined;

  constructor(agentSocket: string) {
    this.#server = createServer((fromScript) => {
      const toAgent = connect(agentSocket);
      fromScript.pipe(toAgent);
      toAgent.once('data', () => this.#onAnswer(performance.now()));
      fromScript.on('error', () => undefined).once('close', () => toAgent.destroy());
      toAgent.on('error', () => undefined);
    });
  }

  /** Gives the path of its socket, which belongs to the script's user: it trusts no other. */
  async listen(path: string, { uid, gid }: User): Promise<string> {
    this.#server.listen(path);
    await once(this.#server, 'listening');
    chownSync(path, uid, gid);
    return path;
  }

  /** When the next answer has come, as `performance.now()` tells it. */
  nextAnswer(): Promise<number> {
    return new Promise((resolve) => (this.#onAnswer = resolve));
  }

  close(): void {
    this.#server.close();
  }
}
