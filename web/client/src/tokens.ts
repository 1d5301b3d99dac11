/** The caller's credentials: a cookie (nothing to do), a token, or a way to get one. */

/** Called for the first token, and whenever another is needed. A ticket will do as well. */
export type TokenSource = string | ((why: "connect" | "expired") => string | Promise<string>);

export class Tokens {
  #current: string | undefined;
  #asking: Promise<string | undefined> | undefined;
  /** What `welcome` gave, good for reconnects. */
  resumeToken: string | undefined;

  constructor(private readonly source: TokenSource | undefined) {}

  /** An access token; none with a cookie. */
  current(): Promise<string | undefined> {
    return this.#current === undefined ? this.#ask("connect") : Promise.resolve(this.#current);
  }

  /** For a connection. */
  async forConnection(): Promise<string | undefined> {
    return this.source === undefined ? undefined : (this.resumeToken ?? (await this.current()));
  }

  get canRenew(): boolean {
    return typeof this.source === "function";
  }

  /** Another one, because the present one has ended or is about to. */
  renew(): Promise<string | undefined> {
    this.resumeToken = undefined;
    return this.#ask("expired");
  }

  #ask(why: "connect" | "expired"): Promise<string | undefined> {
    const { source } = this;
    // Two who need one at the same time share it: a refresh token works once.
    this.#asking ??= (async () => {
      try {
        this.#current = typeof source === "function" ? await source(why) : source;
        return this.#current;
      } finally {
        this.#asking = undefined;
      }
    })();
    return this.#asking;
  }
}
