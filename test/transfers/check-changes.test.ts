import t from 'tap';
import { compareChecks } from '../../src/transfers/check-changes.js';
import type { CheckedServer, NodeFinding } from '../../src/transfers/check-node.js';

const finding = (message: string): NodeFinding => ({
  severity: 'warning',
  code: 'CERTIFICATE_EXPIRES_SOON',
  message,
  roles: ['joiner'],
});
const check = (...findings: NodeFinding[]): CheckedServer => ({
  dataDir: '/d',
  at: '2026-01-01T00:00:00Z',
  findings,
  certificates: [],
  files: [],
});

t.test('what is new and what is gone is told', async (t) => {
  const [a, b] = [finding('a'), finding('b')];
  t.strictSame(compareChecks(undefined, check(a)), { appeared: [a], disappeared: [] });
  t.strictSame(compareChecks(check(a), check(b)), { appeared: [b], disappeared: [a] });
  t.strictSame(compareChecks(check(a), check(a)), { appeared: [], disappeared: [] });
});

t.test('time that passes is no news', async (t) => {
  const [one, two] = [finding('expired 3 days 1 hour ago'), finding('expired 4 days ago')];
  t.strictSame(compareChecks(check(one), check(two)).disappeared.length, 0);
});
