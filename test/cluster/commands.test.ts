import t from 'tap';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from './credentials.js';
import { meet, noteCalls, notedCalls, state } from './scripts.js';

const request = { commonName: 'any.name', ipAddresses: ['127.0.0.1'] };

async function options(folder: string): Promise<string> {
  const { ca, cert, key } = await (await Authority.create(folder)).certify('node', request);
  return `[sst]\ntca=${ca}\ntcert=${cert}\ntkey=${key}\nbackup-threads=2\n`;
}

t.test('every command in the log, pasted into a shell, is the one that ran', async (t) => {
  const folder = t.testdir();
  const odd = join(folder, "it's a $(dir); with 'quotes', \"all\" & more");
  mkdirSync(odd);
  const text = await options(join(odd, 'certificates'));
  const path = noteCalls(folder, ['socat', 'rsync']);
  const { joiner, donor } = await meet({ folder: odd, joiner: text, donor: text, path });

  const ran = notedCalls(folder);
  const [listener] = pasted(joiner.log, /\[INFO\] listener: (cd .*) \(\d{8} [\d:.]+\)$/gm);
  t.ok(contains(ran, listener), 'the listener');
  const [client] = pasted(donor.log, /each rsync below speaks through: (.*) \(\d{8} [\d:.]+\)$/gm);
  t.ok(contains(ran, client), "the tunnel's client");
  const clients = pasted(donor.log, /\[INFO\] [\w .]+: (GALERA_SST_TUNNEL_TO=.*) \(\d{8} [\d:.]+\)$/gm);
  t.ok(clients.length >= 5, 'offer, answer, streams, verdict, manifest');
  for (const argv of clients) t.ok(contains(ran, argv), `${argv.slice(0, 3).join(' ')} …`);
});

for (const secretsBy of ['environment', 'stdin'] as const) {
  t.test(`the secret, given by ${secretsBy}, is in no command line and no log`, async (t) => {
    const folder = t.testdir();
    const text = await options(folder);
    let argvs = '';
    let environments = 0;
    const { joiner, donor, secret } = await meet({
      folder,
      joiner: text,
      donor: text,
      secretsBy,
      path: noteCalls(folder, ['socat', 'rsync', 'sh', 'setpriv']),
      whileLocking: (secret) => {
        argvs = commandLines();
        environments = argvs.includes(secret) ? 1 : 0;
      },
    });
    t.match(secret, /^[0-9a-f]{32,}$/);
    t.match(argvs, /OPENSSL-LISTEN/, 'the processes were seen');
    t.equal(environments, 0);
    t.notOk(
      notedCalls(folder)
        .flat()
        .some((word) => word.includes(secret)),
    );
    t.notOk((joiner.log + donor.log).includes(secret));
    t.notMatch(donor.log, /someone|sst_password/);
    t.same([joiner.code, donor.code], [0, 0]);
    t.equal(joiner.lines.at(-1), state);
  });
}

/** What a shell makes of the commands that a pattern finds. */
function pasted(log: string, pattern: RegExp): string[][] {
  const show = 'show() { for word; do printf "%s\\0" "$word"; done; }; cd() { :; }; ';
  const programs = 'socat() { show socat "$@"; }; rsync() { show rsync "$@"; }; ';
  return [...log.matchAll(pattern)].map((match) =>
    execFileSync('sh', ['-c', `${show}${programs}${match[1] ?? ''}`])
      .toString()
      .split('\0')
      .slice(0, -1),
  );
}

function contains(calls: readonly string[][], argv: readonly string[] | undefined): boolean {
  return argv !== undefined && calls.some((call) => JSON.stringify(call) === JSON.stringify(argv));
}

function commandLines(): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .join('\n');
}
