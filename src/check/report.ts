import type { ErrorCode, Finding } from '../errors.js';

/** What a check looks at, in the order in which it is told. */
export const topics = [
  'options',
  'tools',
  'certificates',
  'names',
  'dates',
  'port',
  'directories',
  'leftovers',
  'server',
  "server's TLS",
  "clients' TLS",
  'agent',
] as const;
export type Topic = (typeof topics)[number];

/** What was seen, and what is wrong with it. */
export interface Section<Name extends string = string> {
  readonly name: Name;
  readonly status: 'ok' | 'warning' | 'error';
  /** What there is: versions, subjects, addresses. */
  readonly facts: readonly string[];
  readonly findings: readonly Finding[];
}

/** Everything that was checked; plain JSON. */
export interface CheckReport {
  readonly title: string;
  readonly status: Section['status'];
  readonly sections: readonly Section[];
  /** What can be pasted somewhere. */
  readonly lines: readonly string[];
}

/** A section's status is that of its worst finding. */
export function section<Name extends string>(
  name: Name,
  facts: readonly string[],
  findings: readonly Finding[],
): Section<Name> {
  return { name, status: worst(findings.map(({ severity }) => severity)), facts, findings };
}

export function reportOf(
  title: string,
  sections: readonly Section[],
  lines: readonly string[] = [],
): CheckReport {
  return { title, status: worst(sections.map(({ status }) => status)), sections, lines };
}

/** 0, 1 with warnings, 2 with errors. */
export function exitStatusOf({ status }: CheckReport): number {
  return { ok: 0, warning: 1, error: 2 }[status];
}

function worst(all: readonly Section['status'][]): Section['status'] {
  return all.includes('error') ? 'error' : all.includes('warning') ? 'warning' : 'ok';
}

const byCode: Partial<Record<ErrorCode, Topic>> = {
  CERTIFICATE_NAME_MISMATCH: 'names',
  CERTIFICATE_EXPIRED: 'dates',
  CERTIFICATE_EXPIRES_SOON: 'dates',
  CERTIFICATE_NOT_YET_VALID: 'dates',
  ADDRESS_NOT_LOCAL: 'names',
  KTLS_UNAVAILABLE: 'tools',
  PORT_BUSY: 'port',
  PORT_FORBIDDEN: 'port',
  LEFTOVERS: 'leftovers',
  ALREADY_RUNNING: 'leftovers',
  PATH_UNSAFE: 'directories',
  DISK_FULL: 'directories',
  FILE_UNREADABLE: 'directories',
  FILE_EXISTS: 'directories',
  DATA_DIRECTORY_TABLES: 'directories',
  COPY_INCOMPLETE: 'directories',
};

const byPrefix: readonly (readonly [string, Topic])[] = [
  ['TOOL_', 'tools'],
  ['CERTIFICATE_', 'certificates'],
  ['KEY_', 'certificates'],
  ['CRL_', 'certificates'],
  ['VERIFICATION_', 'certificates'],
  ['DIRECTORY_', 'directories'],
  ['AGENT_', 'agent'],
];

/** Where a finding of the transfers' own checks belongs; what is said of options is the rest. */
export function topicOf(code: ErrorCode): Topic {
  return byCode[code] ?? byPrefix.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 'options';
}
