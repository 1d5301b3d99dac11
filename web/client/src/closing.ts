/** What an end of a connection asks of the client. */

export interface Ending {
  code: number;
  name?: string;
  retryAfterMs?: number;
}

export type Verdict =
  /** Tell the user, or log in again. */
  | "stop"
  /** Get a new token, come back once. */
  | "renew"
  /** Come back with positions. */
  | "resume"
  /** Come back without. */
  | "start_anew";

/** By the range, also for a code that nobody has seen yet. No code, or 1006, is like 4200. */
export function judge(code: number): Verdict {
  if (code >= 4000 && code < 4100) return "stop";
  if (code >= 4100 && code < 4200) return "renew";
  if (code >= 4300 && code < 4400) return "start_anew";
  return "resume";
}

/** Reads the reason text of a close frame, which may be anything. */
export function readEnding(code: number, reason: string): Ending {
  const ending: Ending = { code };
  try {
    const told = JSON.parse(reason) as { code?: unknown; retry_after_ms?: unknown } | null;
    if (typeof told?.code === "string") ending.name = told.code;
    if (typeof told?.retry_after_ms === "number") ending.retryAfterMs = told.retry_after_ms;
  } catch {
    // Only our own gateway writes JSON there.
  }
  return ending;
}

/** An answer of HTTP, as the close code that says the same. */
export function endingOf(status: number, code: string | undefined, retryAfterMs: number): Ending {
  const ending: Ending = { code: status === 401 ? 4100 : status === 403 ? 4003 : 4200 };
  if (code === "session_revoked") ending.code = 4004;
  if (code) ending.name = code;
  if (retryAfterMs) ending.retryAfterMs = retryAfterMs;
  return ending;
}
