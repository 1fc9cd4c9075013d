import { X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueCrl } from '../../src/certificates/issue-crl.js';
import { store } from '../cluster/credentials.js';
import type { LabNode } from '../lab/index.js';
import { allMoments, type Fault, type Moment } from './fault.js';
import type { Stage } from './stage.js';

const day = 86_400_000;
const writing: readonly Moment[] = allMoments.filter((moment) => moment !== 'verification');

/** Files that cannot be read or written. */
export const diskFaults: readonly Fault[] = [
  {
    name: 'disk full',
    at: { joiner: writing },
    without: 'a donor writes a few KiB, and a joiner that verifies none',
    strike: ({ disk }) => disk.fill(),
    mend: ({ disk }) => disk.empty(),
  },
  {
    name: 'file system read-only',
    at: { joiner: allMoments },
    without: "a donor's server ends by itself then",
    mutes: 'host',
    strike: ({ disk }) => disk.breakDown(),
    mend: ({ disk }) => disk.replace(),
  },
  {
    name: 'a data file unreadable',
    at: { donor: ['handshake', 'unlocked pass', 'lock'] },
    without: 'a joiner reads nothing; under the lock rsync has all its files open or sent already',
    strike: (_, node) => setMode(node, 0o000),
    mend: (_, node) => setMode(node, 0o660),
  },
];

/** A table that a transfer sends late, and a file that is only sent under the lock. */
function setMode(node: LabNode, mode: number): void {
  for (const name of ['bulk_4/t12.ibd', 'ibdata1']) chmodSync(join(node.dataDirectory, name), mode);
}

const betweenAttempts = {
  without: 'it happens between two attempts: from the beginning of the next',
  isBeforehand: true,
  mend: (stage: Stage, node: LabNode) => stage.certify(node),
} as const;

const anySide = { donor: ['before ready'], joiner: ['before ready'] } as const;

/** What changes between two attempts. */
export const certificateFaults: readonly Fault[] = [
  {
    ...betweenAttempts,
    name: 'certificate expired',
    at: anySide,
    isUntold: true,
    strike: (stage, node) =>
      stage.certify(node, {
        notBefore: new Date(Date.now() - 9 * day),
        notAfter: new Date(Date.now() - day),
      }),
  },
  {
    ...betweenAttempts,
    name: 'clock an hour slow (certificate of the future)',
    at: anySide,
    isUntold: true,
    strike: (stage, node) => stage.certify(node, { notBefore: new Date(Date.now() + 3_600_000) }),
  },
  {
    ...betweenAttempts,
    name: 'certificate of a joiner revoked',
    at: { donor: ['before ready'] },
    isUntold: true,
    strike: async (stage) => {
      const { serialNumber } = new X509Certificate(readFileSync(stage.certificateOf(stage.joiner).cert));
      const crl = await issueCrl({
        ca: stage.authority.ca,
        revoked: new Map([[serialNumber, new Date()]]),
        number: 1n,
        thisUpdate: new Date(Date.now() - 60_000),
        nextUpdate: new Date(Date.now() + day),
      });
      stage.set(stage.donor, { 'ssl-crl': store(stage.authority.folder, 'crl.pem', crl) }, []);
    },
    mend: (stage) => stage.set(stage.donor, {}, ['ssl-crl']),
  },
  {
    ...betweenAttempts,
    name: 'certificate replaced',
    at: anySide,
    isHarmless: true,
    strike: (stage, node) => stage.certify(node),
  },
];
