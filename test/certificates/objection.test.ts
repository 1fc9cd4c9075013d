import t from 'tap';
import { explainObjection, objectionOf } from '../../src/certificates/objection.js';

const withCode = (message: string, code?: string): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

t.test("of OpenSSL's line nothing but the reason is told", async (t) => {
  const cases = [
    [
      '80EB5C4B147F0000:error:0A000076:SSL routines:tls_choose_sigalg:no such thing:../deps/openssl/openssl/ssl/t1_lib.c:3358:\n',
      'no such thing',
    ],
    ['error:0A000076:SSL routines::no such thing', 'no such thing'],
    ['permitted subtree violation', 'permitted subtree violation'],
  ] as const;
  for (const [message, text] of cases) {
    t.equal(objectionOf(withCode(message)).text, text);
    const { message: told } = explainObjection(objectionOf(withCode(message, 'ERR_SSL_ODD')), 'it');
    t.equal(told, `it does not verify: ERR_SSL_ODD (${text})`);
  }
});

t.test('a key on a curve that TLS does not offer is told of with what to do', async (t) => {
  const error = withCode(
    '80EB:error:0A000076:SSL routines:tls_choose_sigalg:no suitable signature algorithm:t1_lib.c:3358:\n',
    'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM',
  );
  const { message, hint } = explainObjection(objectionOf(error), 'it');
  t.match(message, 'on a curve that TLS does not offer');
  t.match(hint, 'P-256');
});
