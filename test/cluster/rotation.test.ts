import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { bundle } from '../../src/cli/certs-bundle.js';
import { initCa, issueNode } from '../../src/cli/certs-issue.js';
import { renew } from '../../src/cli/certs-renew.js';
import { meet } from './scripts.js';

t.setTimeout(300_000);

const quiet = (): void => undefined;

/** Two hosts with certificates of their own; every file is changed as an administrator would, while nothing stops. */
t.test(
  'certificates and the CA are exchanged node by node, and a transfer works after every step',
  async (t) => {
    const dir = t.testdir({ old: {}, new: {}, a: {}, b: {} });
    const at = (...parts: string[]): string => join(dir, ...parts);
    const made = { isForced: true, keyType: 'ec' as const };
    const certify = (host: string, ca: string): Promise<void> =>
      issueNode('127.0.0.1', [`${host}.my.cluster`], { ...made, dir: at(host), caDir: at(ca) }, quiet);
    const trust = (host: string, ...cas: string[]): void =>
      bundle(
        at(host, 'tca.crt'),
        cas.map((ca) => at(ca, 'ca.crt')),
        made,
        quiet,
      );
    const optionsOf = (host: string): string =>
      `[sst]\ntca=${at(host, 'tca.crt')}\ntcert=${at(host, '127.0.0.1.crt')}\ntkey=${at(host, '127.0.0.1.key')}\n`;

    await initCa('old CA', { ...made, dir: at('old') }, quiet);
    await initCa('new CA', { ...made, dir: at('new') }, quiet);
    const steps: readonly (readonly [string, () => Promise<void> | void])[] = [
      [
        'as it was',
        async () => {
          for (const host of ['a', 'b']) {
            await certify(host, 'old');
            trust(host, 'old');
          }
        },
      ],
      [
        'a has a renewed certificate',
        () => renew('127.0.0.1', { ...made, dir: at('a'), caDir: at('old'), wantsNewKey: true }, quiet),
      ],
      [
        'the CA has a renewed certificate, on a alone',
        async () => {
          await renew('ca', { ...made, dir: at('old'), wantsNewKey: false }, quiet);
          trust('a', 'old');
        },
      ],
      ['a trusts the new CA, too', () => trust('a', 'old', 'new')],
      ['and b does', () => trust('b', 'old', 'new')],
      ['a has a certificate of the new CA', () => certify('a', 'new')],
      ['and b has', () => certify('b', 'new')],
      ['a no longer trusts the old CA', () => trust('a', 'new')],
      ['and b does not', () => trust('b', 'new')],
    ];
    for (const [index, [name, act]] of steps.entries()) {
      await act();
      for (const [joiner, donor] of [
        ['a', 'b'],
        ['b', 'a'],
      ] as const) {
        const folder = at(`step-${index}-${joiner}`);
        mkdirSync(folder);
        const { joiner: end } = await meet({ folder, joiner: optionsOf(joiner), donor: optionsOf(donor) });
        t.equal(end.code, 0, `${name}: ${joiner} joins`);
      }
    }

    await t.test('what the old CA issued is refused in the end', async (t) => {
      const folder = at('refused');
      mkdirSync(folder);
      await certify('b', 'old');
      copyFileSync(at('old', 'ca.crt'), at('b', 'tca.crt'));
      const late = meet({ folder, joiner: optionsOf('a'), donor: optionsOf('b') });
      await t.rejects(late, /donor ended:[^]*CERTIFICATE_UNTRUSTED/);
    });
  },
);
