import { request as httpRequest, type Agent, type ClientRequest, type IncomingMessage } from 'node:http';

/**
 * One request to an agent; gives the answer when its header is there, and rejects when that takes too long. Without `agent` it has
 * a connection of its own: node's global one keeps them, and may use one that the other side is just closing.
 */
export function exchange(
  socketPath: string,
  agent: Agent | undefined,
  method: string,
  path: string,
  body: object | undefined,
  withinMs: number,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const sent: ClientRequest = httpRequest({
      socketPath,
      agent: agent ?? false,
      method,
      path,
      headers:
        text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    });
    const timer = setTimeout(() => {
      sent.destroy(new Error(`no answer within ${withinMs} ms`));
    }, withinMs);
    sent.once('response', (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    sent.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    sent.end(text);
  });
}
