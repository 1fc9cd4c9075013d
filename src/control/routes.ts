import type { AbortRequest, ThrottleRequest, TransferRequest } from './messages.js';
import { checkAbortRequest, checkThrottleRequest, checkTransferRequest } from './messages.js';
import { Refusal } from './refusal.js';
import type { Check } from './schema.js';

/** What the agent can be asked, without HTTP. Methods throw Refusal. */
export interface AgentApi {
  health(): object;
  status(): object;
  transfers(): object;
  transfer(id: string): object;
  /** Writes the transfer's lines into `output` and ends it. */
  begin(request: TransferRequest, output: TransferOutput): void;
  abort(id: string, request: AbortRequest): object;
  throttle(id: string, request: ThrottleRequest): object;
  /** Prometheus text. */
  metrics(): Promise<string>;
}

/** Where the lines of a transfer go, and how its end is noticed on the other side. */
export interface TransferOutput {
  /** Writes one object as a line; `droppable` ones are left out when nobody reads for long. */
  write(line: object, droppable: boolean): void;
  end(): void;
  /** Aborted when the reader is gone. */
  readonly readerGone: AbortSignal;
}

export type Answer =
  | { readonly kind: 'json'; readonly status: number; readonly value: object }
  | { readonly kind: 'text'; readonly contentType: string; readonly text: string }
  | { readonly kind: 'stream'; readonly run: (output: TransferOutput) => void };

export interface Route {
  readonly method: 'GET' | 'POST';
  /** As in docs/openapi.yaml; the only parameter there is is `{id}`. */
  readonly path: string;
  /** Missing for requests without a body. */
  readonly body?: { readonly check: Check<unknown>; readonly mayBeEmpty: boolean };
  answer(api: AgentApi, id: string, body: unknown): Answer | Promise<Answer>;
}

/** Every path of the API. */
export const routes: readonly Route[] = [
  { method: 'GET', path: '/v1/health', answer: (api) => json(api.health()) },
  { method: 'GET', path: '/v1/status', answer: (api) => json(api.status()) },
  { method: 'GET', path: '/v1/transfers', answer: (api) => json(api.transfers()) },
  { method: 'GET', path: '/v1/transfers/{id}', answer: (api, id) => json(api.transfer(id)) },
  withBody('/v1/transfers', checkTransferRequest, false, (api, _, request) => ({
    kind: 'stream',
    run: (output) => api.begin(request, output),
  })),
  withBody('/v1/transfers/{id}/abort', checkAbortRequest, true, (api, id, request) =>
    json(api.abort(id, request), 202),
  ),
  withBody('/v1/transfers/{id}/throttle', checkThrottleRequest, false, (api, id, request) =>
    json(api.throttle(id, request)),
  ),
  {
    method: 'GET',
    path: '/metrics',
    answer: async (api) => ({
      kind: 'text',
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      text: await api.metrics(),
    }),
  },
];

function withBody<T>(
  path: string,
  check: Check<T>,
  mayBeEmpty: boolean,
  answer: (api: AgentApi, id: string, body: T) => Answer,
): Route {
  // The body is what `check` gave: the server calls it before it calls `answer`.
  return {
    method: 'POST',
    path,
    body: { check, mayBeEmpty },
    answer: (api, id, body) => answer(api, id, body as T),
  };
}

function json(value: object, status = 200): Answer {
  return { kind: 'json', status, value };
}

/** The route for a request, and the id in its path; throws Refusal with the methods that the path has. */
export function findRoute(method: string, target: string): { readonly route: Route; readonly id: string } {
  const path = target.replace(/\?.*$/s, '');
  const matching = routes.flatMap((route) => {
    const id = matchPath(route.path, path);
    return id === undefined ? [] : [{ route, id }];
  });
  if (matching.length === 0) {
    throw new Refusal('NOT_FOUND', `there is no ${JSON.stringify(path.slice(0, 200))} here`);
  }
  const found = matching.find(({ route }) => route.method === method);
  if (found !== undefined) return found;
  throw new MethodNotAllowed(
    matching.map(({ route }) => route.method),
    method,
    path,
  );
}

/** Says in `Allow` what would have been right. */
export class MethodNotAllowed extends Refusal {
  constructor(
    readonly allowed: readonly string[],
    method: string,
    path: string,
  ) {
    super('METHOD_NOT_ALLOWED', `${path} takes ${allowed.join(' or ')}, not ${method}`);
  }
}

/** The id in the path, '' for a route without one, undefined when the path is another. */
function matchPath(pattern: string, path: string): string | undefined {
  const [before, after] = pattern.split('{id}');
  if (after === undefined) return path === pattern ? '' : undefined;
  if (before === undefined || !path.startsWith(before) || !path.endsWith(after)) return undefined;
  const id = path.slice(before.length, path.length - after.length);
  return /^[A-Za-z0-9-]{1,64}$/.test(id) ? id : undefined;
}
