import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { issueCa } from '../../src/certificates/issue.js';
import { readLines } from '../../src/processes/lines.js';
import { BareNode, serverUser } from '../sst-script/bare-node.js';
import { Material, type CertificateFiles } from '../sst-script/material.js';
import { startDonor, waitingPair } from '../sst-script/pair.js';
import { sectionOf } from './blocks.js';

t.setTimeout(120_000);

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(join(checkout, 'docs/security.md'), 'utf8');
const program = join(checkout, 'dist/bin/galera-sst-tunnel.js');
const material = await Material.create();
t.teardown(() => material.destroy());

t.test('the tests that the page names are there', async (t) => {
  const named = [...page.matchAll(/`((?:test|src|scripts|systemd)\/[^`]+)`/g)].map(([, file = '']) => file);
  t.ok(named.length > 5, 'some are named');
  t.strictSame(
    named.filter((file) => !existsSync(join(checkout, file))),
    [],
  );
});

/** The rows of a section's table, cell by cell, without its heading. */
function rowsOf(title: RegExp): string[][] {
  return sectionOf(page, title)
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** Whether a donor begins to send to a joiner that shows these files and, as a stranger would, looks at nothing itself. */
async function isSentTo(t: Test, files: CertificateFiles, mode: string): Promise<boolean> {
  const pair = await waitingPair(t, material, {
    prepare: (joiner, donor) => {
      joiner.configure(material.groups(files, { 'ssl-mode': 'REQUIRED' }));
      donor.configure(material.groups({}, { 'ssl-mode': mode }));
    },
  });
  const giving = startDonor(pair);
  const asked = giving.said(/^flush tables$/).then(() => true);
  return Promise.race([asked, giving.ended.then(() => false)]);
}

t.test("each ssl-mode lets a donor send to whom the page's table says", async (t) => {
  const foreign = await material.issue('foreign', {}, await issueCa({ name: 'another CA', keyType: 'ec' }));
  const other = await material.issue('other', { commonName: 'node9.my.cluster', ipAddresses: ['192.0.2.9'] });
  const rows = rowsOf(/^#+ What each `ssl-mode`/).filter(([mode = '']) => mode.startsWith('`ssl-mode='));
  t.strictSame(
    rows.map(([mode = '']) => /=(\w+)/.exec(mode)?.[1]),
    ['VERIFY_IDENTITY', 'VERIFY_CA', 'REQUIRED'],
  );
  for (const [name = '', ofStranger = '', ofNode = ''] of rows) {
    const mode = /=(\w+)/.exec(name)?.[1] ?? '';
    t.equal(await isSentTo(t, foreign, mode), ofStranger.startsWith('**gets'), `${mode}: a stranger`);
    t.equal(await isSentTo(t, other, mode), ofNode.startsWith('**gets'), `${mode}: another node`);
    t.match(ofStranger, /^(refused|\*\*gets the data\*\*)/);
    t.match(ofNode, /^(refused|\*\*gets the data\*\*)/);
  }
});

/** A question to the agent, for a Node of its own. */
const asking = `const [socketPath, method, path, body] = process.argv.slice(1);
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
http.request({ socketPath, method, path, headers }, (answer) => answer.pipe(process.stdout)).end(body);`;

t.test('the agent hears the group mysql and root, and nobody else', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'security-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  chownSync(folder, serverUser.uid, serverUser.gid);
  const socket = join(folder, 'agent.sock');
  const agent = spawn(process.execPath, [program, 'agent', '--socket', socket], {
    ...serverUser,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(agent, 'exit');
  t.teardown(async () => {
    agent.kill('SIGTERM');
    await exited;
  });
  await new Promise<void>((resolve) => {
    readLines(agent.stderr, (line) => line.includes('agent ready') && resolve());
  });
  chmodSync(folder, 0o755);
  const ask = (group: string, method: string, path: string, body = '') => {
    const as = ['--reuid=nobody', `--regid=${group}`, '--clear-groups', '--', process.execPath];
    const words = [...as, '--eval', asking, socket, method, path, body];
    return spawnSync('setpriv', words, { encoding: 'utf8', timeout: 30_000, cwd: '/' });
  };
  t.match(ask('nogroup', 'GET', '/v1/status').stderr, 'EACCES');
  t.match(ask('mysql', 'GET', '/v1/status').stdout, '"version"');
  // As user mysql, with an option file of his own: what he asks for is done.
  const node = await BareNode.create();
  t.teardown(() => node.destroy());
  node.configure(material.groups({}, { tmpdir: node.tmpDir, 'sst-initial-timeout': '1' }));
  const address = ['--role', 'joiner', '--address', node.address];
  const argv = [...address, '--datadir', node.dataDir, '--defaults-file', node.optionFile];
  const body = JSON.stringify({ argv, env: {} });
  const asked = ask('mysql', 'POST', '/v1/transfers', body);
  t.match(asked.stdout, /"accepted".*"line":"ready /s, asked.stderr);
});
