/** Messages on their way: kept until the server has them, sent in order, each of them once. */
import { Backoff } from "./backoff.js";
import type { Environment } from "./environment.js";
import { HubbubError, type Data } from "./wire.js";

/** Where a message goes: one of the three. */
export type Target = { to: number } | { group_id: number } | { conversation_id: number };

export interface Draft {
  client_message_id: string;
  target: Target;
  content: string;
}

/** Where drafts outlive the page. See `hubbub-client/indexed`. */
export interface OutboxStore {
  /** In the order in which they were put. */
  load(): Promise<Draft[]>;
  put(draft: Draft): Promise<void>;
  remove(clientMessageId: string): Promise<void>;
}

/** Drafts that may wait; further ones are refused. */
const DRAFTS_MAX = 1_000;

interface Waiting {
  draft: Draft;
  resolve(message: unknown): void;
  reject(error: unknown): void;
}

export class Outbox {
  readonly #waiting: Waiting[] = [];
  #isOpen = false;
  #isSending = false;
  #cancel = () => {};
  readonly #backoff: Backoff;

  constructor(
    private readonly environment: Environment,
    private readonly store: OutboxStore | undefined,
    private readonly call: (type: string, fields: Data) => Promise<unknown>,
    private readonly changed: (waiting: number) => void,
  ) {
    this.#backoff = new Backoff(environment.random);
    void store?.load().then((drafts) => {
      const left = drafts.map((draft) => ({ draft, resolve: () => {}, reject: () => {} }));
      this.#waiting.unshift(...left);
      this.#flush();
    });
  }

  /** Resolves with the message as the server has it. */
  send(draft: Draft): Promise<unknown> {
    if (this.#waiting.length >= DRAFTS_MAX) {
      return Promise.reject(new HubbubError("overloaded", "Too many messages wait to be sent", true));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ draft, resolve, reject });
      this.changed(this.#waiting.length);
      const kept = this.store?.put(draft) ?? Promise.resolve();
      // What cannot be kept is sent all the same.
      void kept.catch(() => {}).then(() => this.#flush());
    });
  }

  /** The connection is there, or not. */
  open(isOpen: boolean): void {
    this.#isOpen = isOpen;
    this.#cancel();
    this.#flush();
  }

  #flush(): void {
    const next = this.#waiting[0];
    if (!this.#isOpen || this.#isSending || !next) return;
    this.#isSending = true;
    void this.#deliver(next).then((ms) => {
      this.#isSending = false;
      if (ms === 0) this.#flush();
      else this.#cancel = this.environment.after(ms, () => this.#flush());
    });
  }

  /** Milliseconds until the next try: 0 when this one is done with. */
  async #deliver({ draft, resolve, reject }: Waiting): Promise<number> {
    const { target, content, client_message_id } = draft;
    const type = "to" in target ? "private" : "group_id" in target ? "group" : "message";
    try {
      const message = await this.call(type, { ...target, content, client_message_id });
      this.#done(draft);
      resolve(message);
    } catch (error) {
      // The same id again: the server answers with the first message, should it have it already.
      if (!(error instanceof HubbubError) || error.retryable) {
        return this.#backoff.next(error instanceof HubbubError ? error.retryAfterMs : 0) + 1;
      }
      this.#done(draft);
      reject(error);
    }
    this.#backoff.reset();
    return 0;
  }

  #done(draft: Draft): void {
    this.#waiting.shift();
    this.changed(this.#waiting.length);
    // Left behind it would only be sent again, which changes nothing.
    void this.store?.remove(draft.client_message_id).catch(() => {});
  }
}
