import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import t from 'tap';
import { listenForMetrics, readMetricsAddress, serveMetrics } from '../../src/control/metrics-listener.js';

t.test('an address is read, and is this host’s own unless one is named', async (t) => {
  const cases = [
    ['9469', '127.0.0.1', 9469],
    [':9469', '127.0.0.1', 9469],
    ['192.0.2.1:9469', '192.0.2.1', 9469],
    ['[::1]:9469', '::1', 9469],
    ['node1.my.cluster:9469', 'node1.my.cluster', 9469],
  ] as const;
  for (const [text, host, port] of cases) t.strictSame(readMetricsAddress(text), { host, port }, text);
  for (const text of ['', 'node1', '192.0.2.1', '::1', '9469/metrics', 'a b:1', '127.0.0.1:99999'])
    t.throws(() => readMetricsAddress(text), { code: /ARGUMENT_INVALID|ADDRESS_INVALID/ }, text);
});

t.test('only GET /metrics is answered', async (t) => {
  const bugs: unknown[] = [];
  let text: () => Promise<string> = async () => 'up 1\n';
  const server = await listenForMetrics(
    { host: '127.0.0.1', port: 0 },
    () => text(),
    (bug) => bugs.push(bug),
  );
  t.teardown(() => server.close());
  const { port, address } = server.address() as AddressInfo;
  t.equal(address, '127.0.0.1');
  const ask = async (method: string, path: string) => fetch(`http://127.0.0.1:${port}${path}`, { method });
  const answer = await ask('GET', '/metrics');
  t.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  t.equal(await answer.text(), 'up 1\n');
  for (const [method, path, status] of [
    ['GET', '/metrics?collect=all', 200],
    ['POST', '/metrics', 405],
    ['GET', '/', 404],
    ['GET', '/v1/status', 404],
    ['POST', '/v1/transfers/1/abort', 404],
  ] as const)
    t.equal((await ask(method, path)).status, status, `${method} ${path}`);
  t.strictSame(bugs, []);
  text = async () => Promise.reject(new Error('defect'));
  t.equal((await ask('GET', '/metrics')).status, 500);
  t.match(bugs, [{ message: 'defect' }]);
});

t.test('a port that is taken is named', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  const listening = listenForMetrics(
    { host: '127.0.0.1', port },
    async () => '',
    () => undefined,
  );
  await t.rejects(listening, { code: 'PORT_BUSY', message: new RegExp(`port ${port}`) });
});

t.test('it is tried again until the port is free, and the reason told once', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const stop = new AbortController();
  // In the agent its socket does that.
  const keepAlive = setInterval(() => undefined, 1000);
  t.teardown(() => clearInterval(keepAlive));
  const reasons: unknown[] = [];
  let ended: Promise<void> | undefined;
  await new Promise<void>((serving) => {
    const cannot = (error: unknown): void => {
      reasons.push(error);
      setTimeout(() => other.close(), 100);
    };
    const told = { serving, cannot, bug: (error: unknown) => t.fail(String(error)) };
    ended = serveMetrics({ host: '127.0.0.1', port }, async () => 'up 1\n', told, stop.signal, 10);
  });
  t.match(reasons, [{ code: 'PORT_BUSY' }]);
  t.equal(reasons.length, 1);
  t.equal(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), 'up 1\n');
  stop.abort();
  await ended;
  await t.rejects(fetch(`http://127.0.0.1:${port}/metrics`), 'it ends with the agent');
});
