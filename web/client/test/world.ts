/** A scripted server, and a clock that only moves when it is told to. */
import type { Environment, WebSocketLike } from "../src/environment.js";
import { connect, type Client, type Frame, type Options } from "../src/index.js";

export class Socket implements WebSocketLike {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];
  closedBy: "client" | undefined;

  constructor(readonly url: string) {}

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.closedBy = "client";
  }

  /** Opens it and says `welcome`. */
  welcome(channels: object = { "user:1": { epoch: "e", offset: 0 } }, more: object = {}): void {
    this.onopen?.();
    const data = {
      connection_id: "c",
      user_id: 1,
      node: "gateway-1",
      heartbeat_seconds: 25,
      channels,
      ...more,
    };
    this.say({ type: "welcome", data });
  }

  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  event(offset: number, channel = "user:1", id = offset): void {
    this.say({ type: "private_message", id, channel, offset, data: { seq: offset } });
  }

  end(code: number, reason = ""): void {
    this.onclose?.({ code, reason });
  }

  commands(type: string): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame["type"] === type);
  }
}

export interface Request {
  method: string;
  path: string;
  headers: Headers;
  body: unknown;
}
type Handler = (request: Request) => Response | Promise<Response>;

export class World {
  readonly sockets: Socket[] = [];
  readonly requests: Request[] = [];
  readonly heard: Frame[] = [];
  online = true;
  wake = () => {};
  lose = () => {};
  #now = 0;
  #timers: { at: number; callback: () => void }[] = [];
  /** Answers by the beginning of the path. */
  routes: Record<string, Handler> = {
    "/api/v1/sync": () => json(syncPage({ cursor: "first" })),
  };
  client!: Client;

  async connect(options: Options = {}): Promise<Socket> {
    this.client = connect({ url: "http://server", token: "t", environment: this.environment(), ...options });
    this.client.on("*", (frame) => this.heard.push(frame));
    await this.settle();
    return this.sockets.at(-1) ?? new Socket("none was opened");
  }

  socket(): Socket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }

  offsets(): (number | undefined)[] {
    return this.heard.filter((frame) => frame.offset !== undefined).map((frame) => frame.offset);
  }

  environment(): Environment {
    const world = this;
    return {
      now: () => this.#now,
      random: () => 0.5,
      after: (ms, callback) => this.#after(ms, callback),
      WebSocket: class extends Socket {
        constructor(url: string) {
          super(url);
          world.sockets.push(this);
        }
      },
      fetch: (input, init) => this.#fetch(String(input), init ?? {}),
      isOnline: () => this.online,
      watch: (wake, lose) => {
        Object.assign(this, { wake, lose });
        return () => {};
      },
    };
  }

  /** Lets time pass, timer by timer. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.#now = next.at;
      next.callback();
      await this.settle();
    }
    this.#now = end;
    await this.settle();
  }

  /** Lets everything happen that waits for nothing. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  #after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const path = url.replace("http://server", "");
    const body: unknown = init.body ? JSON.parse(String(init.body)) : undefined;
    const request = { method: init.method ?? "GET", path, headers: new Headers(init.headers), body };
    this.requests.push(request);
    const routes = Object.entries(this.routes).sort(([a], [b]) => b.length - a.length);
    const found = routes.find(([start]) => path.startsWith(start));
    const abort = new Promise<never>((_, reject) => {
      init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    });
    abort.catch(() => {});
    if (!found) throw new TypeError("fetch failed");
    return Promise.race([found[1](request), abort]);
  }
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(status === 304 ? null : JSON.stringify(body), { status, headers });
}

export function syncPage(some: object): object {
  const lists = { joined: [], messages: [], conversations: [], notifications: [], groups: [] };
  return { cursor: null, has_more: false, full: false, ...lists, ...some };
}

/** An answer that never comes. */
export const never = () => new Promise<Response>(() => {});
