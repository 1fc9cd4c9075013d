import { isIP } from 'node:net';
import fc from 'fast-check';
import { configIn } from '../../src/config/absolute.js';
import { resolveConfig, type Config } from '../../src/config/config.js';
import { describeSettings } from '../../src/config/describe.js';
import { gatherSettings } from '../../src/config/settings.js';
import { resolveLayout } from '../../src/datadir/layout.js';
import { planJoiner, type JoinerPlan } from '../../src/plan/joiner.js';
import { placeModules } from '../../src/plan/modules.js';
import { shellQuote } from '../../src/shell-quote.js';
import { connectAddress } from '../../src/plan/tunnel.js';
import { parseArguments } from '../../src/sst-script/arguments.js';
import { hostileArgument, hostileText } from './inputs.js';
import { claim, resultOrRefusal, target } from './target.js';

const fileOptions = ['tca', 'tcert', 'tkey', 'tcap'] as const;
const sstOptions = [
  ...['sockopt', 'ssl-mode', 'tls-version', 'ssl-cipher', 'rlimit', 'backup-threads', 'precopy', 'verify'],
  ...[
    'sst-idle-timeout',
    'sst-initial-timeout',
    'sst-max-binlogs',
    'allow-donor-without-secret',
    'ssl-crl',
    'tmpdir',
  ],
] as const;
const serverOptions = [
  ...['datadir', 'innodb-data-home-dir', 'innodb-data-file-path', 'innodb-log-group-home-dir', 'log-bin'],
  ...['innodb-undo-directory', 'aria-log-dir-path', 'log-bin-index', 'bind-address'],
] as const;

const sockoptValue = fc
  .array(
    fc.constantFrom(
      'nodelay',
      'bind=127.0.0.1',
      'verify=1',
      'pf=ip4',
      'cipher=HIGH',
      'x',
      '=',
      ',',
      '!!',
      '"',
      '\\',
    ),
    {
      maxLength: 5,
    },
  )
  .map((parts) => parts.join(','));
const value = fc.oneof(
  hostileText,
  fc.constantFrom(
    '/d',
    'ON',
    '0',
    '1',
    'VERIFY_CA',
    'REQUIRED',
    'TLSv1.3',
    'HIGH',
    'off',
    'a:1M;b:2M',
    '',
    '/d/x',
  ),
);
/** Most options are set well, some to what the input says. */
const given = fc.record({
  files: fc.dictionary(fc.constantFrom(...fileOptions), hostileText, { maxKeys: 2 }),
  sst: fc.dictionary(fc.constantFrom(...sstOptions), fc.oneof(value, sockoptValue), { maxKeys: 2 }),
  mysqld: fc.dictionary(fc.constantFrom(...serverOptions), value, { maxKeys: 2 }),
  dataDir: fc.oneof(fc.constant('/d/'), hostileArgument),
  pin: fc.oneof(
    fc.constant(undefined),
    hostileText.map((text) => text.replace(/[\0\n\r]/g, '')),
  ),
});

export const plans = target('options to plans', 8, given, ({ files, sst, mysqld, dataDir, pin }) => {
  const words = ['--role', 'joiner', '--address', '127.0.0.1', `--datadir=${dataDir}`];
  const config = resultOrRefusal(() => {
    const args = parseArguments(words);
    const entries = (group: string, all: Readonly<Record<string, string>>) =>
      Object.entries(all).map(([name, text], line) => ({
        group,
        name,
        value: text,
        file: '/etc/my.cnf',
        line,
      }));
    const good = { tca: '/c/ca.pem', tcert: '/c/node.pem' };
    const settings = gatherSettings(
      args,
      entries('sst', { ...good, ...files, ...sst }),
      entries('mysqld', mysqld),
    );
    return configIn('/', resolveConfig(args, settings));
  });
  if (config === undefined) return;
  for (const setting of describeSettings(config)) claim(!/[\n\r]/.test(setting), `one line: ${setting}`);
  const plan = resultOrRefusal(() => planOf(config));
  if (plan === undefined) return;
  checkDaemonConfig(plan);
  checkTunnel(config, plan.listener.args.at(-2) ?? '', ['bind', 'reuseaddr', 'fork', 'max-children']);
  checkTunnel(config, connectAddress(config.address, pin, config.tls, { certFile: '/c/x' }), ['no-sni'], pin);
  const shown = plan.listener.args.map(shellQuote).join(' ');
  claim(!/[\n\r\0]/.test(config.tls.cert.value) || shown.length > 0, 'can be shown');
});

function planOf(config: Config): JoinerPlan {
  const { cert, key, caFile, caPath } = config.tls;
  const files = { certFile: cert.value, keyFile: key?.value, caFile: caFile?.value, caPath: caPath?.value };
  const owner = { uid: 0, gid: 0 };
  const layout = resolveLayout(config.directories, 'node1');
  const links = [{ name: 'shop', target: '/disk2/shop' }];
  return planJoiner({ config, layout, links, files, workDir: '/tmp/w', bind: '127.0.0.1', owner });
}

const knownLine =
  /^(|use chroot = no|reverse lookup = no|log file = \/tmp\/w\/rsyncd\.log|timeout = 0|[ug]id = 0|\[rsync_tunnel_sst[a-z0-9_-]*\]|path = \/[^\n]*|read only = (no|yes)|write only = yes|auth users = sst|refuse options = links devices specials D|secrets file = \/tmp\/w\/rsyncd\.secrets|(early|pre-xfer) exec = [^%]*)$/;

/** Every line of rsyncd.conf is one of ours, and there are as many paths as modules. */
function checkDaemonConfig({ daemonConfig }: JoinerPlan): void {
  const lines = daemonConfig.split('\n');
  for (const line of lines)
    claim(knownLine.test(line), `a line of ours in rsyncd.conf: ${JSON.stringify(line)}`);
  const names = lines.filter((line) => line.startsWith('['));
  const paths = lines.filter((line) => line.startsWith('path = '));
  const most = Object.keys(placeModules).length + 1 + 3;
  claim(names.length === paths.length && names.length <= most, 'one path for each module');
  claim(new Set(names).size === names.length, 'no module twice');
  for (const path of paths) claim(!/%[A-Z][^%]*%|\\$| $/.test(path), `as it stands: ${path}`);
}

/** The options that socat reads in an address: it is cut at commas that nothing protects. */
function checkTunnel({ tls }: Config, address: string, others: readonly string[], pin?: string): void {
  const [where = '', ...options] = cutAddress(address);
  claim(/^OPENSSL(-LISTEN)?:[\w.:[\]-]+$/.test(where), `host and port: ${where}`);
  const ours = [
    ...[
      'keepalive',
      'keepidle',
      'keepintvl',
      'keepcnt',
      'nodelay',
      'cert',
      'key',
      'cafile',
      'capath',
      'verify',
    ],
    ...[
      'openssl-min-proto-version',
      'openssl-max-proto-version',
      'cipher',
      'commonname',
      'pf',
      'ipv6only',
      ...others,
    ],
  ];
  const theirs = tls.sockopt.options.map(nameOf);
  for (const option of options)
    claim(
      ours.includes(nameOf(option)) || theirs.includes(nameOf(option)),
      `an option that was asked for: ${option}`,
    );
  const verify = options.filter((option) => nameOf(option) === 'verify');
  claim(
    verify.length === 1 && verify[0] === `verify=${tls.mode === 'REQUIRED' ? 0 : 1}`,
    'verification is as set',
  );
  if (pin === undefined || pin === '' || isIP(pin) !== 0) return;
  const name = options.find((option) => nameOf(option) === 'commonname')?.slice('commonname='.length);
  claim(name?.replace(/\\(.)/gs, '$1') === pin, `the name as it is: ${String(name)}`);
}

const nameOf = (option: string): string => option.split('=')[0]!.toLowerCase();

/** As socat 1.7.4.4 does: quotes, brackets and braces hold commas together, a backslash protects what follows it. */
function cutAddress(address: string): string[] {
  const parts: string[] = [''];
  let quote = '';
  for (let at = 0; at < address.length; at += 1) {
    const char = address.charAt(at);
    if (char === '\\') parts.push(`${parts.pop() ?? ''}${char}${address.charAt((at += 1))}`);
    else if (char === ',' && quote === '') parts.push('');
    else {
      if (char === '"' || char === "'") quote = quote === '' ? char : quote === char ? '' : quote;
      claim(!(char === '!' && address.charAt(at + 1) === '!'), 'no second address');
      parts.push(`${parts.pop() ?? ''}${char}`);
    }
  }
  claim(quote === '', 'no quote is left open');
  return parts;
}
