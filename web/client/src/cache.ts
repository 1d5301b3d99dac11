/** Keeps what was fetched as long as a page wants it: posts 5 minutes, comments 2, profiles 10. */

const MINUTE_MS = 60_000;
export const LIFETIMES_MS = { post: 5 * MINUTE_MS, comments: 2 * MINUTE_MS, profile: 10 * MINUTE_MS };
export type Kind = keyof typeof LIFETIMES_MS;

interface Entry {
  value: Promise<unknown>;
  ends: number;
}

export class Cache {
  readonly #entries = new Map<string, Entry>();

  constructor(
    private readonly now: () => number = () => performance.now(),
    private readonly entriesMax = 500,
  ) {}

  /** The kept one, or what `load` brings. Two who ask at once share one load; a failure is not kept. */
  get<T>(kind: Kind, id: number, load: () => Promise<T>): Promise<T> {
    const key = `${kind}:${id}`;
    const kept = this.#entries.get(key);
    if (kept && kept.ends > this.now()) return kept.value as Promise<T>;
    const value = load();
    this.#entries.delete(key);
    this.#entries.set(key, { value, ends: this.now() + LIFETIMES_MS[kind] });
    value.catch(() => {
      if (this.#entries.get(key)?.value === value) this.#entries.delete(key);
    });
    if (this.#entries.size > this.entriesMax)
      this.#entries.delete(this.#entries.keys().next().value as string);
    return value;
  }

  /** It has changed. */
  drop(kind: Kind, id: number): void {
    this.#entries.delete(`${kind}:${id}`);
  }

  clear(): void {
    this.#entries.clear();
  }
}
