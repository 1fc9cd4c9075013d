import type { GivenServer } from '../agent/servers.js';
import { checkPeer } from '../check/peer.js';
import { checkReplication } from '../check/replication.js';
import { checkServer } from '../check/check-server.js';
import { exitStatusOf, type CheckReport } from '../check/report.js';
import { currentTime, environment, ownUser } from '../surroundings.js';
import { becomeServer } from './become-server.js';
import { formatReport } from './format-report.js';
import type { Terminal } from './terminal.js';

/** What `check` is told on its command line. */
export interface CheckCommand {
  readonly server: GivenServer;
  /** HOST[:PORT] of a listening joiner. */
  readonly peer: string | undefined;
  /** HOST[:PORT] of a primary. */
  readonly replicationFrom: string | undefined;
  readonly json: boolean;
  readonly socketPath: string;
  /** Whose permissions count, when root asks; undefined: `mysql`, if there is such a user. */
  readonly user: string | undefined;
}

/** `galera-sst-tunnel check`: gives the exit status: 0, 1 with warnings, 2 with errors. */
export async function runCheck(command: CheckCommand, terminal: Terminal): Promise<number> {
  const done = await becomeServer(command.user);
  if (done !== undefined) return done;
  const now = currentTime();
  const { server, peer, replicationFrom, json, socketPath } = command;
  const reports: CheckReport[] = [
    ...(peer === undefined ? [] : [await checkPeer(server, peer, now)]),
    ...(replicationFrom === undefined ? [] : [await checkReplication(server, replicationFrom, now)]),
    ...(peer === undefined && replicationFrom === undefined
      ? [await checkServer(server, { socketPath, uid: ownUser().uid }, now)]
      : []),
  ];
  const isColoured = terminal.isInteractive && (environment['NO_COLOR'] ?? '') === '';
  const text = json
    ? JSON.stringify(reports.length === 1 ? reports[0] : reports, undefined, 2)
    : reports.map((report) => formatReport(report, isColoured).join('\n')).join('\n\n');
  terminal.write(`${text}\n`);
  return Math.max(...reports.map(exitStatusOf));
}
