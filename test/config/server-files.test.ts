import t from 'tap';
import { resolveServerFiles } from '../../src/config/server-files.js';
import { settingsOf } from './given.js';

t.test('what the server keeps for itself is found in its command line and option files', async (t) => {
  const settings = settingsOf({
    server: ['--log_error=logs/error', '--pid-file=/run/mysqld.pid'],
    mysqld: {
      'pid-file': '/elsewhere.pid',
      log_error: 'other',
      tmpdir: 'tmp1:/tmp2',
      socket: '',
      slow_query_log_file: 'logs/slow.log',
    },
  });
  t.strictSame(resolveServerFiles(settings), [
    { kind: 'log', path: 'logs/error' },
    { kind: 'log', path: 'logs/slow.log' },
    { kind: 'file', path: '/run/mysqld.pid' },
    { kind: 'directory', path: 'tmp1' },
    { kind: 'directory', path: '/tmp2' },
  ]);
});
