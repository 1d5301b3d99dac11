/** A value that can be watched. */
export class Observable<T> {
  readonly #watchers = new Set<(value: T) => void>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  /** Calls back at once and at each change; answers with a way to stop. */
  subscribe(watcher: (value: T) => void): () => void {
    this.#watchers.add(watcher);
    watcher(this.current);
    return () => this.#watchers.delete(watcher);
  }

  /** Only for its owner. */
  set(value: T): void {
    this.current = value;
    for (const watcher of this.#watchers) watcher(value);
  }
}
