import { basename, join } from 'node:path';

/** The files of a node, as its option files are to name them. */
export interface NodeFiles {
  /** The address that the certificate is for. */
  readonly name: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The lines to paste into a node's option file, and the statement for a replica of it. */
export function optionLines({ name, ca, cert, key }: NodeFiles): readonly string[] {
  const server = [`ssl_ca=${ca}`, `ssl_cert=${cert}`, `ssl_key=${key}`];
  return [
    `# in an option file on ${name}`,
    '[sst]',
    `tca=${ca}`,
    `tcert=${cert}`,
    `tkey=${key}`,
    '',
    '[mysqld]',
    ...server,
    "# Galera's own connections; keep what wsrep_provider_options holds already:",
    `# wsrep_provider_options="socket.ssl_ca=${ca};socket.ssl_cert=${cert};socket.ssl_key=${key}"`,
    '',
    '[client]',
    `ssl_ca=${ca}`,
    // 10.11.19: over the socket the name is compared with "localhost", and whoever cannot read the key cannot connect at all.
    '# For commands that connect by TCP; here they would keep out all who use the socket or cannot read the key:',
    '# ssl-verify-server-cert',
    `# ssl_cert=${cert}`,
    `# ssl_key=${key}`,
    '',
    `# on a replica of ${name}, with a certificate of its own under these names`,
    changeMaster({ host: name, ca, cert, key }),
  ];
}

/** The statement with which a replica checks its primary's certificate and shows its own. */
export function changeMaster(given: {
  readonly host: string;
  readonly port?: number | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly crl?: string | undefined;
  readonly caPath?: string | undefined;
  readonly crlPath?: string | undefined;
  readonly ciphers?: string | undefined;
  readonly verifiesName?: boolean | undefined;
}): string {
  const settings = [
    ['MASTER_SSL_CA', given.ca],
    ['MASTER_SSL_CAPATH', given.caPath],
    ['MASTER_SSL_CERT', given.cert],
    ['MASTER_SSL_KEY', given.key],
    ['MASTER_SSL_CRL', given.crl],
    ['MASTER_SSL_CRLPATH', given.crlPath],
    ['MASTER_SSL_CIPHER', given.ciphers],
  ] as const;
  const parts = [
    `MASTER_HOST=${sqlText(given.host)}`,
    ...(given.port === undefined || given.port === 3306 ? [] : [`MASTER_PORT=${given.port}`]),
    'MASTER_SSL=1',
    ...settings.flatMap(([option, value]) => (value === undefined ? [] : [`${option}=${sqlText(value)}`])),
    `MASTER_SSL_VERIFY_SERVER_CERT=${given.verifiesName === false ? 0 : 1}`,
  ];
  return `CHANGE MASTER TO ${parts.join(', ')};`;
}

/** A text as an SQL literal. */
export function sqlText(value: string): string {
  return `'${value.replace(/[\\']/g, '\\$&')}'`;
}

/** The lines with which servers learn of revoked certificates. */
export function crlLines(path: string): readonly string[] {
  return ['# in an option file on every node', '[sst]', `ssl-crl=${path}`, '', '[mysqld]', `ssl_crl=${path}`];
}

/** Where a file that was made here will lie on its node: in `nodeDir`, if it is to be carried there. */
export function pathOnNode(path: string, nodeDir: string | undefined): string {
  return nodeDir === undefined ? path : join(nodeDir, basename(path));
}
