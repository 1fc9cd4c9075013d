import t from 'tap';
import { parseAddress } from '../../src/config/address.js';
import { resolveConfig, type Config } from '../../src/config/config.js';
import { whereToListen } from '../../src/transfers/listening-place.js';
import { serverArguments, settingsOf } from '../config/given.js';

function configFor(address: string): Config {
  const settings = settingsOf({ direct: { datadir: '/d' }, sst: { tca: '/ca', tcert: '/c' } });
  return { ...resolveConfig(serverArguments(), settings), address: parseAddress(address, 'it') };
}

t.test('a joiner listens on its effective address, and on all where that is none of its own', async (t) => {
  const cases: [address: string, bind: string | undefined, warns: RegExp | undefined][] = [
    ['127.0.0.1', '127.0.0.1', undefined],
    ['127.0.0.2:5555', '127.0.0.2', undefined],
    ['[::1]', '::1', undefined],
    ['[0:0:0:0:0:0:0:1]', '0:0:0:0:0:0:0:1', undefined],
    ['localhost', undefined, undefined],
    ['192.0.2.9', undefined, /^the effective address "192\.0\.2\.9" is no address of this host/],
    ['[2001:db8::9]', '::', /"2001:db8::9" is no address of this host/],
    ['no-such-host.invalid', undefined, /"no-such-host\.invalid" cannot be resolved on this host/],
  ];
  for (const [address, bind, warns] of cases) {
    const place = await whereToListen(configFor(address));
    t.equal(place.bind, bind, address);
    t.match(
      place.findings,
      warns === undefined ? [] : [{ code: 'ADDRESS_NOT_LOCAL', message: warns }],
      address,
    );
    t.equal(place.findings.length, warns === undefined ? 0 : 1);
  }
});
