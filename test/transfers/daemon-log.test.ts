import t from 'tap';
import { understandDaemonLine, type DaemonLine } from '../../src/transfers/daemon-log.js';

/** Lines of the log of rsync 3.5.0 as a daemon behind socat, with what they mean to a waiting joiner. */
const lines: readonly [string, DaemonLine][] = [
  ['connect from UNDETERMINED (0.0.0.0)', { kind: 'routine' }],
  ['receiving file list', { kind: 'routine' }],
  [
    'auth failed on module rsync_tunnel_sst from UNDETERMINED (0.0.0.0) for nobody: no matching rule',
    { kind: 'no secret', user: 'nobody' },
  ],
  [
    'auth failed on module rsync_tunnel_sst-log_dir from UNDETERMINED (0.0.0.0) for mysql: no matching rule',
    { kind: 'no secret', user: 'mysql' },
  ],
  [
    'auth failed on module rsync_tunnel_sst from UNDETERMINED (0.0.0.0) for sst: password mismatch',
    { kind: 'wrong secret' },
  ],
  [
    'auth failed on module rsync_tunnel_sst from UNDETERMINED (0.0.0.0) for sst: ignoring secrets file',
    {
      kind: 'trouble',
      text: 'auth failed on module rsync_tunnel_sst from UNDETERMINED (0.0.0.0) for sst: ignoring secrets file',
    },
  ],
  [
    'ERROR: shop/orders.ibd failed verification -- update put into place.',
    { kind: 'damaged', text: 'ERROR: shop/orders.ibd failed verification -- update put into place.' },
  ],
  [
    'WARNING: shop/orders.ibd failed verification -- update put into place (will try again).',
    { kind: 'routine' },
  ],
  [
    'rsync to rsync_tunnel_sst-log_dir/ from sst@UNDETERMINED (0.0.0.0)',
    { kind: 'donor', access: 'write', module: 'rsync_tunnel_sst-log_dir' },
  ],
  ['sent 59 bytes  received 10149 bytes  total size 10000', { kind: 'delivered', bytes: 10_000 }],
  ['sent 59 bytes  received 10,149 bytes  total size 1,000,000', { kind: 'delivered', bytes: 1_000_000 }],
  [
    'rsync on rsync_tunnel_sst-answer/answer.json from sst@UNDETERMINED (0.0.0.0)',
    { kind: 'donor', access: 'read', module: 'rsync_tunnel_sst-answer' },
  ],
  [
    'rsync: [receiver] open "ibdata1" (in rsync_tunnel_sst) failed: Permission denied (13)',
    {
      kind: 'not written',
      text: '[receiver] open "ibdata1" (in rsync_tunnel_sst) failed: Permission denied (13)',
    },
  ],
  [
    'rsync: [receiver] write failed on "big" (in rsync_tunnel_sst): No space left on device (28)',
    {
      kind: 'not written',
      text: '[receiver] write failed on "big" (in rsync_tunnel_sst): No space left on device (28)',
    },
  ],
  [
    'rsync: [receiver] write failed on "probe" (in rsync_tunnel_sst-inbox): No space left on device (28)',
    {
      kind: 'trouble',
      text: 'rsync: [receiver] write failed on "probe" (in rsync_tunnel_sst-inbox): No space left on device (28)',
    },
  ],
  [
    'rsync: [receiver] mkstemp "/.probe.k3LmPq" (in rsync_tunnel_sst-inbox) failed: No space left on device (28)',
    {
      kind: 'trouble',
      text: 'rsync: [receiver] mkstemp "/.probe.k3LmPq" (in rsync_tunnel_sst-inbox) failed: No space left on device (28)',
    },
  ],
  [
    'rsync: [receiver] write failed on "probe" (in rsync_tunnel_sst): No space left on device (28)',
    {
      kind: 'not written',
      text: '[receiver] write failed on "probe" (in rsync_tunnel_sst): No space left on device (28)',
    },
  ],
  [
    'rsync error: error in rsync protocol data stream (code 12) at io.c(285) [receiver=3.5.0]',
    {
      kind: 'broken',
      text: 'rsync error: error in rsync protocol data stream (code 12) at io.c(285) [receiver=3.5.0]',
      isForked: true,
    },
  ],
  [
    'rsync: [Receiver] safe_read failed to read 1 bytes: Connection reset by peer (104)',
    {
      kind: 'broken',
      text: 'rsync: [Receiver] safe_read failed to read 1 bytes: Connection reset by peer (104)',
      isForked: false,
    },
  ],
  [
    'rsync: [generator] failed to set times on "/shop" (in rsync_tunnel_sst): Operation not permitted (1)',
    {
      kind: 'trouble',
      text: 'rsync: [generator] failed to set times on "/shop" (in rsync_tunnel_sst): Operation not permitted (1)',
    },
  ],
];

t.test("a line of the rsync daemon's log tells who is there and what went wrong", (t) => {
  for (const [text, meaning] of lines) {
    t.same(understandDaemonLine(`2026/11/22 00:20:18 [27801] ${text}`), meaning, text);
  }
  t.end();
});
