import type { Socket } from 'node:net';

/** Keeps a server from having more connections than a number. */
export interface Doorkeeper {
  readonly admit: (socket: Socket) => void;
  /** A whole request has come over this connection. */
  readonly heard: (socket: Socket) => void;
}

/**
 * One connection more closes the oldest over which no whole request has come yet, and is itself closed where there is none:
 * whoever keeps silent, or takes his time, shuts nobody out.
 */
export function createDoorkeeper(most: number): Doorkeeper {
  const all = new Set<Socket>();
  /** In the order in which they came. */
  const silent = new Set<Socket>();
  return {
    admit: (socket) => {
      all.add(socket);
      silent.add(socket);
      socket.once('close', () => {
        all.delete(socket);
        silent.delete(socket);
      });
      if (all.size <= most) return;
      const [oldest = socket] = silent;
      all.delete(oldest);
      silent.delete(oldest);
      oldest.destroy();
    },
    heard: (socket) => void silent.delete(socket),
  };
}
