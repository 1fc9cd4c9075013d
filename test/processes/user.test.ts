import { userInfo } from 'node:os';
import t from 'tap';
import { findUser } from '../../src/processes/user.js';

t.test('this user is found, with all groups', async (t) => {
  const { username, uid, gid } = userInfo();
  const user = await findUser(username);
  t.match(user, { uid, gid });
  t.ok(user?.groups.includes(gid));
});

t.test('nobody is found under a name that no user has', async (t) => {
  for (const name of ['no-such-user-here', '-x', '']) t.equal(await findUser(name), undefined, name);
});
