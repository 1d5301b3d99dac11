/** Brings what arrives to the application, in order, and fetches what will not arrive any more. */
import { Backoff } from "./backoff.js";
import type { Environment } from "./environment.js";
import type { Http } from "./http.js";
import { Stream, type Outcome } from "./stream.js";
import type { Frame, Position, Positions, SyncPage, Welcome } from "./wire.js";

/** Frames that may wait while `/sync` is read. */
const WAITING_MAX = 2_048;

export interface Recipient {
  event(frame: Frame): void;
  /** State that takes the place of events that were missed. */
  page(page: SyncPage): void;
  /** Something was missed that `/sync` cannot tell either: fetch everything anew. */
  resync(channels: string[]): void;
  /** Ask for what comes after these positions. False where that is not possible. */
  ask(missing: Positions): boolean;
  /** Come back, with positions. */
  reconnect(): void;
}

export class Courier {
  readonly stream = new Stream();
  cursor: string | undefined;
  #lost = new Set<string>();
  /** What arrived while `/sync` is read. */
  #waiting: Frame[] | undefined;
  #asked = "";

  constructor(
    private readonly environment: Environment,
    private readonly http: Http,
    private readonly recipient: Recipient,
  ) {}

  welcome(welcome: Welcome): void {
    this.#asked = "";
    for (const name of this.stream.start(welcome.channels)) this.#lost.add(name);
    if (this.#lost.size) void this.#catchUp();
    else void this.#begin();
  }

  frame(frame: Frame): void {
    if (frame.type === "welcome") return this.welcome(frame.data as unknown as Welcome);
    if (frame.type === "heartbeat") return this.#heartbeat(frame);
    if (frame.type === "resync") return this.#resync(frame);
    if (frame.type === "channels") this.#channels(frame);
    if (!this.#waiting) return this.#told(this.stream.accept(frame));
    if (this.#waiting.push(frame) > WAITING_MAX) {
      // They come again: nothing of them has moved a position.
      this.#waiting.length = 0;
      this.recipient.reconnect();
    }
  }

  /** A page that polling brought. */
  page(page: SyncPage): void {
    const positions = this.stream.positions();
    const ahead = Object.entries(page.channels ?? {}).filter(([name, top]) => !reaches(positions[name], top));
    const unknown = this.cursor === undefined && Object.keys(positions).length > 0;
    if (page.full || (unknown && ahead.length)) this.recipient.resync(ahead.map(([name]) => name));
    else if (hasNews(page)) this.recipient.page(page);
    this.cursor = page.cursor ?? undefined;
    if (page.channels) this.#told(this.stream.advance(page.channels));
  }

  #heartbeat({ tops }: Frame): void {
    if (tops) this.#ask(this.stream.holes(tops));
    if (this.cursor === undefined && !this.#waiting) void this.#begin();
  }

  #resync({ data }: Frame): void {
    const named = data?.["channels"];
    const names = Array.isArray(named) ? named : Object.keys((named as object | undefined) ?? {});
    for (const name of names) this.#lost.add(String(name));
    void this.#catchUp();
  }

  #channels({ data }: Frame): void {
    this.stream.join((data?.["joined"] as Record<string, Position> | undefined) ?? {});
    this.stream.leave((data?.["left"] as string[] | undefined) ?? []);
  }

  #told({ deliver, missing, overflow }: Outcome): void {
    for (const frame of deliver) this.recipient.event(frame);
    if (overflow) return this.recipient.reconnect();
    this.#ask(missing);
  }

  #ask(missing: Positions): void {
    const key = JSON.stringify(missing);
    // Each event behind a hole shows the same hole; it is asked for once.
    if (key === "{}" || key === this.#asked) return;
    this.#asked = key;
    if (!this.recipient.ask(missing)) this.recipient.reconnect();
  }

  /** What was asked for will not come. */
  lose(names: string[]): void {
    for (const name of names) this.#lost.add(name);
    if (names.length) void this.#catchUp();
  }

  /** The positions are worth nothing any more: what was missed since is fetched after the next `welcome`. */
  forget(): void {
    for (const name of Object.keys(this.stream.positions())) this.#lost.add(name);
    this.stream.forget();
  }

  /** Asked for again: whoever did not get an answer. */
  forgetAsked(): void {
    this.#asked = "";
  }

  /** Gets a cursor, for the day when something is lost; one that is not ahead of what has arrived. */
  async #begin(): Promise<void> {
    if (this.cursor !== undefined) return;
    const page = await this.#read(undefined).catch(() => undefined);
    const positions = this.stream.positions();
    const tops = Object.entries(page?.channels ?? {});
    if (page && tops.every(([name, top]) => reaches(positions[name], top)))
      this.cursor ??= page.cursor ?? undefined;
  }

  /** Reads all that was missed, and only then goes on. */
  async #catchUp(): Promise<void> {
    if (this.#waiting) return;
    this.#waiting = [];
    const backoff = new Backoff(this.environment.random);
    while (this.#lost.size) {
      const names = [...this.#lost];
      try {
        await this.#readAll(names);
        for (const name of names) this.#lost.delete(name);
      } catch {
        await new Promise<void>((resume) => this.environment.after(backoff.next(), resume));
      }
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const frame of waiting) this.frame(frame);
  }

  async #readAll(names: string[]): Promise<void> {
    const known = this.cursor !== undefined;
    let page: SyncPage;
    do {
      page = await this.#read(this.cursor);
      if (page.full) {
        page = await this.#read(undefined);
        this.recipient.resync(names);
      } else if (known && hasNews(page)) this.recipient.page(page);
      this.cursor = page.cursor ?? undefined;
    } while (page.has_more);
    if (!known) this.recipient.resync(names);
    if (page.channels) this.#told(this.stream.advance(page.channels));
  }

  async #read(cursor: string | undefined): Promise<SyncPage> {
    const query = cursor === undefined ? "" : `?since=${encodeURIComponent(cursor)}`;
    return (await this.http.request("GET", `/api/v1/sync${query}`)).body as SyncPage;
  }
}

function reaches(position: Position | undefined, top: Position): boolean {
  return position !== undefined && position.epoch === top.epoch && position.offset >= top.offset;
}

function hasNews(page: SyncPage): boolean {
  const { joined, messages, conversations, notifications, groups } = page;
  return [joined, messages, conversations, notifications, groups].some((list) => list.length > 0);
}
