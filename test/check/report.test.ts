import t from 'tap';
import { exitStatusOf, reportOf, section, topicOf, topics } from '../../src/check/report.js';
import { errorTable, type ErrorCode, type Finding } from '../../src/errors.js';

const finding = (severity: Finding['severity']): Finding => ({ severity, code: 'PORT_BUSY', message: 'm' });

t.test('a report is as bad as its worst finding, and so is the exit status', async (t) => {
  const cases = [
    [[], 'ok', 0],
    [[finding('warning')], 'warning', 1],
    [[finding('warning'), finding('error')], 'error', 2],
  ] as const;
  for (const [findings, status, exit] of cases) {
    const report = reportOf('x', [section('a', [], []), section('b', [], findings)]);
    t.equal(report.status, status);
    t.equal(exitStatusOf(report), exit);
  }
});

t.test('every code has a topic', async (t) => {
  for (const code of Object.keys(errorTable) as ErrorCode[]) t.ok(topics.includes(topicOf(code)), code);
  t.strictSame(
    (['TOOL_MISSING', 'KEY_EXPOSED', 'CERTIFICATE_EXPIRED', 'CRL_UNUSABLE', 'PORT_FORBIDDEN'] as const).map(
      topicOf,
    ),
    ['tools', 'certificates', 'dates', 'certificates', 'port'],
  );
});
