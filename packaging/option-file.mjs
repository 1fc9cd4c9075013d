// The sample of [sst], with every option commented out: what the package puts among the server's option files.

/** Text of an option file that changes nothing. */
export function sampleOptionFile(descriptions) {
  const options = Object.entries(descriptions).flatMap(([name, one]) => [
    '',
    ...wrapped(`${one.meaning}${one.default === '' ? '' : ` Default: ${one.default}.`}`.replaceAll('`', '')),
    `#${name}=${one.value === 'FILE' ? sampleFile(name) : /^[\w.-]+$/.test(one.default) ? one.default : ''}`,
  ]);
  return `${[
    '# Options of the SST method rsync_tunnel (package galera-sst-tunnel), see galera-sst-tunnel(5). Besides, the server',
    '# has to be told to use it, and from 11.4 on to make no account of its own for each transfer:',
    '#',
    '#[mysqld]',
    '#wsrep_sst_method=rsync_tunnel',
    '#wsrep_sst_auth=unused:unused',
    '',
    '[sst]',
    ...options,
  ].join('\n')}\n`;
}

/** As `certs` calls the files. */
const sampleFile = (name) => {
  const ending = /(ca|crl|key)$/.exec(name)?.[1] ?? 'cert';
  const files = { ca: 'ca.crt', crl: 'crl.pem', cert: 'node1.my.cluster.crt', key: 'node1.my.cluster.key' };
  return `/etc/mysql/ssl/${files[ending]}`;
};

function wrapped(text) {
  const lines = ['#'];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last.length + word.length >= 110) lines.push(`# ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
