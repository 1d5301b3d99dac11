/** What goes over the wire, as docs/protocol.md has it. Fields that nobody here knows are kept. */

/** Where a client stands in a channel. */
export interface Position {
  epoch: string;
  offset: number;
}

/** A position as `welcome` tells it. */
export interface ChannelStart extends Position {
  recovered?: boolean;
  reason?: string;
}

export type Positions = Record<string, Position>;
export type Data = Record<string, unknown>;

/** Anything that the server sends. */
export interface Frame {
  type: string;
  id?: number | string;
  channel?: string;
  offset?: number;
  timestamp?: number;
  from_user_id?: number;
  to_user_id?: number;
  group_id?: number;
  ref?: string | number;
  data?: Data;
  tops?: Record<string, number>;
  code?: string;
  message?: string;
  retryable?: boolean;
  retry_after_ms?: number;
}

/** What `welcome` says. */
export interface Welcome {
  connection_id: string;
  user_id: number;
  node: string;
  heartbeat_seconds: number;
  session_expires_at?: number;
  resume_token?: string;
  channels: Record<string, ChannelStart>;
}

/** A page of `GET /sync`: state, not events. */
export interface SyncPage {
  cursor: string | null;
  has_more: boolean;
  full: boolean;
  /** Conversations joined since, perhaps anew: what is known of their messages may be old, and is dropped before the rest is merged. */
  joined: number[];
  messages: Data[];
  conversations: Data[];
  notifications: Data[];
  groups: Data[];
  counts?: Data;
  channels?: Positions;
}

/** Something was refused. `code` is one of docs/protocol.md, "Error codes". */
export class HubbubError extends Error {
  override readonly name = "HubbubError";
  constructor(
    readonly code: string,
    message: string,
    /** The same may succeed later. */
    readonly retryable = false,
    readonly retryAfterMs = 0,
  ) {
    super(message);
  }
}

/** Reads a frame; what is no object with a `type` is nothing. */
export function parseFrame(text: string): Frame | undefined {
  try {
    const frame: unknown = JSON.parse(text);
    const isFrame = typeof frame === "object" && frame !== null && typeof (frame as Frame).type === "string";
    return isFrame ? (frame as Frame) : undefined;
  } catch {
    return undefined;
  }
}
