import { TransferError } from '../errors.js';
import { findUser } from '../processes/user.js';
import { ownUser } from '../surroundings.js';

/** What root may read says nothing of what the server may. */
export async function becomeServer(name: string | undefined): Promise<void> {
  if (ownUser().uid !== 0 || name === 'root') return;
  const wanted = name ?? 'mysql';
  const user = await findUser(wanted);
  if (user === undefined) {
    if (name === undefined) return;
    throw new TransferError('ARGUMENT_INVALID', `there is no user ${wanted} on this host`, {
      hint: 'name the one that the server runs as with --user',
    });
  }
  process.setgroups?.(user.groups);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
}
