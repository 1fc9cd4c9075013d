import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { findMarked } from '../../src/processes/proc.js';
import { watchParent } from '../../src/sst-script/parent.js';

t.test('the end of the server that was named is noticed, once', async (t) => {
  const server = spawn('sleep', ['1000']);
  await once(server, 'spawn');
  const keepAlive = setInterval(() => undefined, 1000);
  let calls = 0;
  const gone = new Promise<Error>((resolve) => {
    watchParent(server.pid, (error) => {
      calls += 1;
      resolve(error);
    });
  });
  server.kill('SIGKILL');
  t.match(await gone, {
    code: 'PARENT_GONE',
    message: `the server (process ${server.pid ?? 0}) has ended`,
    exitStatus: 32,
  });
  clearInterval(keepAlive);
  t.equal(calls, 1);
});

t.test('a shell between the server and its script does not hide the end of the server', async (t) => {
  const module = new URL('../../src/sst-script/parent.js', import.meta.url).href;
  const source = `
    import { watchParent } from ${JSON.stringify(module)};
    watchParent(undefined, (error) => { console.log(error.message); clearInterval(keepAlive); });
    const keepAlive = setInterval(() => {}, 1000);
    console.log('watching');
  `;
  // As the server runs it; the second command keeps the shell.
  const inner = '"$0" --input-type=module -e "$1"; : --role donor';
  const program = `
    const { spawn } = require('node:child_process');
    spawn('sh', ['-c', ...process.argv.slice(1)], { stdio: 'inherit' });
  `;
  const server = spawn(process.execPath, ['-e', program, inner, process.execPath, source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  server.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  while (!said.includes('watching')) await once(server.stdout, 'data');
  server.kill('SIGKILL');
  await once(server, 'close');
  t.equal(said, `watching\nthe server (process ${server.pid ?? 0}) has ended\n`);
});

t.test('who stops watching is not told', async (t) => {
  const server = spawn('sleep', ['1000']);
  await once(server, 'spawn');
  const stop = watchParent(server.pid, () => t.fail('told after all'));
  // This one is told at the same turn of the clock.
  const told = new Promise<void>((resolve) => watchParent(server.pid, () => resolve()));
  const keepAlive = setInterval(() => undefined, 1000);
  stop();
  server.kill('SIGKILL');
  await told;
  clearInterval(keepAlive);
});

t.test('the end of the process that started this one is noticed without its number', async (t) => {
  const module = new URL('../../src/sst-script/parent.js', import.meta.url).href;
  const source = `
    import { watchParent } from ${JSON.stringify(module)};
    watchParent(undefined, (error) => { console.log(error.code); clearInterval(keepAlive); });
    const keepAlive = setInterval(() => {}, 1000);
    console.log('watching');
  `;
  // The shell has to stay: with a second command it cannot become node itself.
  const server = spawn('sh', ['-c', '"$0" --input-type=module -e "$1"; true', process.execPath, source], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, GALERA_SST_TUNNEL_TRANSFER: 'watching' },
  });
  let said = '';
  server.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  while (!said.includes('watching')) await once(server.stdout, 'data');
  server.kill('SIGKILL');
  await once(server, 'close');
  t.equal(said, 'watching\nPARENT_GONE\n');
  t.strictSame(findMarked('watching'), []);
});
