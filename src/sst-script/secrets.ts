import { fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';

/**
 * How long to wait for the secrets of a server that hands them over on stdin (11.x). It writes them right after the
 * script's start; a 10.11 server writes nothing and may leave its own stdin open for ever.
 */
const patienceMs = 2000;

/** The part of the server's secrets that a transfer needs: what the joiner put before the `@` of its address. */
export interface RemoteSecret {
  readonly user: string;
  readonly secret: string;
}

/**
 * Finds the joiner's secret: in the environment (servers to 10.11) or on stdin (11.x). `wsrep_sst_auth` is not even
 * read: this method needs no account. A joiner's stdin is never touched, nor a terminal.
 */
export async function readRemoteSecret(
  environment: Readonly<Record<string, string | undefined>>,
  stdin: Readable,
): Promise<RemoteSecret | undefined> {
  const fromEnvironment = parseAuth(environment['WSREP_SST_OPT_REMOTE_AUTH']);
  if (fromEnvironment !== undefined) return fromEnvironment;
  if (!isPipe(0)) return undefined;
  return parseStdin(await readAll(stdin));
}

/** Reads `name:secret`; the server passes `(null)` for none. */
export function parseAuth(text: string | undefined): RemoteSecret | undefined {
  if (text === undefined || text === '' || text === '(null)') return undefined;
  const colon = text.indexOf(':');
  if (colon === -1) return undefined;
  return checked(text.slice(0, colon), text.slice(colon + 1));
}

/** Reads the lines `sst_remote_user=…` and `sst_remote_password=…` among others. */
export function parseStdin(text: string): RemoteSecret | undefined {
  const value = (name: string): string | undefined =>
    text
      .split('\n')
      .find((line) => line.startsWith(`${name}=`))
      ?.slice(name.length + 1);
  return checked(value('sst_remote_user') ?? '', value('sst_remote_password') ?? '');
}

/** Only what one of our joiners can have made; anything else is for another method or version. */
function checked(user: string, secret: string): RemoteSecret | undefined {
  return user === 'sst' && /^[0-9a-f]{32,128}$/.test(secret) ? { user, secret } : undefined;
}

function isPipe(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFIFO();
  } catch {
    return false;
  }
}

async function readAll(stdin: Readable): Promise<string> {
  stdin.setEncoding('utf8');
  let text = '';
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, patienceMs);
    stdin.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > 65_536 || /^sst_remote_password=.*\n/m.test(text)) resolve();
    });
    stdin.once('end', resolve);
    stdin.once('error', () => resolve());
    stdin.once('close', () => clearTimeout(timer));
  });
  stdin.destroy();
  return text;
}
