/**
 * What the script needs only where no agent does the transfer. Bundled into a file of its own: the server, and with it the cluster,
 * waits until a script has handed its request over or does the work itself, and reading what only the agent and people's commands
 * need takes as long as everything else that happens before.
 */

/** The transfer in this process. */
export async function loadScript() {
  const { runScript } = await import('../sst-script/run.js');
  const { createRateLimit } = await import('../processes/rate-limit.js');
  return { runScript, createRateLimit };
}

/** What an agent that was killed has left. */
export async function loadClearing() {
  const { clearCrashed } = await import('../transfers/workplace.js');
  return { clearCrashed };
}

/** What ends this process when it stands still. */
export async function loadHeartbeat() {
  const { startHeartbeatGuard } = await import('../processes/heartbeat.js');
  return { startHeartbeatGuard };
}
