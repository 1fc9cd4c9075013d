import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import type { Command } from '../../src/plan/command.js';
import { findMarked } from '../../src/processes/proc.js';
import { readLines } from '../../src/processes/lines.js';
import { runBriefly, spawnGuarded, type Child } from '../../src/processes/spawn.js';

/** A command that runs a shell script; `$1` and so on are the words after it. */
function shell(script: string, ...words: string[]): Command {
  return { name: 'script', program: 'sh', args: ['-c', script, 'sh', ...words] };
}

function start(
  command: Command,
  marker: string = randomUUID(),
): { child: Child; lines: string[]; line: () => Promise<string> } {
  const child = spawnGuarded(command, marker);
  const lines: string[] = [];
  let heard: (line: string) => void = () => undefined;
  const first = new Promise<string>((resolve) => (heard = resolve));
  for (const stream of [child.stdout, child.stderr]) {
    readLines(stream, (line) => {
      lines.push(line);
      heard(line);
    });
  }
  return { child, lines, line: () => first };
}

/** Waits until no process has the marker; nothing tells when a process that is not ours ends. */
async function noneLeft(marker: string): Promise<number[]> {
  for (let tries = 0; tries < 500 && findMarked(marker).length > 0; tries++) await pause(10);
  const left = findMarked(marker);
  for (const pid of left) process.kill(pid, 'SIGKILL');
  return left;
}

t.test('the outcome says how the command itself ended', async (t) => {
  const cases: [Command, object][] = [
    [shell('exit 0'), { kind: 'exited', code: 0 }],
    [shell('exit 12'), { kind: 'exited', code: 12 }],
    [shell('kill -TERM $$'), { kind: 'signalled', signal: 'SIGTERM' }],
    [shell('kill -KILL $$'), { kind: 'signalled', signal: 'SIGKILL' }],
    [
      { name: 'n', program: '/no/such/program', args: [] },
      { kind: 'exited', code: 127 },
    ],
    [
      { name: 'n', program: 'true', args: [], cwd: '/no/such/directory' },
      { kind: 'failed to start', cause: Error },
    ],
  ];
  for (const [command, outcome] of cases)
    t.match(await start(command).child.ended, outcome, JSON.stringify(command));
});

t.test('a program that is not there says so', async (t) => {
  const { child, lines } = start({ name: 'n', program: '/no/such/program', args: [] });
  await child.ended;
  t.match(lines.join(), '/no/such/program: not found');
});

t.test('words reach the command as they are, and the shell sees none of them', async (t) => {
  const words = ['a b', '$(exit 3)', "'", '', '-n', '*', ';', '\n'];
  const { child, lines } = start(shell('for w; do printf "<%s>" "$w"; done', ...words));
  await child.ended;
  t.strictSame(lines, ["<a b><$(exit 3)><'><><-n><*><;><", '>']);
});

t.test('what gives way runs at a lower priority, with all that it starts', async (t) => {
  for (const [givesWay, nice] of [
    [true, '10'],
    [false, '0'],
  ] as const) {
    const { child, lines } = start({ ...shell('nice; (nice)'), givesWay });
    await child.ended;
    t.strictSame(lines, [nice, nice], `gives way: ${givesWay}`);
  }
});

t.test('all that a command wrote is read before it has ended', async (t) => {
  for (let round = 0; round < 10; round++) {
    const { child, lines } = start(shell('printf "last words" >&2; exit 3'));
    await child.ended;
    t.strictSame(lines, ['last words']);
  }
  const { child, lines } = start(shell('i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done'));
  await child.ended;
  t.equal(lines.length, 5000);
  t.equal(lines.at(-1), 'line 4999');
});

t.test(
  'a command sees the path, its own variables and its marker, but no secret of the server',
  async (t) => {
    process.env['WSREP_SST_OPT_AUTH'] = 'root:secret';
    process.env['RSYNC_RSH'] = 'x';
    const { child, lines } = start(
      {
        ...shell('env; pwd; [ ! -e /proc/$$/fd/3 ] || echo has the pipe'),
        env: { MINE: 'a=b' },
        cwd: '/usr',
      },
      'm-1',
    );
    await child.ended;
    delete process.env['WSREP_SST_OPT_AUTH'];
    delete process.env['RSYNC_RSH'];
    t.ok(lines.includes('GALERA_SST_TUNNEL_TRANSFER=m-1'));
    t.ok(lines.includes('MINE=a=b'));
    t.ok(lines.includes('LC_ALL=C'));
    t.ok(lines.includes('/usr'));
    t.match(
      lines.find((line) => line.startsWith('PATH=')),
      /:\/usr\/bin:\/sbin:\/bin$/,
    );
    t.notOk(lines.some((line) => /^(WSREP|RSYNC)/.test(line)));
    t.notOk(lines.includes('has the pipe'), "the guard's pipe is not the command's");
  },
);

t.test('when the command ends, what it has forked ends too', async (t) => {
  const marker = randomUUID();
  const { child } = start(shell('trap "" TERM; sleep 1000 & sleep 1000 & exit 5'), marker);
  // The sleeping ones hold the pipes: this would wait for them for ever.
  t.strictSame(await child.ended, { kind: 'exited', code: 5 });
  t.strictSame(await noneLeft(marker), []);
});

t.test('killing ends the whole group', async (t) => {
  const marker = randomUUID();
  const { child, line } = start(shell('trap "" TERM; sleep 1000 & echo up; wait'), marker);
  await line();
  t.ok(findMarked(marker).length >= 3, 'command, sleep and guard run');
  child.kill();
  t.strictSame(await child.ended, { kind: 'signalled', signal: 'SIGKILL' });
  t.strictSame(await noneLeft(marker), []);
});

t.test('asking to end reaches the whole group but leaves the guard in place', async (t) => {
  const marker = randomUUID();
  const { child, line, lines } = start(
    shell(
      'trap "echo bye; exit 7" TERM; (trap "" TERM; exec sleep 1000) & echo up; while :; do sleep 0.01; done',
    ),
    marker,
  );
  await line();
  child.terminate();
  t.strictSame(await child.ended, { kind: 'exited', code: 7 });
  t.ok(lines.includes('bye'));
  t.strictSame(await noneLeft(marker), [], 'also what does not listen to SIGTERM');
});

t.test('after the end signals go nowhere', async (t) => {
  const { child } = start(shell('exit 0'));
  await child.ended;
  const bystander = spawn('sleep', ['1000'], { detached: true });
  const kill = process.kill.bind(process);
  const sent: number[] = [];
  process.kill = (pid) => {
    sent.push(pid);
    return true;
  };
  child.terminate();
  child.kill();
  process.kill = kill;
  bystander.kill('SIGKILL');
  t.strictSame(sent, []);
});

const spawnModule = new URL('../../src/processes/spawn.js', import.meta.url).href;
/** A program that starts a command under guard, tells its pid and waits. */
const program = (script: string, marker: string): string => `
  import { spawnGuarded } from ${JSON.stringify(spawnModule)};
  const child = spawnGuarded({ name: 'n', program: 'sh', args: ['-c', ${JSON.stringify(script)}] }, ${JSON.stringify(marker)});
  child.stdout.pipe(process.stdout);
  setInterval(() => {}, 1000);
`;

t.test('when this process is killed, its commands end, with what they have forked', async (t) => {
  const scripts = {
    'a plain command': 'echo up; exec sleep 1000',
    'a command with children': 'sleep 1000 & (sleep 1000 & sleep 1000) & echo up; wait',
    'a command that ignores signals':
      'trap "" TERM INT HUP PIPE; sleep 1000 & echo up; while :; do sleep 0.1; done',
  };
  await Promise.all(
    Object.entries(scripts).map(async ([about, script]) => {
      const marker = randomUUID();
      const parent = spawn(process.execPath, ['--input-type=module', '-e', program(script, marker)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(parent.stdout, 'data');
      const running = findMarked(marker);
      t.ok(running.length >= 2, `${about}: command and guard run`);
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      t.strictSame(await noneLeft(marker), [], about);
      for (const pid of running) t.notOk(existsSync(`/proc/${pid}/exe`), about);
    }),
  );
});

t.test(
  'where the kernel weighs sessions, that of a command that gives way gives way too, of whichever user',
  async (t) => {
    const weighs = existsSync('/proc/self/autogroup');
    const told = `sed 's/.*nice/nice/' /proc/$$/autogroup`;
    const waits = `i=0; until ${told} | grep -qx 'nice 10' || [ $i = 100 ]; do i=$((i+1)); sleep 0.1; done; ${told}`;
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const asServer = process.getuid?.() === 0 ? asNobody : [];
    // Who is not root may say so ten times a second only: all but one of those that begin at once have to ask again.
    const cases = [
      { words: asServer, script: waits, givesWay: true, said: ['nice 10', 'nice 10', 'nice 10'] },
      { words: [], script: waits, givesWay: true, said: ['nice 10'] },
      { words: [], script: told, givesWay: false, said: ['nice 0'] },
    ];
    await Promise.all(
      cases.map(async ({ words, script, givesWay, said }) => {
        const commands = said.map(() => ({ ...shell(weighs ? script : 'echo'), givesWay }));
        const source = `
          import { spawnGuarded } from ${JSON.stringify(spawnModule)};
          const children = ${JSON.stringify(commands)}.map((command) => spawnGuarded(command, 'm'));
          for (const { stdout } of children) stdout.pipe(process.stdout);
          await Promise.all(children.map(({ ended }) => ended));
        `;
        const [file, ...args] = [...words, process.execPath, '--input-type=module', '-e', source];
        const parent = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
        const lines: string[] = [];
        readLines(parent.stdout, (line) => lines.push(line));
        await once(parent, 'close');
        t.strictSame(lines, weighs ? said : said.map(() => ''), `${words.join(' ')} gives way: ${givesWay}`);
      }),
    );
  },
);

t.test('a command that was asked to end and does not, ends when this process is killed', async (t) => {
  const marker = randomUUID();
  const script = 'trap "echo asked" TERM; echo up; while :; do sleep 0.05; done';
  const source = `${program(script, marker)} child.stdout.once('data', () => child.terminate());`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve) =>
    readLines(parent.stdout, (line) => (line === 'asked' ? resolve() : undefined)),
  );
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  t.strictSame(await noneLeft(marker), []);
});

t.test('a short command gives what it printed on both streams', async (t) => {
  const sh = async (script: string): Promise<unknown> => runBriefly('sh', ['-c', script], 5000);
  t.strictSame(await sh('echo a; echo b >&2; exit 3'), {
    outcome: { kind: 'exited', code: 3 },
    output: 'a\nb',
  });
  t.strictSame(await sh('kill -9 $$'), { outcome: { kind: 'signalled', signal: 'SIGKILL' }, output: '' });
  t.strictSame(await sh('read -r line || echo no input'), {
    outcome: { kind: 'exited', code: 0 },
    output: 'no input',
  });
  t.match(await runBriefly('no-such-program-here', [], 5000), {
    outcome: { kind: 'failed to start', cause: Error },
    output: '',
  });
  t.match(await runBriefly('sleep', ['1000'], 50), { outcome: { kind: 'signalled', signal: 'SIGTERM' } });
});
