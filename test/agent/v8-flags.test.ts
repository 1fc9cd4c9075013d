import { spawnSync } from 'node:child_process';
import t from 'tap';
import { agentFlags } from '../../src/agent/v8-flags.js';

t.test('what V8 does not know it is not told', async (t) => {
  const setting = 'require("node:v8").setFlagsFromString(process.argv[1])';
  const flags = agentFlags(process.versions.v8).join(' ');
  const { status, stderr } = spawnSync(process.execPath, ['-e', setting, '--', flags], { encoding: 'utf8' });
  t.equal(stderr, '', `an agent's log consists of events: ${process.version}`);
  t.equal(status, 0);
});

t.test('by its version', async (t) => {
  const budget = '--interrupt-budget=1000000';
  t.ok(agentFlags('11.3.244.8-node.33').includes(budget));
  for (const version of ['12.4.254.21-node.57', '13.6.233.17-node.53'])
    t.strictSame(
      agentFlags(version),
      agentFlags('11.3').filter((flag) => flag !== budget),
      version,
    );
});
