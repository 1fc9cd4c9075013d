import t from 'tap';
import { commandsOf, mergeScriptLines, readScriptLines } from './script-log.js';

const donor = `2026-11-22  0:45:01 0 [Note] WSREP: Running: 'wsrep_sst_rsync_tunnel --role donor'
WSREP_SST: [INFO] phase: checking (20261122 00:45:01.010)
WSREP_SST: [INFO] copy stream 1: GALERA_SST_TUNNEL_TO='OPENSSL:node2.my.cluster:4444' RSYNC_PASSWORD="$SECRET" rsync a b (20261122 00:45:01.500)
WSREP_SST: [INFO] phase: done (20261122 00:45:03.000)
`;
const joiner = `WSREP_SST: [INFO] listener: cd /tmp/x && socat -d -d OPENSSL-LISTEN:4444 EXEC:y (20261122 00:45:00.900)
WSREP_SST: [WARNING] the clock jumped HINT: look (20261122 00:45:01.010)
`;

t.test('both sides are told in the order of time', (t) => {
  const lines = mergeScriptLines(readScriptLines('node1', donor), readScriptLines('node2', joiner));
  t.strictSame(
    lines.map(({ node, level, timeMs }) => `${node} ${level} ${timeMs}`),
    [
      'node2 INFO 2700900',
      'node1 INFO 2701010',
      'node2 WARNING 2701010',
      'node1 INFO 2701500',
      'node1 INFO 2703000',
    ],
  );
  t.end();
});

t.test('commands are found, with the directory and variables that they need', (t) => {
  t.strictSame(commandsOf([...readScriptLines('node2', joiner), ...readScriptLines('node1', donor)]), [
    { name: 'listener', command: 'cd /tmp/x && socat -d -d OPENSSL-LISTEN:4444 EXEC:y' },
    {
      name: 'copy stream 1',
      command: `GALERA_SST_TUNNEL_TO='OPENSSL:node2.my.cluster:4444' RSYNC_PASSWORD="$SECRET" rsync a b`,
    },
  ]);
  t.end();
});
