/**
 * What the script needs only where no agent does the transfer, and people's commands. Bundled into a file of its own: the server,
 * and with it the cluster, waits until a script has handed its request over, and reading all of this takes longer than that.
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

/** The commands that people use. */
export async function loadCommandLine() {
  const { runCommandLine } = await import('./command-line.js');
  return { runCommandLine };
}
