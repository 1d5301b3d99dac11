import type { Ending } from "../closing.js";
import type { Frame } from "../wire.js";
import { encodeResume, hasAny, type Link, type Opening } from "./link.js";
import { finish, told } from "./sse.js";

interface Polled {
  events: Frame[];
  cursor: string;
}

/** `GET /events/poll`. */
export function openPoll(opening: Opening): Link {
  const { http, listener, token, resume } = opening;
  const abort = new AbortController();
  const run = async (): Promise<Ending> => {
    let query = hasAny(resume) ? `?resume=${encodeResume(resume)}` : "";
    while (!abort.signal.aborted) {
      const options = { signal: abort.signal };
      const answer = await http.request(
        "GET",
        `/events/poll${query}`,
        token ? { ...options, token } : options,
      );
      const { events, cursor } = answer.body as Polled;
      for (const frame of events) {
        if (frame.type === "close") return told(frame);
        if (!abort.signal.aborted) listener.frame(frame, 0);
      }
      // An answer without an event is a sign of life too.
      if (!events.length) listener.frame({ type: "heartbeat" }, 0);
      query = `?cursor=${encodeURIComponent(cursor)}`;
    }
    return { code: 1000 };
  };
  void finish(run(), abort.signal, opening);
  return { close: () => abort.abort() };
}
