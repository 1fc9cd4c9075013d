import { constants } from 'node:os';
import { killedWords } from '../plan/tunnel.js';

/** What a shell told of a program that was killed; undefined when the words tell of none. */
export function killedBy(words: string): { readonly program: string; readonly signal: string } | undefined {
  const [, program, status] = killedWords.exec(words) ?? [];
  if (program === undefined) return undefined;
  const number = Number(status) - 128;
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return { program, signal: name ?? `signal ${number}` };
}
