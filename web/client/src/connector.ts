/** Keeps one connection open, over whatever gets through, and replaces it when it ends. */
import { Backoff } from "./backoff.js";
import { judge, type Ending } from "./closing.js";
import type { Environment } from "./environment.js";
import { Refused, type Http } from "./http.js";
import type { Tokens } from "./tokens.js";
import type { Link, Listener, Opening, Transport } from "./transports/link.js";
import { openPoll } from "./transports/poll.js";
import { openSse } from "./transports/sse.js";
import { openSync } from "./transports/sync.js";
import { openWebSocket } from "./transports/websocket.js";
import type { Frame, Positions, SyncPage, Welcome } from "./wire.js";

/** Without a `welcome` in this time an attempt has failed. */
const WELCOME_MS = 10_000;
/** Lower transports try for the best one this often, on average, and after failures at most this rarely. */
const CLIMB_MS = 30_000;
const CLIMB_MAX_MS = 300_000;
/** WebSocket attempts in a row that end before `welcome`, until another transport is tried. */
const SOCKET_FAILURES_MAX = 2;

const OPENERS: Record<Transport, (opening: Opening) => Link> = {
  websocket: openWebSocket,
  sse: openSse,
  poll: openPoll,
  sync: openSync,
};

/** Who hears of it. */
export interface Owner {
  connecting(): void;
  waiting(ms: number): void;
  offline(): void;
  /** `welcome` is none with plain polling. */
  live(transport: Transport, welcome: Welcome | undefined): void;
  frame(frame: Frame, bytes: number): void;
  page(page: SyncPage): void;
  down(ending: Ending): void;
  stopped(ending: Ending): void;
  resume(): Positions;
  cursor(): string | undefined;
  forget(): void;
}

export interface ConnectorOptions {
  environment: Environment;
  http: Http;
  tokens: Tokens;
  socketUrl: string;
  transports: readonly Transport[];
}

interface Attempt {
  transport: Transport;
  link?: Link;
  live: boolean;
  over: boolean;
  cancel: () => void;
}

export class Connector {
  #current: Attempt | undefined;
  /** Opened beside the current one, which it replaces when it is live. */
  #trial: Attempt | undefined;
  #rung = 0;
  #failures = 0;
  #climbMs = CLIMB_MS;
  #renewed = false;
  #stopped = false;
  #heardAt = 0;
  #cancelWait = () => {};
  #cancelClimb = () => {};
  #cancelDeaf = () => {};
  readonly #backoff: Backoff;
  readonly #unwatch: () => void;

  constructor(
    private readonly options: ConnectorOptions,
    private readonly owner: Owner,
  ) {
    const { environment } = options;
    this.#backoff = new Backoff(environment.random);
    this.#unwatch = environment.watch(
      () => this.#wake(),
      () => this.#lose({ code: 1006 }),
    );
  }

  start(): void {
    const { environment, transports } = this.options;
    if (!environment.isOnline()) return this.owner.offline();
    this.owner.connecting();
    this.#current = this.#attempt(transports[this.#rung] as Transport);
  }

  /** Sends over the connection, if it is one that can. */
  send(text: string): boolean {
    const attempt = this.#current;
    if (!attempt?.live || !attempt.link?.send) return false;
    attempt.link.send(text);
    return true;
  }

  /** Ends the connection as if the network had; it comes back. */
  cut(): void {
    this.#lose({ code: 1006 });
  }

  stop(): void {
    this.#stopped = true;
    this.#unwatch();
    this.#end(this.#current);
    this.#end(this.#trial);
    for (const cancel of [this.#cancelWait, this.#cancelClimb, this.#cancelDeaf]) cancel();
  }

  #attempt(transport: Transport): Attempt {
    const attempt: Attempt = { transport, live: false, over: false, cancel: () => {} };
    const { environment, http, tokens, socketUrl } = this.options;
    const fail = (ending: Ending) => this.#ended(attempt, ending);
    attempt.cancel = environment.after(WELCOME_MS, () => fail({ code: 4204 }));
    const begin = async () => {
      try {
        const token = await (transport === "websocket" ? tokens.forConnection() : tokens.current());
        if (attempt.over) return;
        const opening = { environment, http, socketUrl, token, resume: this.owner.resume() };
        const cursor = this.owner.cursor();
        attempt.link = OPENERS[transport]({ ...opening, cursor, listener: this.#listener(attempt) });
      } catch (error) {
        // The application's own token source says whether it can ever succeed.
        fail(error instanceof Refused && error.status === 401 ? { code: 4001 } : { code: 1006 });
      }
    };
    void begin();
    return attempt;
  }

  #listener(attempt: Attempt): Listener {
    return {
      frame: (frame, bytes) => {
        if (attempt.over) return;
        this.#heardAt = this.options.environment.now();
        const isSync = attempt.transport === "sync";
        if (frame.type === "welcome" && !attempt.live) this.#live(attempt, frame.data as unknown as Welcome);
        else if (isSync && !attempt.live) this.#live(attempt, undefined);
        if (frame.type === "reconnect") this.#replaceLater(attempt, frame);
        if (attempt.live) this.owner.frame(frame, bytes);
      },
      page: (page) => {
        if (!attempt.over) this.owner.page(page);
      },
      ended: (ending) => this.#ended(attempt, ending),
    };
  }

  #live(attempt: Attempt, welcome: Welcome | undefined): void {
    const { environment, tokens, transports } = this.options;
    attempt.live = true;
    attempt.cancel();
    if (this.#current !== attempt) this.#end(this.#current);
    if (this.#trial === attempt) this.#trial = undefined;
    this.#current = attempt;
    this.#rung = transports.indexOf(attempt.transport);
    this.#failures = 0;
    this.#renewed = false;
    this.#backoff.reset();
    if (welcome?.resume_token) tokens.resumeToken = welcome.resume_token;
    this.#cancelDeaf();
    if (welcome) this.#listenForSilence(attempt, (2 * welcome.heartbeat_seconds + 10) * 1_000);
    this.#cancelClimb();
    if (this.#rung === 0) this.#climbMs = CLIMB_MS;
    else this.#climbLater(environment);
    this.owner.live(attempt.transport, welcome);
  }

  /** A connection that is open and says nothing is none. */
  #listenForSilence(attempt: Attempt, limit: number): void {
    const { environment } = this.options;
    const look = () => {
      const left = this.#heardAt + limit - environment.now();
      if (left <= 0) this.#ended(attempt, { code: 4205 });
      else this.#cancelDeaf = environment.after(left, look);
    };
    look();
  }

  #climbLater(environment: Environment): void {
    const ms = this.#climbMs * (0.5 + environment.random());
    this.#climbMs = Math.min(this.#climbMs * 2, CLIMB_MAX_MS);
    this.#cancelClimb = environment.after(ms, () => this.#try(this.options.transports[0] as Transport));
  }

  #replaceLater(attempt: Attempt, frame: Frame): void {
    const ms = Number(frame.data?.["after_ms"] ?? 0);
    this.#cancelClimb();
    this.#cancelClimb = this.options.environment.after(ms, () => this.#try(attempt.transport));
  }

  #try(transport: Transport): void {
    if (this.#trial || !this.#current?.live) return;
    this.#trial = this.#attempt(transport);
  }

  /** The browser came online, or the tab is seen again. */
  #wake(): void {
    if (this.#stopped || !this.options.environment.isOnline()) return;
    this.#backoff.reset();
    if (!this.#current) {
      this.#cancelWait();
      this.start();
    } else if (this.#current.live && this.#rung > 0) {
      this.#try(this.options.transports[0] as Transport);
    }
  }

  #lose(ending: Ending): void {
    this.#end(this.#trial);
    this.#trial = undefined;
    if (this.#current) this.#ended(this.#current, ending);
    else if (!this.options.environment.isOnline()) {
      this.#cancelWait();
      this.owner.offline();
    }
  }

  #end(attempt: Attempt | undefined): void {
    if (!attempt || attempt.over) return;
    attempt.over = true;
    attempt.cancel();
    attempt.link?.close();
  }

  #ended(attempt: Attempt, ending: Ending): void {
    if (attempt.over || this.#stopped) return;
    this.#end(attempt);
    if (attempt === this.#trial) {
      this.#trial = undefined;
      if (this.#current) return this.#climbLater(this.options.environment);
    } else {
      this.#current = undefined;
      this.#cancelDeaf();
      this.#cancelClimb();
    }
    this.owner.down(ending);
    if (!attempt.live) this.#step(attempt);
    // The replacement that is on its way decides.
    if (this.#trial) this.#current = this.#trial;
    else this.#follow(ending);
    this.#trial = undefined;
  }

  /** An attempt failed: perhaps another transport gets through. After the last one it begins again with the first. */
  #step(attempt: Attempt): void {
    this.#failures += 1;
    const patience = attempt.transport === "websocket" ? SOCKET_FAILURES_MAX : 1;
    if (this.#failures < patience || !this.options.environment.isOnline()) return;
    this.#failures = 0;
    this.#rung = (this.#rung + 1) % this.options.transports.length;
  }

  #follow(ending: Ending): void {
    const { tokens } = this.options;
    let verdict = judge(ending.code);
    // What was refused is the resume token, not the person.
    if (ending.code === 4001 && tokens.resumeToken && !this.#renewed) verdict = "renew";
    if (verdict === "renew" && (this.#renewed || !tokens.canRenew)) verdict = "stop";
    if (verdict === "stop") {
      this.stop();
      return this.owner.stopped(ending);
    }
    if (verdict === "start_anew") this.owner.forget();
    if (verdict === "renew") {
      this.#renewed = true;
      return void tokens.renew().then(
        () => this.#stopped || this.start(),
        () => this.#wait(ending),
      );
    }
    this.#wait(ending);
  }

  #wait(ending: Ending): void {
    const { environment } = this.options;
    if (this.#stopped) return;
    if (!environment.isOnline()) return this.owner.offline();
    const ms = this.#backoff.next(ending.retryAfterMs);
    this.owner.waiting(ms);
    this.#cancelWait = environment.after(ms, () => this.start());
  }
}
