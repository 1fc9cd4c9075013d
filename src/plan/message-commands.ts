import { join } from 'node:path';
import type { Command } from './command.js';
import { fetchMessage, fetchSign, sendMessage, type TunnelClient } from './donor.js';
import { messageFiles } from './joiner.js';
import { messageModules } from './modules.js';

/** The commands of a donor that carry its messages and fetch the joiner's, in the order in which they run. */
export interface MessageCommands {
  readonly sign: Command;
  readonly offer: Command;
  readonly answer: Command;
  readonly verdict: Command;
  readonly probe: Command;
  readonly total: Command;
  readonly final: Command;
  /** Asked for now and then while the verdict does not come. */
  readonly verifying: Command;
  readonly failure: Command;
}

/** @param workDir where messages lie that are sent, and where fetched ones are put */
export function planMessages(client: TunnelClient, workDir: string): MessageCommands {
  const send = (file: string, name: string): Command =>
    sendMessage(join(workDir, file), messageModules.inbox, name, client);
  const fetch = (module: string, file: string, name: string, how = client): Command =>
    fetchMessage(file, module, `${workDir}/`, name, how);
  // Asked for as long before there is one as the copy takes.
  const patient = { ...client, timeoutSeconds: 0 };
  return {
    sign: send(messageFiles.sign, 'sign of life'),
    offer: send(messageFiles.offer, 'offer'),
    answer: fetch(messageModules.answer, messageFiles.answer, 'answer'),
    verdict: fetch(messageModules.verdict, messageFiles.verdict, 'verdict', patient),
    probe: send(messageFiles.probe, 'probe of the link'),
    total: send(messageFiles.total, 'total'),
    final: send(messageFiles.final, 'manifest'),
    verifying: fetchSign(
      messageFiles.verifying,
      // There its daemon lets nobody wait any more.
      messageModules.answer,
      `${workDir}/`,
      'sign of verification',
      client,
    ),
    failure: send(messageFiles.failure, 'failure'),
  };
}
