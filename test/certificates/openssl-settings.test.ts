import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { securityLevel } from '../../src/certificates/secure-limits.js';
import { folder } from './given.js';

const before = process.env['OPENSSL_CONF'];
t.teardown(() => {
  if (before === undefined) delete process.env['OPENSSL_CONF'];
  else process.env['OPENSSL_CONF'] = before;
});

const policy = 'CipherString = @SECLEVEL=1:kEECDH:kRSA\nMinProtocol = TLSv1.2\n';

t.test('a level of security counts in a file that another includes', async (t) => {
  const { path, write } = folder(t);
  for (const directory of ['policies', 'loop']) mkdirSync(join(path, directory));
  const file = write('opensslcnf.config', policy);
  write('policies/policy.cnf', policy);
  write('policies/README', 'CipherString = DEFAULT@SECLEVEL=0\n');
  write('outer.cnf', `.include ${file}\n`);
  const cases = [
    [`.include = ${file}`, '1'],
    [`.include=${file}`, '1'],
    [`\t.include  "${file}"  # of the system`, '1'],
    [`.include ${join(path, 'policies')}`, '1'],
    [`.include ${join(path, 'outer.cnf')}`, '1'],
    [`.include = ${join(path, 'none')}`, '2'],
    [`# .include = ${file}`, '2'],
    [`.include ${join(path, 'openssl.cnf')}\n.include ${join(path, 'openssl.cnf')}`, '2'],
  ] as const;
  for (const [line, level] of cases) {
    process.env['OPENSSL_CONF'] = write(
      'openssl.cnf',
      `[default]\nssl_conf = ssl\n[crypto_policy]\n${line}\n[v3_ca]\n`,
    );
    t.equal(securityLevel({}), level, line);
  }
});
