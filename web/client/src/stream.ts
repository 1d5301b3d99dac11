/** Puts what arrives into order: every durable event once, without holes, whatever brought it. Pure. */
import type { ChannelStart, Frame, Position, Positions } from "./wire.js";

/** Ids remembered, for events that are in several channels. */
const IDS_MAX = 4_096;
/** Events of a channel that wait for an earlier one. */
const HELD_MAX = 512;

export interface Outcome {
  /** For the application, in this order. */
  deliver: Frame[];
  /** Channels with a hole: what comes after these positions is missing. */
  missing: Positions;
  /** So much waits behind a hole that it is better to come back. */
  overflow: boolean;
}

interface Channel extends Position {
  held: Map<number, Frame>;
}

export class Stream {
  readonly #channels = new Map<string, Channel>();
  readonly #ids = new Set<number | string>();

  /** Where to resume. */
  positions(): Positions {
    const entries = [...this.#channels].map(([name, { epoch, offset }]) => [name, { epoch, offset }]);
    return Object.fromEntries(entries) as Positions;
  }

  forget(): void {
    this.#channels.clear();
  }

  /** The channels of a `welcome`. Answers with those of which something was missed that will not follow. */
  start(starts: Record<string, ChannelStart>): string[] {
    const lost: string[] = [];
    for (const [name, start] of Object.entries(starts)) {
      const known = this.#channels.get(name);
      if (start.recovered === false) lost.push(name);
      // What came over another transport meanwhile may be ahead of what this one was asked for.
      else if (known && known.epoch === start.epoch && known.offset >= start.offset) continue;
      this.#set(name, start);
    }
    for (const name of this.#channels.keys()) {
      if (!(name in starts)) this.#channels.delete(name);
    }
    return lost;
  }

  /** Channels that came while the connection lives. */
  join(starts: Record<string, Position>): void {
    for (const [name, start] of Object.entries(starts)) this.#set(name, start);
  }

  leave(names: string[]): void {
    for (const name of names) this.#channels.delete(name);
  }

  /** State was fetched that is the state at these positions: what it covers is not told again. */
  advance(positions: Positions): Outcome {
    const outcome: Outcome = { deliver: [], missing: {}, overflow: false };
    for (const [name, position] of Object.entries(positions)) {
      const channel = this.#channels.get(name);
      if (!channel || channel.epoch !== position.epoch) this.#set(name, position);
      else if (position.offset > channel.offset) {
        channel.offset = position.offset;
        this.#release(channel, outcome);
      }
    }
    return outcome;
  }

  /** An event arrived. */
  accept(frame: Frame): Outcome {
    const outcome: Outcome = { deliver: [], missing: {}, overflow: false };
    const { channel: name, offset } = frame;
    const channel = name === undefined ? undefined : this.#channels.get(name);
    if (!channel || offset === undefined) {
      this.#deliver(frame, outcome);
    } else if (offset === channel.offset + 1) {
      channel.offset = offset;
      this.#deliver(frame, outcome);
      this.#release(channel, outcome);
    } else if (offset > channel.offset) {
      channel.held.set(offset, frame);
      outcome.missing[name as string] = { epoch: channel.epoch, offset: channel.offset };
      outcome.overflow = channel.held.size > HELD_MAX;
    }
    return outcome;
  }

  /** The tops that a heartbeat told: what of them has not arrived. */
  holes(tops: Record<string, number>): Positions {
    const missing: Positions = {};
    for (const [name, top] of Object.entries(tops)) {
      const channel = this.#channels.get(name);
      if (channel && top > channel.offset) missing[name] = { epoch: channel.epoch, offset: channel.offset };
    }
    return missing;
  }

  #set(name: string, { epoch, offset }: Position): void {
    this.#channels.set(name, { epoch, offset, held: new Map() });
  }

  #release(channel: Channel, outcome: Outcome): void {
    for (const offset of [...channel.held.keys()].sort((a, b) => a - b)) {
      if (offset > channel.offset + 1) return;
      const frame = channel.held.get(offset) as Frame;
      channel.held.delete(offset);
      if (offset <= channel.offset) continue;
      channel.offset = offset;
      this.#deliver(frame, outcome);
    }
  }

  #deliver(frame: Frame, outcome: Outcome): void {
    const { id } = frame;
    // Only durable events come again; whatever has no offset is told as it comes.
    if (id !== undefined && frame.offset !== undefined) {
      if (this.#ids.has(id)) return;
      this.#ids.add(id);
      if (this.#ids.size > IDS_MAX) this.#ids.delete(this.#ids.values().next().value as number | string);
    }
    outcome.deliver.push(frame);
  }
}
