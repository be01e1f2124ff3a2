// What went wrong, in the one form that the API has for errors, or that nobody answered at all.

export interface ProblemBody {
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  request_id?: string;
  errors?: { pointer?: string; detail?: string }[];
  details?: unknown;
}

export class Problem extends Error {
  override name = 'Problem';
  constructor(
    readonly status: number,
    readonly code: string,
    readonly said: string,
    readonly requestId: string | null,
    readonly body: ProblemBody,
  ) {
    super(said);
  }

  /** Nobody answered. */
  get isAway(): boolean {
    return this.status === 0;
  }

  static async of(response: Response): Promise<Problem> {
    const body = (await response.json().catch(() => ({}))) as ProblemBody;
    const said = body.errors?.length
      ? `${body.detail ?? ''} ${body.errors.map((one) => [one.pointer, one.detail].filter(Boolean).join(': ')).join('; ')}`.trim()
      : body.detail;
    const id = body.request_id ?? response.headers.get('x-request-id');
    return new Problem(response.status, body.code ?? `http_${response.status}`, said ?? `The aggregator answered ${response.status}.`, id, body);
  }

  static away(cause: unknown): Problem {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new Problem(0, 'away', 'The aggregator does not answer. This page asks again by itself.', null, { detail: why });
  }

  static from(error: unknown): Problem {
    if (error instanceof Problem) return error;
    const said = error instanceof Error ? error.message : String(error);
    return new Problem(-1, 'page', `This page made a mistake: ${said}`, null, {});
  }
}
