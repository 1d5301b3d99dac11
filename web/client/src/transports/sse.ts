import { endingOf, type Ending } from "../closing.js";
import { Refused } from "../http.js";
import { parseFrame, type Frame } from "../wire.js";
import { encodeResume, hasAny, type Link, type Opening } from "./link.js";

/** `GET /events`, read with `fetch`: unlike `EventSource` it can send a header, and sees why it was refused. */
export function openSse(opening: Opening): Link {
  const { http, listener, token, resume } = opening;
  const abort = new AbortController();
  const query = hasAny(resume) ? `?resume=${encodeResume(resume)}` : "";
  const run = async (): Promise<Ending> => {
    const options = { headers: { accept: "text/event-stream" }, signal: abort.signal };
    const response = await http.open("GET", `/events${query}`, token ? { ...options, token } : options);
    let ending: Ending = { code: 1006 };
    await readEvents(response, (frame, bytes) => {
      if (frame.type === "close") ending = told(frame);
      else if (!abort.signal.aborted) listener.frame(frame, bytes);
    });
    return ending;
  };
  void finish(run(), abort.signal, opening);
  return { close: () => abort.abort() };
}

/** The end that a `close` event tells. */
export function told(frame: Frame): Ending {
  const data = frame.data as { code: number; name?: string; retry_after_ms?: number };
  const ending: Ending = { code: data.code };
  if (data.name) ending.name = data.name;
  if (data.retry_after_ms) ending.retryAfterMs = data.retry_after_ms;
  return ending;
}

/** Tells how it ended, unless it was we who ended it. */
export async function finish(run: Promise<Ending>, signal: AbortSignal, opening: Opening): Promise<void> {
  const ending = await run.catch((error: unknown) =>
    error instanceof Refused ? endingOf(error.status, error.code, error.retryAfterMs) : { code: 1006 },
  );
  if (!signal.aborted) opening.listener.ended(ending);
}

async function readEvents(response: Response, onFrame: (frame: Frame, bytes: number) => void): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) {
      const frame = line.startsWith("data:") ? parseFrame(line.slice(5)) : undefined;
      if (frame) onFrame(frame, line.length);
    }
  }
}
