/** Tells that somebody types: once in two seconds, and that they stopped. */
import type { Environment } from "./environment.js";
import type { Target } from "./outbox.js";
import type { Data } from "./wire.js";

const AGAIN_MS = 2_000;
const IDLE_MS = 4_000;

export class Typing {
  #last = new Map<string, { at: number; cancel: () => void }>();

  constructor(
    private readonly environment: Environment,
    private readonly tell: (type: string, fields: Data) => void,
  ) {}

  /** Call it at each key. */
  key(target: Target): void {
    const name = JSON.stringify(target);
    const last = this.#last.get(name);
    last?.cancel();
    const now = this.environment.now();
    const isNews = !last || now - last.at >= AGAIN_MS;
    if (isNews) this.tell("typing_start", { ...target });
    const cancel = this.environment.after(IDLE_MS, () => this.stop(target));
    this.#last.set(name, { at: isNews ? now : last.at, cancel });
  }

  stop(target: Target): void {
    if (this.#forget(target)) this.tell("typing_stop", { ...target });
  }

  /** A message was sent there, which ends it on the server. */
  sent(target: Target): void {
    this.#forget(target);
  }

  close(): void {
    for (const { cancel } of this.#last.values()) cancel();
    this.#last.clear();
  }

  #forget(target: Target): boolean {
    const name = JSON.stringify(target);
    this.#last.get(name)?.cancel();
    return this.#last.delete(name);
  }
}
