import { closeSync, constants, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { writing } from '../errors.js';
import type { JoinerPlan } from '../plan/joiner.js';
import { gateFile } from '../plan/rsyncd-conf.js';
import { runBriefly } from '../processes/spawn.js';

/** What a joiner has to say to its donor. */
export interface Outbox {
  /** The donor's daemon sees either none or all of the message; whoever waits for it goes on. */
  publish(directory: string, name: string, text: string): void;
  /** The same for a message that nobody waits for; a later one takes the place of the earlier. */
  show(directory: string, name: string, text: string): void;
  close(): void;
}

/** More than ever wait for one message. */
const mostReaders = 64;

/**
 * Makes the gates at which readers of messages wait: named pipes, so that waiting costs nothing however long it takes.
 * Where the private directory's file system has none, readers look now and then instead.
 */
export async function openOutbox({ answer, verdict }: JoinerPlan): Promise<Outbox> {
  const gates = [answer, verdict].map((directory) => join(directory, gateFile));
  await runBriefly('mkfifo', ['-m', '600', ...gates], 5000);
  const opened: number[] = [];
  const show: Outbox['show'] = (directory, name, text) => {
    const draft = join(directory, `.${name}`);
    writing(join(directory, name), () => {
      writeFileSync(draft, text, { mode: 0o600 });
      renameSync(draft, join(directory, name));
    });
  };
  return {
    show,
    publish: (directory, name, text) => {
      show(directory, name, text);
      try {
        // Kept open: a reader may have seen that there is no message, and come to the gate only now.
        const gate = openSync(join(directory, gateFile), constants.O_RDWR | constants.O_NONBLOCK);
        opened.push(gate);
        writeSync(gate, '\n'.repeat(mostReaders));
      } catch {
        // No gate here.
      }
    },
    close: () => {
      for (const gate of opened.splice(0)) closeSync(gate);
    },
  };
}
