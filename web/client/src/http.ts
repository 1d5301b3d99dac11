/** Requests to the API and to `/events`, with the caller's credentials. */
import type { Environment } from "./environment.js";
import { HubbubError } from "./wire.js";

export interface Answer {
  status: number;
  body: unknown;
  etag: string | null;
}

/** An answer that is no success, with all that is needed to go on. */
export class Refused extends HubbubError {
  constructor(
    readonly status: number,
    code: string,
    message: string,
    retryAfterMs: number,
  ) {
    super(code, message, status === 429 || status >= 500, retryAfterMs);
  }
}

export class Http {
  constructor(
    private readonly environment: Environment,
    private readonly base: string,
    private readonly token: () => Promise<string | undefined>,
  ) {}

  /** Reads an answer as JSON. 304 is a success. Throws {@link Refused}, or what `fetch` throws. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const response = await this.open(method, path, options);
    const text = await response.text();
    return {
      status: response.status,
      body: text ? (JSON.parse(text) as unknown) : undefined,
      etag: response.headers.get("etag"),
    };
  }

  /** The answer with its body still to be read. */
  async open(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const token = options.token ?? (await this.token());
    const headers: Record<string, string> = { accept: "application/json", ...options.headers };
    if (token) headers["authorization"] = `Bearer ${token}`;
    if (options.body !== undefined) headers["content-type"] = "application/json";
    const response = await this.environment.fetch(this.base + path, {
      method,
      headers,
      credentials: token ? "omit" : "include",
      cache: "no-store",
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    if (response.ok || response.status === 304) return response;
    throw await refusal(response);
  }
}

export interface RequestOptions {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Another than the caller's own. */
  token?: string;
}

async function refusal(response: Response): Promise<Refused> {
  const problem = (await response.json().catch(() => ({}))) as {
    code?: string;
    detail?: string;
    title?: string;
  };
  const seconds = Number(response.headers.get("retry-after")) || 0;
  const message = problem.detail ?? problem.title ?? `HTTP ${response.status}`;
  return new Refused(response.status, problem.code ?? "internal", message, seconds * 1_000);
}
