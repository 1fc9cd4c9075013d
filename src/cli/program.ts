/**
 * What the script needs only where no agent does the transfer, and people's commands. Bundled into a file of its own: the server,
 * and with it the cluster, waits until a script has handed its request over, and reading two megabytes takes longer than that.
 */

/** The transfer in this process. */
export const loadScript = async () => ({
  ...(await import('../sst-script/run.js')),
  ...(await import('../processes/rate-limit.js')),
});

/** What an agent that was killed has left. */
export const loadClearing = () => import('../transfers/workplace.js');

/** The commands that people use. */
export const loadCommandLine = () => import('./command-line.js');
