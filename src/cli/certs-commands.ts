import type { Argv } from 'yargs';
import { describeFailure, TransferError } from '../errors.js';
import { findUser } from '../processes/user.js';
import { currentTime, ownUser } from '../surroundings.js';
import type { Terminal } from './terminal.js';

/** What the certificates' commands need. */
export interface CertsCommands {
  readonly terminal: Terminal;
  /** Takes the exit status of a command that fails. */
  readonly onFailure: (exitStatus: number, text: string) => void;
}

/** Where the option lines expect certificates unless they are told otherwise. */
const usualDirectory = '/etc/mysql/ssl';

/** Adds `certs`: what makes and shows certificates. Loaded when asked for. */
export function addCertsCommands(cli: Argv, given: CertsCommands): Argv {
  const print = (line: string): void => given.terminal.write(`${line}\n`);
  const attempt = async (work: () => Promise<void> | void): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      given.onFailure(error.exitStatus, `${error.code}: ${describeFailure(error)}`);
    }
  };
  return cli.command('certs', 'make, show, renew and revoke certificates', (certs) =>
    addIssuing(addOthers(certs, print, attempt), print, attempt)
      .demandCommand(1, 'name one of the commands of certs')
      .example('$0 certs init-ca', 'once, on a host of your choice')
      .example('$0 certs issue node1.my.cluster --san 10.0.0.1', 'for each node')
      .example('$0 certs show node1.my.cluster:3306', 'what a server shows'),
  );
}

type Print = (line: string) => void;
type Attempt = (work: () => Promise<void> | void) => Promise<void>;

const dir = {
  type: 'string',
  requiresArg: true,
  default: usualDirectory,
  describe: 'where the files are written',
} as const;
const certificatesDir = { ...dir, describe: "where the nodes' certificates are" } as const;
const listDir = { ...dir, describe: 'where the CA is, and the list, without --ca-dir' } as const;
const caDir = {
  type: 'string',
  requiresArg: true,
  describe: 'where the CA is (ca.crt, ca.key); default: as --dir',
} as const;
const force = { type: 'boolean', default: false, describe: 'replace files that exist' } as const;
const nodeDir = {
  type: 'string',
  requiresArg: true,
  describe: 'where the files will lie on the node, for the lines to paste; default: as --dir',
} as const;
const crlNodeDir = {
  ...nodeDir,
  describe: "where the list will lie on the nodes, for the lines to paste; default: the CA's directory",
} as const;
const owner = {
  type: 'string',
  requiresArg: true,
  describe: 'whose the files become, when root makes them; default: mysql, where there is such a user',
} as const;
const keyType = {
  choices: ['rsa', 'ec'] as const,
  default: 'rsa' as const,
  describe: 'RSA 3072 or EC P-256',
};
const san = {
  type: 'string',
  array: true,
  nargs: 1,
  default: [] as string[],
  describe: 'one more host name or IP address that the certificate is for; may be repeated',
} as const;
const days = (fallback: number | string) =>
  ({
    type: 'number',
    requiresArg: true,
    describe: `days until it expires; default ${fallback}`,
    coerce: wholeDays,
  }) as const;

/** A hundred years. */
const mostDays = 36_500;

function wholeDays(value: number | undefined): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value > 0 && value <= mostDays)) return value;
  throw new Error(`--days must be a whole number from 1 to ${mostDays}`);
}

/** OpenSSL takes certificates without a name for whatever else has none. */
function someName(value: string): string {
  if (value.trim() !== '') return value;
  throw new Error('--name must not be empty');
}

function addIssuing(cli: Argv, print: Print, attempt: Attempt): Argv {
  return cli
    .command(
      'init-ca',
      'create a CA',
      (command) =>
        command
          .options({ dir, 'node-dir': nodeDir, force, 'key-type': keyType, days: days(3650) })
          .option('name', {
            type: 'string',
            requiresArg: true,
            default: 'Galera CA',
            describe: "the CA's common name",
            coerce: someName,
          })
          .example('$0 certs init-ca --dir /root/galera-ca', 'ca.crt and ca.key, valid for ten years'),
      ({ dir: at, nodeDir: there, force: isForced, keyType: kind, days: until, name }) =>
        attempt(async () => {
          const { initCa } = await import('./certs-issue.js');
          await initCa(name, { dir: at, nodeDir: there, isForced, keyType: kind, days: until }, print);
        }),
    )
    .command(
      'issue <node>',
      'issue a certificate for a node, named by the address that other nodes connect to',
      (command) =>
        command
          .positional('node', { type: 'string', demandOption: true })
          .options({ san, dir, 'node-dir': nodeDir, 'ca-dir': caDir })
          .options({ force, owner, 'key-type': keyType, days: days(365) })
          .example('$0 certs issue node1.my.cluster --san 10.0.0.1', 'for a name and an address')
          .example(
            '$0 certs issue node1.my.cluster --dir node1 --ca-dir ca --node-dir /etc/mysql/ssl',
            'to be carried to the node',
          ),
      (argv) =>
        attempt(async () => {
          const { issueNode } = await import('./certs-issue.js');
          await issueNode(argv.node, argv.san, await writingOf(argv), print);
        }),
    )
    .command(
      'self-signed <node>',
      'make a certificate for a node that is its own CA',
      (command) =>
        command
          .positional('node', { type: 'string', demandOption: true })
          .options({ san, dir, 'node-dir': nodeDir, force, owner, 'key-type': keyType, days: days(365) })
          .example('$0 certs self-signed node1.my.cluster', 'collect those of all nodes with certs bundle'),
      (argv) =>
        attempt(async () => {
          const { selfSignNode } = await import('./certs-issue.js');
          await selfSignNode(argv.node, argv.san, await writingOf(argv), print);
        }),
    )
    .command(
      'renew <name>',
      'issue a certificate again: a node, a self-signed one, or "ca"',
      (command) =>
        command
          .positional('name', { type: 'string', demandOption: true })
          .options({
            ...{ dir, 'ca-dir': caDir, owner },
            days: days('365, for a CA 3650 or as long as the one above it is valid'),
          })
          .option('new-key', { type: 'boolean', default: false, describe: 'with a new key' })
          .example('$0 certs renew node1.my.cluster', 'the same names and key for another year')
          .example('$0 certs renew ca --dir /root/galera-ca', 'a CA, for another ten years')
          .example(
            '$0 certs renew node1.my.cluster --dir /root/node1 --ca-dir /root/galera-ca',
            "on the CA's host",
          ),
      (argv) =>
        attempt(async () => {
          const { renew } = await import('./certs-renew.js');
          const options = await writingOf({ ...argv, force: true, keyType: 'rsa' });
          await renew(argv.name, { ...options, wantsNewKey: argv.newKey }, print);
        }),
    );
}

function addOthers(cli: Argv, print: Print, attempt: Attempt): Argv {
  return cli
    .command(
      'show <what>',
      'show the certificates in a file, or those that a server presents (HOST:PORT)',
      (command) =>
        command
          .positional('what', { type: 'string', demandOption: true })
          .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
          .option('starttls', {
            choices: ['mysql', 'none'] as const,
            describe: 'how TLS begins there; default: mysql for port 3306',
          })
          .example('$0 certs show /etc/mysql/ssl/node1.my.cluster.crt', 'a file')
          .example('$0 certs show node1.my.cluster:3306', 'a database server'),
      ({ what, json, starttls }) =>
        attempt(async () => {
          const { show } = await import('./certs-show.js');
          const speaks = starttls === 'none' ? 'tls' : starttls;
          await show(what, { json, speaks }, currentTime(), print);
        }),
    )
    .command(
      'bundle <out> <files..>',
      'put key and certificate into one file, or many certificates into one tca',
      (command) =>
        command
          .positional('out', { type: 'string', demandOption: true })
          .positional('files', { type: 'string', array: true, demandOption: true })
          .options({ force, owner })
          .example('$0 certs bundle all.crt node1.crt node2.crt', 'whom to trust, for tca')
          .example('$0 certs bundle node1.pem node1.crt node1.key', 'what to show, for tcert'),
      ({ out, files, force: isForced, owner: name }) =>
        attempt(async () => {
          const { bundle } = await import('./certs-bundle.js');
          bundle(out, files, { isForced, owner: await ownerOf(name) }, print);
        }),
    )
    .command(
      'revoke <certificates..>',
      "revoke certificates, by file, node or serial number, and write the CA's list",
      (command) =>
        command
          .positional('certificates', { type: 'string', array: true, demandOption: true })
          .options({ dir: certificatesDir, 'ca-dir': caDir, 'node-dir': crlNodeDir, days: days(365) })
          .example('$0 certs revoke node3.my.cluster', 'a node that must not come back')
          .example(
            '$0 certs revoke node3.my.cluster --dir /root/node3 --ca-dir /root/galera-ca --node-dir /etc/mysql/ssl',
            "on the CA's host",
          ),
      ({ certificates, dir: at, caDir: ca, nodeDir: there, days: until }) =>
        attempt(async () => {
          const { writeCrl } = await import('./certs-revoke.js');
          const options = { dir: at, caDir: ca, nodeDir: there, days: until ?? 365 };
          await writeCrl(certificates, options, print);
        }),
    )
    .command(
      'crl',
      "write the CA's revocation list again, before it expires",
      (command) =>
        command
          .options({ dir: listDir, 'ca-dir': caDir, 'node-dir': crlNodeDir, days: days(365) })
          .example('$0 certs crl', 'for another year')
          .example(
            '$0 certs crl --ca-dir /root/galera-ca --node-dir /etc/mysql/ssl',
            'for a CA that is elsewhere: its directory is where the list is written',
          ),
      ({ dir: at, caDir: ca, nodeDir: there, days: until }) =>
        attempt(async () => {
          const { writeCrl } = await import('./certs-revoke.js');
          await writeCrl([], { dir: at, caDir: ca, nodeDir: there, days: until ?? 365 }, print);
        }),
    );
}

async function writingOf(argv: {
  readonly dir: string;
  readonly caDir?: string | undefined;
  readonly nodeDir?: string | undefined;
  readonly force: boolean;
  readonly owner?: string | undefined;
  readonly keyType: 'rsa' | 'ec';
  readonly days?: number | undefined;
}) {
  const { dir: at, caDir: ca, nodeDir: there, force: isForced, keyType: kind, days: until } = argv;
  const whose = await ownerOf(argv.owner);
  return { dir: at, caDir: ca, nodeDir: there, isForced, keyType: kind, days: until, owner: whose };
}

/** Only root may give files away. */
async function ownerOf(
  name: string | undefined,
): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  const { uid } = ownUser();
  if (uid !== 0) {
    if (name === undefined || (await findUser(name))?.uid === uid) return undefined;
    throw new TransferError('ARGUMENT_INVALID', `only root may give files to ${name}`, {
      hint: 'run this as root, or leave out --owner and give the files away later',
    });
  }
  const user = await findUser(name ?? 'mysql');
  // A host that only issues certificates has no database's user.
  if (user !== undefined || name === undefined) return user;
  throw new TransferError('ARGUMENT_INVALID', `there is no user ${name} on this host`, {
    hint: 'name another one with --owner: root keeps the files, and moves them to the node',
  });
}
