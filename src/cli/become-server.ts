import { TransferError } from '../errors.js';
import { runInPlace } from '../processes/spawn.js';
import { findUser, type HostUser } from '../processes/user.js';
import { ownUser } from '../surroundings.js';

/**
 * What root may read says nothing of what the server may: goes on as the server's user. Gives the exit status of another process that has
 * done the work as that user, where this one cannot become him.
 */
export async function becomeServer(name: string | undefined): Promise<number | undefined> {
  if (ownUser().uid !== 0 || name === 'root') return undefined;
  const wanted = name ?? 'mysql';
  const user = await findUser(wanted);
  if (user === undefined) {
    if (name === undefined) return undefined;
    throw new TransferError('ARGUMENT_INVALID', `there is no user ${wanted} on this host`, {
      hint: 'name the one that the server runs as with --user',
    });
  }
  try {
    process.setgroups?.(user.groups);
    process.setgid?.(user.gid);
    process.setuid?.(user.uid);
    return undefined;
  } catch (error) {
    // As Node 20.19.2 of Debian 13, with its libuv 1.50, says: "setgroups() disabled: io_uring may be enabled".
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_STATE')) throw error;
    return runAs(user);
  }
}

/** Runs the same command once more. */
function runAs({ uid, gid }: HostUser): Promise<number> {
  const itself = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  return runInPlace('setpriv', [`--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--', ...itself]);
}
