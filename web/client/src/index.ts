export { connect, type Client, type Options, type State } from "./client.js";
export type { Environment, WebSocketLike } from "./environment.js";
export { Notices, type Place } from "./notices.js";
export type { Draft, OutboxStore, Target } from "./outbox.js";
export type { Observable } from "./state.js";
export type { TokenSource } from "./tokens.js";
export type { Transport } from "./transports/link.js";
export {
  HubbubError,
  type ChannelStart,
  type Frame,
  type Position,
  type Positions,
  type SyncPage,
} from "./wire.js";
export type { Ending } from "./closing.js";
