import { agentBytes, agentMessages } from './agent-api.js';
import { addressTexts, argumentLists, secrets } from './arguments.js';
import { pemFiles } from './certificates.js';
import { childOutput, serverLines, toolLines } from './lines.js';
import { manifestTexts, partialCopies, peerMessages } from './messages.js';
import { optionFiles } from './option-files.js';
import { plans } from './plans.js';
import type { Target } from './target.js';

/** Whatever reads what comes from outside. */
export const targets: readonly Target[] = [
  ...[optionFiles, addressTexts, argumentLists, secrets, plans],
  ...[serverLines, childOutput, toolLines],
  ...[manifestTexts, peerMessages, partialCopies],
  ...[agentMessages, agentBytes, pemFiles],
];

/** How many of so many inputs a target gets. */
export function shareOf({ share }: Target, count: number): number {
  const all = targets.reduce((sum, target) => sum + target.share, 0);
  return Math.ceil((count * share) / all);
}
