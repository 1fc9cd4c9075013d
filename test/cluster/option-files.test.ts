import t from 'tap';
import { join } from 'node:path';
import { Lab, type NodeOptions } from '../lab/index.js';
import { Authority } from './credentials.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

t.setTimeout(300_000);

t.test('the tunnel is configured in any option file that the server reads', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  await boot(donor, tunnelOptions(donor, await authority.certifyNode(donor)));
  await donor.sql('CREATE DATABASE shop; CREATE TABLE shop.orders AS SELECT 1 AS id;');
  const { ca, cert, key } = await authority.certifyNode(joiner);
  const settings = `tca=${ca}\ntcert=${cert}\ntkey=${key}\n`;
  const wrong = 'tca=/none\ntcert=/none\ntkey=/none\n';
  const inDirectory = (name: string): string => join(joiner.directory, name);

  const cases: readonly { name: string; options: NodeOptions }[] = [
    {
      name: '--defaults-extra-file',
      options: {
        files: { 'extra.cnf': `!include ${joiner.optionFile}\n[sst]\n${settings}` },
        defaultsArguments: [`--defaults-extra-file=${inDirectory('extra.cnf')}`],
      },
    },
    {
      name: '--defaults-group-suffix',
      options: {
        optionText: `[sst]\n${wrong}[sst_two]\n${settings}`,
        defaultsArguments: [`--defaults-file=${joiner.optionFile}`, '--defaults-group-suffix=_two'],
      },
    },
    {
      name: '!include',
      options: {
        optionText: `!include ${inDirectory('more/tunnel.cnf')}\n`,
        files: { 'more/tunnel.cnf': `[sst]\n${settings}` },
      },
    },
    {
      name: '!includedir, where the last file counts',
      options: {
        optionText: `[sst]\n${wrong}!includedir ${inDirectory('conf.d')}\n`,
        files: { 'conf.d/10-wrong.cnf': `[sst]\n${wrong}`, 'conf.d/20-right.cnf': `[sst]\n${settings}` },
      },
    },
  ];
  for (const { name, options } of cases) {
    await t.test(name, async (t) => {
      await joiner.stop();
      const base = tunnelOptions(joiner, {});
      const start = { ...base, ...options, certificates: {} };
      await joins(t, { donor, joiner, start });
    });
  }
});
