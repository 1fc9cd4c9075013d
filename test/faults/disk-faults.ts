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
    cause: { codes: ['DISK_FULL'] },
    at: { joiner: writing },
    without: 'a donor writes a few KiB, and a joiner that verifies none',
    strike: ({ disk }) => {
      disk.fill();
      return 1;
    },
    mend: ({ disk }) => disk.empty(),
  },
  {
    name: 'file system read-only',
    cause: {
      codes: ['DIRECTORY_NOT_WRITABLE', 'PEER_FAILED'],
      says: /read-only|cannot be written|could not write/i,
    },
    at: { joiner: allMoments },
    without: "a donor's server ends by itself then",
    mutes: 'host',
    strike: ({ disk }) => {
      disk.breakDown();
      return 1;
    },
    mend: ({ disk }) => disk.replace(),
  },
  {
    name: 'a data file unreadable',
    cause: { codes: ['FILE_UNREADABLE'] },
    at: { donor: ['handshake', 'unlocked pass', 'lock', 'locked pass', 'final file'] },
    without: 'a joiner reads no files; a donor reads none before the handshake and none after the final file',
    strike: (_, node) => setMode(node, 0o000),
    mend: (_, node) => void setMode(node, 0o660),
  },
];

/** A table that a transfer sends late, and a file that is only sent under the lock. */
function setMode(node: LabNode, mode: number): number {
  const names = ['bulk_4/t12.ibd', 'ibdata1'];
  for (const name of names) chmodSync(join(node.dataDirectory, name), mode);
  return names.length;
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
    cause: { codes: ['CERTIFICATE_EXPIRED'] },
    at: anySide,
    isUntold: true,
    strike: (stage, node) =>
      recertify(stage, node, {
        notBefore: new Date(Date.now() - 9 * day),
        notAfter: new Date(Date.now() - day),
      }),
  },
  {
    ...betweenAttempts,
    name: 'clock an hour slow (certificate of the future)',
    cause: { codes: ['CERTIFICATE_NOT_YET_VALID'] },
    at: anySide,
    isUntold: true,
    strike: (stage, node) => recertify(stage, node, { notBefore: new Date(Date.now() + 3_600_000) }),
  },
  {
    ...betweenAttempts,
    name: "joiner's certificate revoked, as the donor knows",
    cause: { codes: ['CERTIFICATE_REVOKED'], says: /certificate of the joiner/ },
    at: { donor: ['before ready'] },
    isUntold: true,
    strike: (stage) => revoke(stage, stage.joiner, stage.donor),
    mend: (stage) => stage.set(stage.donor, {}, ['ssl-crl']),
  },
  {
    ...betweenAttempts,
    // socat (1.7.4.4, 1.8) takes no revocation list: a joiner cannot refuse a donor for its certificate.
    name: 'own certificate revoked',
    cause: { codes: ['CERTIFICATE_REVOKED'], says: /this node's certificate/ },
    at: anySide,
    isUntold: true,
    strike: (stage, node) => revoke(stage, node, node),
    mend: (stage, node) => stage.set(node, {}, ['ssl-crl']),
  },
  {
    ...betweenAttempts,
    name: 'certificate replaced',
    at: anySide,
    isHarmless: true,
    strike: (stage, node) => recertify(stage, node),
  },
];

async function recertify(stage: Stage, ...given: Parameters<Stage['certify']>): Promise<number> {
  await stage.certify(...given);
  return 1;
}

/** Gives a node a list on which another's certificate stands. */
async function revoke(stage: Stage, revoked: LabNode, told: LabNode): Promise<number> {
  const { serialNumber } = new X509Certificate(readFileSync(stage.certificateOf(revoked).cert));
  const crl = await issueCrl({
    ca: stage.authority.ca,
    revoked: new Map([[serialNumber, new Date()]]),
    number: 1n,
    thisUpdate: new Date(Date.now() - 60_000),
    nextUpdate: new Date(Date.now() + day),
  });
  stage.set(told, { 'ssl-crl': store(stage.authority.folder, 'crl.pem', crl) }, []);
  return 1;
}
