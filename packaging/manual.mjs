// The man pages: commands from the command line's own help, options and exit statuses from their tables.

const page = (name, section, title, date, version) =>
  `.TH ${name.toUpperCase()} ${section} "${date}" "galera-sst-tunnel ${version}" "${title}"`;

/** galera-sst-tunnel(1) */
export function commandManual({ described, commands }, { date, version }) {
  return lines(
    page('galera-sst-tunnel', 1, 'Commands', date, version),
    '.SH NAME',
    'galera\\-sst\\-tunnel \\- state snapshot transfers for MariaDB Galera through TLS tunnels',
    '.SH SYNOPSIS',
    ...commands.flatMap(({ synopsis }) => ['.br', `.B galera\\-sst\\-tunnel ${escape(synopsis)}`]).slice(1),
    '.SH DESCRIPTION',
    ...described.map(escape),
    'The server asks for transfers by running',
    '.BR wsrep_sst_rsync_tunnel (1);',
    'these commands are for administrators.',
    '.SH COMMANDS',
    ...commands.flatMap(command),
    '.SH ENVIRONMENT',
    '.TP',
    '.B GALERA_SST_TUNNEL_SOCKET',
    "The agent's socket, for commands and for the server's script.",
    '.SH FILES',
    ...files,
    '.SH EXIT STATUS',
    '0, or an errno value that says what went wrong, see',
    '.BR wsrep_sst_rsync_tunnel (1),',
    'unless the command says something else here:',
    ...commands.flatMap(ownStatus),
    '.SH SEE ALSO',
    '.BR wsrep_sst_rsync_tunnel (1),',
    '.BR galera\\-sst\\-tunnel (5),',
    '.BR socat (1),',
    '.BR rsync (1)',
  );
}

/** What a command's help ends with about its exit status. */
function ownStatus({ name, epilogue }) {
  return epilogue
    .filter((line) => line.startsWith(statusTitle))
    .flatMap((line) => ['.TP', `.B ${escape(name)}`, escape(line.slice(statusTitle.length))]);
}

const statusTitle = 'Exit status: ';

const files = [
  ['/run/galera-sst-tunnel/agent.sock', "The agent's socket (HTTP), for user and group mysql."],
  ['/var/lib/galera-sst-tunnel', 'The history of transfers.'],
  ['/etc/default/galera-sst-tunnel', 'With what the agent is started.'],
].flatMap(([file, text]) => ['.TP', `.I ${escape(file)}`, escape(text)]);

function command({ synopsis, text, positionals, options, examples, epilogue }) {
  const own = options.filter(({ flags }) => !['--help', '--version'].includes(flags));
  return [
    `.SS ${escape(synopsis)}`,
    sentence(text),
    ...positionals.flatMap(({ name, text }) => ['.TP', `.I ${escape(name)}`, sentence(text)]),
    ...own.flatMap(({ flags, text }) => ['.TP', `.B ${escape(flags)}`, sentence(text)]),
    ...(examples.length > 0 ? ['.P', 'Examples:'] : []),
    ...examples.flatMap(({ command, text }) => [
      '.RS',
      '.P',
      sentence(text),
      '.br',
      '.nf',
      escape(command),
      '.fi',
      '.RE',
    ]),
    ...epilogue.flatMap((line) => ['.P', escape(line)]),
  ];
}

/** wsrep_sst_rsync_tunnel(1) */
export function scriptManual(errorTable, { date, version }) {
  const codes = new Map();
  for (const [code, { exit }] of Object.entries(errorTable))
    codes.set(exit, [...(codes.get(exit) ?? []), code]);
  return lines(
    page('wsrep_sst_rsync_tunnel', 1, 'Commands', date, version),
    '.SH NAME',
    'wsrep_sst_rsync_tunnel \\- SST method rsync_tunnel of MariaDB Galera',
    '.SH SYNOPSIS',
    '.B wsrep_sst_rsync_tunnel \\-\\-role joiner|donor \\-\\-address',
    '.I ADDRESS',
    "[the server's other options]",
    '.SH DESCRIPTION',
    'The MariaDB server runs this script on a joining node and on its donor when an option file has',
    '.B wsrep_sst_method=rsync_tunnel',
    'in [mysqld]. It hands the transfer to the agent (the service galera\\-sst\\-tunnel), or does it by itself when no agent',
    "answers. Its standard output is for the server. What administrators want to know is in the server's error log, on lines",
    'that begin with WSREP_SST. To see what it would run, use',
    '.B galera\\-sst\\-tunnel plan',
    'instead of running it by hand.',
    '.SH EXIT STATUS',
    '.TP',
    '.B 0',
    'The transfer is complete.',
    ...[...codes]
      .sort(([a], [b]) => a - b)
      .flatMap(([exit, names]) => ['.TP', `.B ${exit}`, escape(`${names.join(', ')}`)]),
    '.SH SEE ALSO',
    '.BR galera\\-sst\\-tunnel (1),',
    '.BR galera\\-sst\\-tunnel (5)',
  );
}

/** galera-sst-tunnel(5) */
export function optionManual(descriptions, { date, version }) {
  return lines(
    page('galera-sst-tunnel', 5, 'File formats', date, version),
    '.SH NAME',
    'galera\\-sst\\-tunnel \\- options of the SST method rsync_tunnel',
    '.SH DESCRIPTION',
    'Transfers are configured in the group [sst] of any option file that the server reads, \\-\\-defaults\\-file,',
    '\\-\\-defaults\\-extra\\-file, !include, !includedir and \\-\\-defaults\\-group\\-suffix included.',
    '.SH EXAMPLE',
    '.nf',
    ...['[mysqld]', 'wsrep_sst_method=rsync_tunnel', 'wsrep_sst_auth=unused:unused', '', '[sst]'].map(escape),
    'tca=/etc/mysql/ssl/ca.crt',
    ...['tcert=/etc/mysql/ssl/node1.my.cluster.crt', 'tkey=/etc/mysql/ssl/node1.my.cluster.key'].map(escape),
    '.fi',
    '.SH OPTIONS',
    "Those marked * are looked for in the server's own groups, too, after [sst]; write loose\\- in front of them there.",
    ...Object.entries(descriptions).flatMap(([name, one]) => [
      '.TP',
      `.B ${escape(name)}=${escape(one.value)}${one.alsoOfServer ? ' *' : ''}`,
      escape(one.meaning),
      ...(one.default === '' ? [] : [escape(`Default: ${one.default}.`)]),
    ]),
    '.SH SEE ALSO',
    '.BR galera\\-sst\\-tunnel (1),',
    '.BR wsrep_sst_rsync_tunnel (1)',
  );
}

/** Text for troff: backslashes, dashes that are typed, and lines that would be commands; \`code\` in bold. */
export function escape(text) {
  return text
    .replaceAll('\\', '\\(rs')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll(/`([^`]+)`/g, '\\fB$1\\fP')
    .replaceAll("'", '\\(aq')
    .replaceAll(
      /[^\0-\x7f]/gu,
      (sign) => `\\[u${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}]`,
    )
    .replace(/^\./, '\\&.');
}

function sentence(text) {
  if (text === '') return '\\&';
  return escape(`${text.charAt(0).toUpperCase()}${text.slice(1)}`.replaceAll(/ {2,}/g, ' '));
}

function lines(...all) {
  return `${all
    .filter((line) => line !== undefined)
    .join('\n')
    .replaceAll(/\n\n/g, '\n.P\n')}\n`;
}
