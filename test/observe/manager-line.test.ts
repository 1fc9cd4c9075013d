import t from 'tap';
import { managerLine } from '../../src/observe/manager-line.js';
import type { CheckedServer } from '../../src/transfers/check-node.js';
import { transferOf } from '../cli/agent.js';

const checkedWith = (...severities: readonly ('error' | 'warning')[]): CheckedServer[] => [
  {
    ...{ dataDir: '/d', at: '', certificates: [], files: [] },
    findings: severities.map((severity) => ({
      ...{ severity, message: 'taken' },
      ...{ code: 'PORT_BUSY' as const, roles: ['joiner' as const] },
    })),
  },
];

t.test('the manager is told what runs, or what would fail', async (t) => {
  const donor = transferOf();
  const waiting = transferOf({
    role: 'joiner',
    phase: 'waiting for donor',
    peer: undefined,
    percent: undefined,
  });
  const met = { ...waiting, peer: 'node1 (192.0.2.1)' };
  const sending = 'donor to node2:4444: copying, 1.2 GB of 4.0 GB (30.0 %), 98.2 MB/s, 0:29 left';
  const cases = [
    [[], [], false, 'waiting for transfers'],
    [
      [],
      checkedWith('error', 'warning', 'warning'),
      false,
      'waiting for transfers; self-checks: 1 error, 2 warnings, see galera-sst-tunnel status',
    ],
    [[donor], checkedWith('error'), false, sending],
    [[waiting], [], false, 'joiner at node2:4444: waiting for donor'],
    [
      [donor, met],
      [],
      true,
      `starts again when this has ended: ${sending}; joiner from node1 (192.0.2.1): waiting for donor`,
    ],
  ] as const;
  for (const [running, checked, isDraining, line] of cases)
    t.equal(managerLine(running, checked, isDraining), line);
});
