import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { BareNode, stateId, type RunOptions } from './bare-node.js';
import { Material } from './material.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(300_000);

/** The account that the server has made for its script; not ours to use, and never to be shown. */
const account = 'sst_user=wsrep.sst.1\nsst_password=Acc0unt-Pa55word\n';

/** Runs the script with a pipe for stdin, as a server does; what the script has not read of it is kept. */
function withStdin(node: BareNode, text: string): RunOptions {
  const written = node.file('stdin', text);
  const shell = 'in=$1 rest=$2; shift 2; cat "$in" | { "$@"; s=$?; cat >"$rest"; exit $s; }';
  return { through: ['sh', '-c', shell, 'sh', written, `${node.dir}/rest`] };
}

async function nodes(t: Test): Promise<[BareNode, BareNode]> {
  const pair: [BareNode, BareNode] = [await BareNode.create(), await BareNode.create()];
  t.teardown(async () => {
    for (const node of pair) await node.destroy();
  });
  for (const node of pair) node.configure(material.groups());
  return pair;
}

t.test('a server of 11.x hands the secret over on stdin', (t) => {
  for (const { title, args } of [
    { title: 'for a full copy', args: [] },
    { title: 'for an IST', args: ['--bypass'] },
  ]) {
    t.test(title, async (t) => {
      const [joiner, donor] = await nodes(t);
      // A joiner's stdin is what the server itself was started with: whose it is, it must find whole.
      const joining = joiner.start('joiner', withStdin(joiner, 'for somebody else\n'));
      const { auth, address } = await joining.ready();
      const [user = '', secret = ''] = auth.split(':');
      const text = `${account}sst_remote_user=${user}\nsst_remote_password=${secret}\n`;
      const giving = donor.start('donor', { ...withStdin(donor, text), address, args });
      if (args.length === 0) {
        await giving.said(/^flush tables$/);
        donor.file('data/tables_flushed', `${stateId}:42 0\n`);
      }
      t.equal(await giving.ended, 0, giving.stderr.join('\n'));
      t.equal(await joining.ended, 0, joining.stderr.join('\n'));
      t.equal(joining.stdout.at(-1), `${stateId}:${args.length === 0 ? 42 : 7} 0`);
      t.equal(
        readFileSync(`${joiner.dir}/rest`, 'utf8'),
        'for somebody else\n',
        'the joiner has read nothing',
      );
      const log = [...giving.stderr, ...giving.stdout, ...joining.stderr].join('\n');
      t.notMatch(log, /Acc0unt|wsrep\.sst\.1/, 'the account is not shown');
      t.notOk(log.includes(secret), 'nor is the secret');
    });
  }
  t.end();
});

t.test('lines without a joiner’s secret are those for the original script’s joiner', async (t) => {
  const [joiner, donor] = await nodes(t);
  const joining = joiner.start('joiner');
  const { address } = await joining.ready();
  // 11.x leaves out the remote lines when the joiner's address had no secret.
  const giving = donor.start('donor', { ...withStdin(donor, account), address });
  await giving.ended;
  t.match(giving.stderr.join('\n'), /the joiner gave no secret: it runs the original script/);
  t.match(giving.errors(), [/ SECRET_MISSING: look at the joiner/], 'which this joiner is not');
  t.same(giving.stdout, [], 'the lock is not asked for');
});
