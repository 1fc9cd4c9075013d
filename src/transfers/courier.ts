import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { encodeManifest, type Manifest } from '../datadir/manifest.js';
import type { TransferError } from '../errors.js';
import { fetchMessage, sendMessage, type TunnelClient } from '../plan/donor.js';
import { messageFiles } from '../plan/joiner.js';
import { messageModules } from '../plan/modules.js';
import { supervise } from '../processes/supervise.js';
import type { TransferContext } from './context.js';
import { encodeTold, peerError, readAnswer, readTold, tell, type Answer } from './messages.js';
import { rsyncFailure } from './rsync-failure.js';
import type { Workplace } from './workplace.js';

/** Carries messages between donor and joiner, each through a tunnel of its own. */
export interface Courier {
  sendManifest(manifest: Manifest, name: 'offer' | 'final'): Promise<void>;
  /** Waits for the joiner's answer to the offer. */
  fetchAnswer(): Promise<Answer>;
  /** Waits for the joiner's verdict; throws the joiner's own reason if it is a bad one. */
  fetchVerdict(): Promise<void>;
  sendFailure(error: TransferError): Promise<void>;
  /** Lets the joiner see a sign of life. */
  sendSign(): Promise<void>;
}

export function courierTo(client: TunnelClient, workplace: Workplace, context: TransferContext): Courier {
  const supervision = { transferId: context.id, emit: context.emit, signal: context.signal };
  const send = async (file: string, name: string, how = supervision): Promise<void> => {
    const child = supervise(sendMessage(file, messageModules.inbox, name, client), how);
    const outcome = await child.ended;
    context.signal.throwIfAborted();
    if (outcome.kind !== 'exited' || outcome.code !== 0) throw rsyncFailure(child, outcome, client.sockopt);
  };
  const fetch = async (module: string, file: string, name: string): Promise<string> => {
    const child = supervise(fetchMessage(file, module, `${workplace.dir}/`, name, client), supervision);
    const outcome = await child.ended;
    context.signal.throwIfAborted();
    const received = join(workplace.dir, file);
    // The joiner closes its tunnel as soon as it was heard: what counts is that the message is here.
    if (existsSync(received)) return received;
    throw rsyncFailure(child, outcome, client.sockopt);
  };
  return {
    sendManifest: async (manifest, name) => {
      const file = workplace.write(messageFiles[name], encodeManifest(manifest));
      await send(file, name === 'offer' ? 'offer' : 'manifest');
    },
    fetchAnswer: async () => {
      const told = readAnswer(await fetch(messageModules.answer, messageFiles.answer, 'answer'));
      if (!told.ok) throw peerError('joiner', told.failure);
      return told.value;
    },
    fetchVerdict: async () => {
      const told = readTold(await fetch(messageModules.verdict, messageFiles.verdict, 'verdict'));
      if (!told.ok) throw peerError('joiner', told.failure);
    },
    sendFailure: async (error) => {
      const file = workplace.write(messageFiles.failure, encodeTold({ ok: false, failure: tell(error) }));
      await send(file, 'failure', { ...supervision, signal: AbortSignal.timeout(4000) });
    },
    sendSign: async () => send(workplace.write('waiting', ''), 'sign of life'),
  };
}
