/** What to do with a notice that there is something new: fetch it, or show that it is there. */

/** More than these are not put under somebody's eyes unasked. */
const REFRESH_MAX = 3;

export interface Place {
  /** The page is seen and used. */
  isActive(): boolean;
  /** The reader is at the top of the list. */
  isAtTop(): boolean;
  refresh(): void;
  /** There are so many new ones; 0 when there is nothing to show any more. */
  indicate(count: number): void;
}

/** Folds notices of one list. */
export class Notices {
  #count = 0;

  constructor(private readonly place: Place) {}

  /** A notice says that there are `count` more. */
  add(count: number): void {
    this.#count += Math.max(0, count);
    const { place } = this;
    if (this.#count === 0) return;
    if (place.isActive() && place.isAtTop() && this.#count <= REFRESH_MAX) this.take();
    else place.indicate(this.#count);
  }

  /** The reader wants to see them. */
  take(): void {
    this.#count = 0;
    this.place.indicate(0);
    this.place.refresh();
  }
}
