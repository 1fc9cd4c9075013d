import t from 'tap';
import { arbitratorConfig, groupOf, understandArbitrator } from '../../src/check/arbitrator.js';
import { settingsOf } from '../config/given.js';

t.test('the arbitrator is told where the cluster is, and asks for a transfer to this address', async (t) => {
  const group = groupOf(
    settingsOf({
      mysqld: {
        wsrep_cluster_address: 'gcomm://node1,node2',
        wsrep_cluster_name: 'shop',
        wsrep_provider_options: 'gcache.size=1G; socket.ssl_ca=/ca;socket.ssl_cert=/c ;socket.ssl_key=/k',
      },
    }),
  );
  t.equal(
    arbitratorConfig(group, 'sst:secret@10.0.0.2:4444/data', 'node1'),
    [
      'address = gcomm://node1,node2',
      'group = shop',
      'name = rehearsal',
      'options = gmcast.listen_addr=tcp://0.0.0.0:0;socket.ssl_ca=/ca;socket.ssl_cert=/c;socket.ssl_key=/k',
      'sst = rsync_tunnel:sst:secret@10.0.0.2:4444/data',
      'donor = node1',
      '',
    ].join('\n'),
  );
  const plain = groupOf(settingsOf({ mysqld: { wsrep_cluster_address: 'gcomm://node1' } }));
  t.match(arbitratorConfig(plain, 'x', undefined), /group = my_wsrep_cluster\n/);
  t.notMatch(arbitratorConfig(plain, 'x', undefined), 'donor');
  t.notMatch(arbitratorConfig(plain, undefined, undefined), 'sst', 'it can also only look around');
});

t.test('a node that names no cluster cannot rehearse', async (t) => {
  for (const address of [undefined, '', 'gcomm://', 'dummy://x']) {
    const mysqld = address === undefined ? {} : { wsrep_cluster_address: address };
    t.throws(() => groupOf(settingsOf({ mysqld })), {
      code: 'OPTION_MISSING',
      option: 'wsrep_cluster_address',
      hint: /name its nodes/,
    });
  }
});

t.test('what the arbitrator says is understood as it is written by 26.4.23', async (t) => {
  const cases = [
    [
      "2026-11-22 07:07:34.735  INFO: Sending state transfer request: 'rsync_tunnel:sst:secret@node2:4444/x', size: 104",
      { kind: 'routine' },
    ],
    ['\tgroup UUID = 407fb6b0-e643-11f1-99ad-bbd79a89f1d4', { kind: 'routine' }],
    [
      "2026-11-22 07:07:34.736  WARN: Member 2.0 (rehearsal) requested state transfer from 'nobody', but it is impossible to select State Transfer donor: Requested donor is not available",
      { kind: 'no donor', reason: 'Requested donor is not available' },
    ],
    [
      "2026-11-22 07:07:34.736  WARN: Member 2.0 (rehearsal) requested state transfer from '*any*', but it is impossible to select State Transfer donor: Resource temporarily unavailable",
      { kind: 'trouble' },
    ],
    [
      "2026-11-22 07:11:53.036  INFO: Member 2.0 (rehearsal) requested state transfer from '*any*'. Selected 0.0 (node1)(SYNCED) as donor.",
      { kind: 'donor', name: 'node1' },
    ],
    [
      '2026-11-22 09:47:18.517  INFO: STATE EXCHANGE: got state msg: b48572e4-e659-11f1-bcb1-1373fdb7eb46 from 1 (node2)',
      { kind: 'member', name: 'node2' },
    ],
    ['2026-11-22 09:47:18.518  INFO: Quorum results:', { kind: 'members told' }],
    ['2026-11-22 07:07:34.737 ERROR: State transfer request failed', { kind: 'trouble' }],
  ] as const;
  for (const [line, said] of cases) t.strictSame(understandArbitrator(line), said, line);
});
