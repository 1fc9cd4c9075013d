import type { Finding } from '../errors.js';
import { find, type Scope, type Settings } from './settings.js';
import { placeOf, type Sourced } from './source.js';
import type { SstOption } from './sst-options.js';

/** `loser` has no effect, or another one than it says, because of `winner`. */
export function contradiction(
  loser: Sourced<string>,
  winner: Sourced<string>,
  outcome: string,
  hint: string,
): Finding {
  return {
    severity: 'warning',
    code: 'OPTION_CONFLICT',
    message: `${show(loser)} contradicts ${show(winner)} (${placeOf(winner.source)}): ${outcome}`,
    option: loser.source.name,
    where: placeOf(loser.source),
    hint,
  };
}

export const show = ({ value, source }: Sourced<string>): string => `${source.name}=${value}`;

/** A setting that is not empty. */
export function given(
  settings: Settings,
  name: SstOption,
  scopes: readonly Scope[],
): Sourced<string> | undefined {
  const setting = find(settings, name, scopes);
  return setting === undefined || setting.value.trim() === '' ? undefined : setting;
}
