import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { checkChain } from '../../src/certificates/check-chain.js';
import { checkDates, checkNames, checkUsage } from '../../src/certificates/checks.js';
import { loadIdentity } from '../../src/certificates/identity.js';
import { splitPem } from '../../src/certificates/pem.js';
import { pinFor } from '../../src/certificates/pin.js';
import { matchName } from '../../src/certificates/names.js';
import { checkRevocation, loadRevocation } from '../../src/certificates/revocation.js';
import { loadTrust } from '../../src/certificates/trust.js';
import type { Sourced } from '../../src/config/source.js';
import { hostileText, mutated } from './inputs.js';
import { claim, claimClear, resultOrRefusal, target, type Target } from './target.js';

/** Certificates that never change, so that a seed always gives the same inputs. */
const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../test/fuzz/examples/${name}.pem`, import.meta.url)), 'utf8');
const [ca, ec, rsa, list] = [example('ca'), example('ec'), example('rsa'), example('list')];
const now = new Date('2026-11-22T00:00:00Z');
const texts = [
  ec,
  rsa,
  ca + list,
  ec + ca,
  `Bag Attributes\r\n${ec.replaceAll('\n', '\r\n')}${example('encrypted')}`,
];

/** One byte of what a block stands for is changed: the file is whole, its content is not. */
const damaged = fc
  .tuple(fc.constantFrom(ec, rsa, ca + list), fc.nat(999_999), fc.nat(255), fc.nat(1))
  .map(([text, at, byte, index]) => {
    const blocks = splitPem(text).map(({ label, der }, number) => {
      if (number === index) der[Math.floor((at / 1e6) * der.length)] = byte;
      return `-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`;
    });
    return Buffer.from(blocks.join(''));
  });
const files = fc.oneof(
  { weight: 3, arbitrary: mutated(texts.map((text) => Buffer.from(text))) },
  { weight: 6, arbitrary: damaged },
  { weight: 1, arbitrary: hostileText.map((text) => Buffer.from(text)) },
);

const directory = mkdtempSync(join(tmpdir(), 'fuzz-certificates-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const setting: Sourced<string> = {
  value: join(directory, 'node.pem'),
  source: { kind: 'file', file: '/etc/my.cnf', line: 2, group: 'sst', name: 'tcert' },
};

export const pemFiles: Target = target('certificates, keys and lists', 6, files, (bytes) => {
  writeFileSync(setting.value, bytes, { mode: 0o600 });
  const identity = resultOrRefusal(() => loadIdentity({ cert: setting }));
  const trust = resultOrRefusal(() => loadTrust({ caFile: setting }));
  const revocation = resultOrRefusal(() => loadRevocation({ crlFile: setting }));
  const [leaf] = trust?.certificates ?? [];
  if (leaf === undefined || trust === undefined) return;
  const chain = identity?.chain ?? trust.certificates;
  const findings = [
    ...(identity?.findings ?? []),
    ...checkDates(leaf, now),
    ...checkUsage(leaf, 'server'),
    ...checkNames(leaf, [{ address: 'node1.my.cluster', what: 'the address' }]),
    ...checkChain(leaf, chain, trust, now),
    ...checkChain(leaf, [], { certificates: [] }, now),
    ...checkRevocation(leaf, chain, trust, revocation, now),
  ];
  for (const finding of findings) claimClear(finding);
  for (const address of ['node1.my.cluster', '127.0.0.1', '::1']) {
    const matched = matchName(leaf, address);
    claim(!pinFor(leaf, matched).includes('\0'), 'a name that can be an argument');
  }
});
