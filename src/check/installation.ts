import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { find, type Settings } from '../config/settings.js';
import { placeOf } from '../config/source.js';
import type { Finding } from '../errors.js';
import { isAtLeast } from '../processes/tools.js';
import { serverVersion } from '../sst-script/load.js';
import { environment } from '../surroundings.js';
import { section, type Section } from './report.js';

const server = ['server arguments', '[mysqld]'] as const;
const script = 'wsrep_sst_rsync_tunnel';

/** Whether the server would use this method at all, and is set up for it. */
export async function checkInstallation(settings: Settings): Promise<Section<'server'>> {
  const version = await serverVersion();
  const method = find(settings, 'wsrep-sst-method', server);
  const facts = [
    version === undefined ? 'mariadbd is not on the path' : `MariaDB ${version}`,
    ...(method === undefined ? [] : [`wsrep_sst_method=${method.value} (${placeOf(method.source)})`]),
  ];
  return section('server', facts, [
    ...checkMethod(settings),
    ...checkAuth(settings, version),
    ...checkScript(environment['PATH'] ?? ''),
  ]);
}

function checkMethod(settings: Settings): readonly Finding[] {
  const method = find(settings, 'wsrep-sst-method', server);
  if (method?.value === 'rsync_tunnel') return [];
  return [
    {
      severity: 'warning',
      code: 'OPTION_INVALID',
      message: `wsrep_sst_method is ${method?.value ?? 'not set'}: this server does not use this method`,
      option: 'wsrep_sst_method',
      where: method === undefined ? undefined : placeOf(method.source),
      hint: 'set wsrep_sst_method=rsync_tunnel in [mysqld] on every node; my_print_defaults mysqld shows what is set',
    },
  ];
}

/** A server that has no account for its script makes one with all privileges for each transfer (11.4 and newer). */
function checkAuth(settings: Settings, version: string | undefined): readonly Finding[] {
  if (version === undefined || !isAtLeast(version.replace(/-.*/, ''), '11.4')) return [];
  const auth = find(settings, 'wsrep-sst-auth', server)?.value ?? '';
  if (auth !== '') return [];
  return [
    {
      severity: 'warning',
      code: 'OPTION_MISSING',
      message: 'wsrep_sst_auth is not set: the server makes an account with all privileges for each transfer',
      option: 'wsrep_sst_auth',
      hint: 'set wsrep_sst_auth=unused:unused in [mysqld]: this method needs no account; my_print_defaults mysqld shows what is set',
    },
  ];
}

function checkScript(path: string): readonly Finding[] {
  const found = [...path.split(':'), '/usr/bin', '/usr/sbin'].some((folder) => {
    try {
      accessSync(join(folder, script), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found) return [];
  return [
    {
      severity: 'warning',
      code: 'TOOL_MISSING',
      message: `${script} is not on the path, where the server looks for it`,
      hint: 'install the package (apt-get install ./galera-sst-tunnel_*.deb), or put it on the path of the server: ln -s FILE /usr/bin/',
    },
  ];
}
