/** The client as an application sees it. */
import type { Ending } from "./closing.js";
import { Commands } from "./commands.js";
import { Connector, type Owner } from "./connector.js";
import { Courier } from "./courier.js";
import { ownEnvironment, type Environment } from "./environment.js";
import { Http, Refused, type Answer, type RequestOptions } from "./http.js";
import { Outbox, type OutboxStore, type Target } from "./outbox.js";
import { Observable } from "./state.js";
import { Tokens, type TokenSource } from "./tokens.js";
import { TRANSPORTS, type Transport } from "./transports/link.js";
import { Typing } from "./typing.js";
import {
  HubbubError,
  type ChannelStart,
  type Data,
  type Frame,
  type Positions,
  type SyncPage,
} from "./wire.js";

export interface Options {
  /** Of Hubbub, without a path; the page's own origin if left out. */
  url?: string;
  /** A token, or a way to get one. Left out, the browser's `session` cookie is used. */
  token?: TokenSource;
  /** What `GET /bootstrap` gave: events go on from there. */
  since?: { channels: Positions; sync_cursor: string };
  /** Keeps unsent messages; `indexedOutbox()` does in a browser. */
  outbox?: OutboxStore;
  /** The best one first. */
  transports?: readonly Transport[];
  /** For tests, and for programs without a WebSocket of their own. */
  environment?: Partial<Environment>;
}

export interface State {
  status: "connecting" | "live" | "waiting" | "offline" | "stopped";
  transport?: Transport;
  node?: string;
  connectionId?: string;
  /** Milliseconds from the beginning of the pause to the next attempt, while `waiting`. */
  retryMs?: number;
  /** Why it is not live, or no more. */
  ending?: Ending;
  /** Messages that wait to be sent. */
  unsent: number;
}

type Handler = (frame: Frame) => void;

/** Makes a client, and connects it. */
export function connect(options: Options = {}): Client {
  return new Client(options);
}

export class Client {
  readonly state = new Observable<State>({ status: "connecting", unsent: 0 });
  readonly #environment: Environment;
  readonly #tokens: Tokens;
  readonly #http: Http;
  readonly #courier: Courier;
  readonly #connector: Connector;
  readonly #commands: Commands;
  readonly #outbox: Outbox;
  readonly #typing: Typing;
  readonly #handlers = new Map<string, Set<Handler>>();
  readonly #rooms = new Set<number>();

  constructor(options: Options) {
    const environment = { ...ownEnvironment(), ...options.environment };
    const url = (options.url ?? globalThis.location?.origin ?? "").replace(/\/$/, "");
    this.#environment = environment;
    this.#tokens = new Tokens(options.token);
    this.#http = new Http(environment, url, () => this.#tokens.current());
    this.#courier = this.#makeCourier(options);
    const base = { environment, http: this.#http, tokens: this.#tokens };
    const transports = options.transports ?? TRANSPORTS;
    this.#connector = new Connector(
      { ...base, socketUrl: `${url.replace(/^http/, "ws")}/ws`, transports },
      this.#makeOwner(),
    );
    this.#commands = new Commands(environment, this.#renewing(), (text) => this.#connector.send(text));
    const call = (type: string, fields: Data) => this.#commands.call(type, fields);
    this.#outbox = new Outbox(environment, options.outbox, call, (unsent) => this.#tell({ unsent }));
    this.#typing = new Typing(environment, (type, fields) => this.#chat(type, fields));
    this.#connector.start();
  }

  /** Hears events of a type; `*` hears all, `sync` pages of state, `resync` that all is to be fetched anew. */
  on(type: string, handler: Handler): () => void {
    const handlers = this.#handlers.get(type) ?? new Set();
    this.#handlers.set(type, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  /** Sends a message, once, now or when the connection is back; resolves when the server has it. */
  send(target: Target, content: string, clientMessageId: string = crypto.randomUUID()): Promise<unknown> {
    this.#typing.sent(target);
    return this.#outbox.send({ client_message_id: clientMessageId, target, content });
  }

  /** Does a command now; rejects with a {@link HubbubError}. */
  call(type: string, fields: Data = {}): Promise<unknown> {
    return this.#commands.call(type, fields);
  }

  /** Who of these is online: `{users: [{user_id, online, last_seen}]}`. */
  presence(userIds: number[]): Promise<unknown> {
    return this.call("presence", { user_ids: userIds });
  }

  /** Call it at each key; what is told is debounced. */
  typing(target: Target): void {
    this.#typing.key(target);
  }

  /** Hears a post's comments and reactions, also after a reconnect, until `leave`. */
  async join(postId: number): Promise<unknown> {
    this.#rooms.add(postId);
    return this.call("join_post", { post_id: postId });
  }

  async leave(postId: number): Promise<unknown> {
    return this.#rooms.delete(postId) ? this.call("leave_post", { post_id: postId }) : undefined;
  }

  /** A request to the API, such as `("POST", "/posts", {content})`, with the client's credentials. */
  async request(method: string, path: string, body?: unknown): Promise<unknown> {
    return (await this.#renewing().request(method, `/api/v1${path}`, body === undefined ? {} : { body }))
      .body;
  }

  /** Ends the connection as a bad network would; it comes back. */
  cut(): void {
    this.#connector.cut();
  }

  /** Ends it for good. */
  close(): void {
    this.#connector.stop();
    this.#typing.close();
    this.#down();
    this.#tell({ status: "stopped" });
  }

  #makeCourier(options: Options): Courier {
    const courier = new Courier(this.#environment, this.#renewing(), {
      event: (frame) => this.#event(frame),
      page: (page) => this.#emit({ type: "sync", data: page as unknown as Data }),
      resync: (channels) => this.#emit({ type: "resync", data: { channels } }),
      ask: (missing) => this.#ask(missing),
      reconnect: () => this.#connector.cut(),
    });
    if (options.since) {
      courier.stream.join(options.since.channels);
      courier.cursor = options.since.sync_cursor;
    }
    return courier;
  }

  #makeOwner(): Owner {
    return {
      connecting: () => this.#tell({ status: "connecting" }),
      waiting: (ms) => this.#tell({ status: "waiting", retryMs: ms }),
      offline: () => this.#tell({ status: "offline" }),
      live: (transport, welcome) => {
        const known = welcome ? { node: welcome.node, connectionId: welcome.connection_id } : {};
        this.#set({ status: "live", transport, ...known, unsent: this.state.value.unsent });
        for (const postId of this.#rooms) this.#chat("join_post", { post_id: postId });
        this.#outbox.open(true);
      },
      frame: (frame, bytes) => this.#frame(frame, bytes),
      page: (page) => this.#courier.page(page),
      down: (ending) => {
        this.#down();
        this.#tell({ ending });
      },
      stopped: (ending) => this.#tell({ status: "stopped", ending }),
      resume: () => this.#courier.stream.positions(),
      cursor: () => this.#courier.cursor,
      forget: () => this.#courier.forget(),
    };
  }

  #down(): void {
    this.#commands.drop();
    this.#outbox.open(false);
    this.#courier.forgetAsked();
  }

  #frame(frame: Frame, bytes: number): void {
    this.#emitTo("frame", { type: "frame", data: { frame, bytes } });
    if (!this.#commands.answer(frame)) this.#courier.frame(frame);
  }

  #event(frame: Frame): void {
    if (frame.type === "session_expiring") void this.#refresh();
    this.#emit(frame);
  }

  /** A new token for the connection that there is. If that fails, its end will be 4100. */
  async #refresh(): Promise<void> {
    if (!this.#tokens.canRenew) return;
    const token = await this.#tokens.renew().catch(() => undefined);
    if (token) this.#chat("refresh", { token });
  }

  #ask(missing: Positions): boolean {
    if (this.state.value.transport !== "websocket") return false;
    void this.call("sync", { channels: missing }).then(
      (data) => {
        const { channels } = data as { channels: Record<string, ChannelStart> };
        this.#courier.lose(Object.keys(channels).filter((name) => channels[name]?.recovered === false));
      },
      (error: unknown) => {
        // Where the connection ended, the next one resumes.
        if (!(error instanceof HubbubError && error.code === "disconnected")) this.#connector.cut();
      },
    );
    return true;
  }

  /** A command whose failure nobody needs to hear of. */
  #chat(type: string, fields: Data): void {
    this.call(type, fields).catch(() => {});
  }

  #emit(frame: Frame): void {
    this.#emitTo(frame.type, frame);
    this.#emitTo("*", frame);
  }

  #emitTo(type: string, frame: Frame): void {
    for (const handler of this.#handlers.get(type) ?? []) {
      try {
        handler(frame);
      } catch (error) {
        // One handler's fault must not cost the others the event.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  /** HTTP that gets another token when the present one has ended, once for each request. */
  #renewing(): Http {
    const http = this.#http;
    const tokens = this.#tokens;
    const again = async (method: string, path: string, options?: RequestOptions): Promise<Answer> => {
      try {
        return await http.request(method, path, options);
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 401 || !tokens.canRenew) throw error;
        await tokens.renew();
        return http.request(method, path, options);
      }
    };
    return Object.assign(Object.create(http) as Http, { request: again });
  }

  #tell(change: Partial<State>): void {
    this.#set({ ...this.state.value, ...change });
  }

  #set(state: State): void {
    this.state.set(state);
  }
}

export type { SyncPage };
