import { describeFailure } from '../errors.js';
import type { CheckedServer, NodeFinding } from './check-node.js';

/** What is worth telling after a check: what an earlier one had not found, and what is gone. */
export interface CheckChanges {
  readonly appeared: readonly NodeFinding[];
  readonly disappeared: readonly NodeFinding[];
}

/** Compares two checks of the same server; the first has nothing to be compared with. */
export function compareChecks(before: CheckedServer | undefined, after: CheckedServer): CheckChanges {
  const known = new Set(before?.findings.map(keyOf));
  const still = new Set(after.findings.map(keyOf));
  return {
    appeared: after.findings.filter((finding) => !known.has(keyOf(finding))),
    disappeared: before?.findings.filter((finding) => !still.has(keyOf(finding))) ?? [],
  };
}

/** Times that pass are no news: `expired 3 days ago`. */
function keyOf(finding: NodeFinding): string {
  const text = describeFailure(finding).replace(/(?:\d+ (?:day|hour|minute|second)s? )+ago/g, 'ago');
  return `${finding.severity} ${finding.code} ${finding.roles.join()} ${text}`;
}
