import { judge, endingOf } from "../closing.js";
import { Refused } from "../http.js";
import type { SyncPage } from "../wire.js";
import type { Link, Opening } from "./link.js";

/** Milliseconds between two polls, and the most that errors make of it. */
const INTERVAL_MS = 5_000;
const INTERVAL_MAX_MS = 300_000;

/** Plain polling of `/api/v1/sync`: nothing is held open, an idle poll is a 304. */
export function openSync(opening: Opening): Link {
  const { environment, http, listener } = opening;
  const abort = new AbortController();
  let { cursor } = opening;
  let etag: string | null = null;
  let interval = INTERVAL_MS;
  let cancel = () => {};
  const poll = async (): Promise<void> => {
    const query = cursor ? `?since=${encodeURIComponent(cursor)}` : "";
    const headers: Record<string, string> = etag ? { "if-none-match": etag } : {};
    const answer = await http.request("GET", `/api/v1/sync${query}`, { headers, signal: abort.signal });
    if (abort.signal.aborted) return;
    interval = INTERVAL_MS;
    listener.frame({ type: "heartbeat" }, 0);
    if (answer.status === 304) return;
    const page = answer.body as SyncPage;
    const moved = page.cursor !== cursor;
    cursor = page.cursor ?? undefined;
    etag = moved ? null : answer.etag;
    listener.page(page);
    if (page.has_more) await poll();
  };
  const turn = async (): Promise<void> => {
    try {
      await poll();
    } catch (error) {
      if (abort.signal.aborted) return;
      const refused = error instanceof Refused ? error : undefined;
      const ending = endingOf(refused?.status ?? 0, refused?.code, refused?.retryAfterMs ?? 0);
      if (judge(ending.code) !== "resume") return listener.ended(ending);
      interval = Math.max(Math.min(interval * 2, INTERVAL_MAX_MS), ending.retryAfterMs ?? 0);
    }
    if (!abort.signal.aborted) cancel = environment.after(interval, () => void turn());
  };
  void turn();
  return {
    close() {
      abort.abort();
      cancel();
    },
  };
}
