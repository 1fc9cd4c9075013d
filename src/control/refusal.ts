/** Why a request to the agent was not carried out; becomes `{"error":{code,message,hint}}` with an HTTP status. */
export class Refusal extends Error {
  constructor(
    readonly code: RefusalCode,
    message: string,
  ) {
    super(message);
    this.name = 'Refusal';
  }

  get status(): number {
    return refusals[this.code].status;
  }

  toJson(): { readonly error: { readonly code: string; readonly message: string; readonly hint: string } } {
    return { error: { code: this.code, message: this.message, hint: refusals[this.code].hint } };
  }
}

const refusals = {
  MALFORMED: { status: 400, hint: 'docs/openapi.yaml describes the requests' },
  NOT_FOUND: { status: 404, hint: 'GET /v1/transfers lists the transfers; docs/openapi.yaml the paths' },
  METHOD_NOT_ALLOWED: { status: 405, hint: 'the header Allow says which methods this path has' },
  TOO_SLOW: { status: 408, hint: 'send header and body at once' },
  NOT_RUNNING: { status: 409, hint: 'the transfer has ended already; GET /v1/transfers shows how' },
  TOO_LARGE: { status: 413, hint: 'a body may have 1 MiB, a header 16 KiB' },
  NOT_JSON: { status: 415, hint: 'send a body with content-type: application/json' },
  HEADER_TOO_LARGE: { status: 431, hint: 'a header may have 16 KiB' },
  INTERNAL: { status: 500, hint: 'this is a bug: please report it with the log' },
  STOPPING: { status: 503, hint: 'the agent is being stopped; scripts do their transfers themselves' },
} as const;

export type RefusalCode = keyof typeof refusals;

/** The HTTP status of every code (documentation and tests walk over it). */
export const refusalTable: Readonly<Record<RefusalCode, { readonly status: number; readonly hint: string }>> =
  refusals;
