import t from 'tap';
import { isRoutine } from '../../src/transfers/listener.js';

const said = (text: string): string => `2026/11/28 20:26:11 socat[20221] ${text}`;

t.test(
  'what every transfer has the listener say is routine, what keeps one from going on is not',
  async (t) => {
    for (const text of [
      'N accepting connection from AF=2 127.0.0.1:49304 on AF=2 127.0.0.1:20317',
      'I SSL connection opened',
      'E waitpid(): child 17 exited with status 1',
      'W exiting on signal 15',
      'W waitpid(-1, {}, WNOHANG): no child has exited',
    ])
      t.ok(isRoutine(said(text)), text);
    for (const text of [
      'E bind(5, {AF=2 0.0.0.0:4444}, 16): Address already in use',
      'E SSL_accept(): error:0A000086:SSL routines::certificate verify failed',
      'W waitpid(-1, {}, WNOHANG): Interrupted system call',
    ])
      t.notOk(isRoutine(said(text)), text);
  },
);
