import { execFileSync } from 'node:child_process';
import t from 'tap';
import { asWritten, encryptedOnly, refuseClearTextCiphers } from '../../src/config/cipher-list.js';

const place = { option: 'ssl-cipher', where: '/etc/my.cnf:4' };
/** At level 0 nothing but the list itself keeps OpenSSL from them. */
const suitesOf = (list: string): string =>
  execFileSync('openssl', ['ciphers', '-v', `${list}:@SECLEVEL=0`], { encoding: 'utf8' });
const clear = /(Enc|Au)=None/;

t.test('names of suites without encryption or authentication are refused', async (t) => {
  const lists = [
    'eNULL',
    'NULL',
    'aNULL',
    'ADH',
    'AECDH',
    'HIGH:NULL-SHA256',
    'kRSA+eNULL',
    'ALL!MD5:COMPLEMENTOFALL',
  ];
  for (const list of lists) {
    t.match(suitesOf(list), clear, `${list} is such a list`);
    t.throws(() => refuseClearTextCiphers(list, place), { code: 'CLEAR_TEXT_REFUSED', ...place }, list);
  }
  t.throws(() => refuseClearTextCiphers('DEFAULT@SECLEVEL=0', place), { message: /@SECLEVEL=0 in its list/ });
});

t.test('lists that take them out are accepted', async (t) => {
  for (const list of [
    'HIGH:!aNULL:!eNULL',
    'ALL:-NULL:+aNULL',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'DEFAULT@SECLEVEL=1',
  ])
    t.doesNotThrow(() => refuseClearTextCiphers(list, place), list);
});

t.test('what is handed on has none of them, at any level of security', async (t) => {
  t.match(suitesOf('kRSA:ALL'), clear);
  t.notMatch(suitesOf(encryptedOnly('kRSA:ALL')), clear);
  t.equal(asWritten(encryptedOnly('kRSA:ALL')), 'kRSA:ALL');
});
