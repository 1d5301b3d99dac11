import type { Ending } from "../closing.js";
import type { Environment } from "../environment.js";
import type { Http } from "../http.js";
import type { Frame, Positions, SyncPage } from "../wire.js";

/** From the best to the last resort. */
export const TRANSPORTS = ["websocket", "sse", "poll", "sync"] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** One connection, whatever carries it. */
export interface Link {
  /** Sends a frame; a link that cannot, has none. */
  send?(text: string): void;
  /** Ends it; nothing is told any more. */
  close(): void;
}

/** Who hears of it. */
export interface Listener {
  frame(frame: Frame, bytes: number): void;
  /** A page of `/sync`. */
  page(page: SyncPage): void;
  /** It is over. Told once. */
  ended(ending: Ending): void;
}

export interface Opening {
  environment: Environment;
  http: Http;
  /** Where `/ws` is. */
  socketUrl: string;
  /** None with a cookie. */
  token: string | undefined;
  resume: Positions;
  /** Of `/sync`, where it is known. */
  cursor: string | undefined;
  listener: Listener;
}

/** `?resume=`, as the server reads it. */
export function encodeResume(positions: Positions): string {
  const base64 = btoa(JSON.stringify(positions));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function hasAny(positions: Positions): boolean {
  return Object.keys(positions).length > 0;
}
