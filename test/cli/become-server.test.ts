import { spawnSync } from 'node:child_process';
import t from 'tap';
import { findUser } from '../../src/processes/user.js';

const moduleUrl = new URL('../../src/cli/become-server.js', import.meta.url).href;
const user = await findUser('mysql');

/** Runs a process of root that becomes the server's user after `first`, says who it is then, and ends with status 7. */
function becomes(first: string): { status: number | null; stdout: string; stderr: string } {
  const source = `
    import { becomeServer } from ${JSON.stringify(moduleUrl)};
    ${first}
    process.exitCode = await becomeServer('mysql') ?? 7;
    if (process.getuid() !== 0) console.log([process.getuid(), process.getgid(), ...process.getgroups().sort()].join());`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
}

const { uid, gid, groups } = user ?? { uid: 0, gid: 0, groups: [] };
const wanted = `${[uid, gid, ...[...groups].sort()].join()}\n`;

t.test("root goes on as the server's user, with his groups", (t) => {
  t.match(becomes(''), { status: 7, stdout: wanted, stderr: '' });
  t.end();
});

t.test('where Node does not let it, the command runs once more as that user', (t) => {
  const refuse = `process.setgroups = () => {
    throw Object.assign(new Error('setgroups() disabled: io_uring may be enabled.'), { code: 'ERR_INVALID_STATE' });
  };`;
  t.match(becomes(refuse), { status: 7, stdout: wanted, stderr: '' });
  t.end();
});
