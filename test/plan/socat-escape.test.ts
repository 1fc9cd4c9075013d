import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { escapeSocatValue } from '../../src/plan/socat-escape.js';
import { ca, folder, freePort, listen, node, socatReads } from '../certificates/given.js';

t.test('what is no syntax stays as it is', (t) => {
  t.equal(escapeSocatValue('/etc/mysql/node-1_a.pem'), '/etc/mysql/node-1_a.pem');
  t.equal(escapeSocatValue('a,b\\c d'), 'a\\,b\\\\c\\ d');
  t.end();
});

const odd = ['a b', 'a,b:c!!d', `a"b'c`, 'a(b[c{d', 'a)b]c}d', 'a\\b\\', '\\n$HOME%s~<>|&;#', 'ä\t='];

for (const name of odd) {
  t.test(
    `socat opens files in a directory named ${JSON.stringify(name)}, as server and as client`,
    async (t) => {
      const { path, write } = folder(t);
      mkdirSync(join(path, name));
      const { certPem, keyPem } = await node({ commonName: 'node1' });
      const cert = escapeSocatValue(write(`${name}/${name}`, certPem + keyPem));
      const cafile = escapeSocatValue(write(`${name}/ca.pem`, ca.certPem));
      const port = await freePort();
      const files = `cert=${cert},key=${cert},cafile=${cafile}`;
      await listen(t, `OPENSSL-LISTEN:${port},bind=127.0.0.1,${files}`, 'EXEC:echo hello');
      t.equal(await socatReads(`OPENSSL:127.0.0.1:${port},${files},commonname=node1`), 'hello\n');
    },
  );
}
