/** Full jitter: anything between nothing and a ceiling that doubles, so that a crowd does not come back as one. */
export class Backoff {
  #failures = 0;

  constructor(
    private readonly random: () => number,
    /** Milliseconds. */
    private readonly firstMs = 1_000,
    private readonly lastMs = 30_000,
  ) {}

  /** Milliseconds until the next attempt, never sooner than told. */
  next(notBeforeMs = 0): number {
    const ceiling = Math.min(this.lastMs, this.firstMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
    return notBeforeMs + Math.floor(this.random() * ceiling);
  }

  reset(): void {
    this.#failures = 0;
  }
}
