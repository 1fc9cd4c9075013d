import { runBriefly } from './spawn.js';

/** A user of this host. */
export interface HostUser {
  readonly uid: number;
  readonly gid: number;
}

/** Looks a user up where the system has its users from; undefined when there is none. */
export async function findUser(name: string): Promise<HostUser | undefined> {
  const { output } = await runBriefly('getent', ['passwd', name], 5000);
  const [, , uid, gid] = output.split('\n')[0]?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
