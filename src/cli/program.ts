/** The commands that people use, and the agent. Bundled into a file of its own, which the server's script does not read. */
export async function loadCommandLine() {
  const { runCommandLine } = await import('./command-line.js');
  return { runCommandLine };
}
