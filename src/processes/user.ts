import { runBriefly } from './spawn.js';

/** A user of this host. */
export interface HostUser {
  readonly uid: number;
  readonly gid: number;
  /** All groups. */
  readonly groups: readonly number[];
}

/** Looks a user up where the system has its users from; undefined when there is none. */
export async function findUser(name: string): Promise<HostUser | undefined> {
  const [entry, groups] = await Promise.all([
    runBriefly('getent', ['passwd', name], 5000),
    runBriefly('id', ['-G', name], 5000),
  ]);
  const [, , uid, gid] = entry.output.split('\n')[0]?.split(':') ?? [];
  if (uid === undefined || gid === undefined) return undefined;
  const numbers = groups.output.split(/\s+/).filter((text) => /^\d+$/.test(text));
  return { uid: Number(uid), gid: Number(gid), groups: numbers.map(Number) };
}
