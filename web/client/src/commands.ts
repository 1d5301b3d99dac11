/** Commands: over the connection where it can carry them, else over HTTP. */
import type { Environment } from "./environment.js";
import type { Http } from "./http.js";
import { HubbubError, type Data, type Frame } from "./wire.js";

/** How long an answer may take. */
const ANSWER_MS = 15_000;

interface Pending {
  resolve(data: unknown): void;
  reject(error: HubbubError): void;
  cancel(): void;
}

export class Commands {
  #next = 0;
  readonly #pending = new Map<string, Pending>();

  constructor(
    private readonly environment: Environment,
    private readonly http: Http,
    private readonly send: (text: string) => boolean,
  ) {}

  /** Does a command once; the answer's `data`, or a {@link HubbubError}. */
  call(type: string, fields: Data = {}): Promise<unknown> {
    const ref = `c${++this.#next}`;
    return new Promise((resolve, reject) => {
      if (!this.send(JSON.stringify({ ...fields, type, ref }))) return resolve(this.#overHttp(type, fields));
      const late = new HubbubError("timeout", "There was no answer in time", true);
      const cancel = this.environment.after(ANSWER_MS, () => this.#take(ref)?.reject(late));
      this.#pending.set(ref, { resolve, reject, cancel });
    });
  }

  /** Whether the frame was an answer. */
  answer(frame: Frame): boolean {
    if (frame.ref === undefined) return false;
    const pending = this.#take(String(frame.ref));
    if (frame.type === "ack" || frame.type === "pong") pending?.resolve(frame.data);
    else if (frame.type === "error") pending?.reject(errorOf(frame));
    else return false;
    return true;
  }

  /** The connection ended: whether a command was done, nobody knows. */
  drop(): void {
    const lost = new HubbubError("disconnected", "The connection ended before the answer", true);
    for (const ref of [...this.#pending.keys()]) this.#take(ref)?.reject(lost);
  }

  #take(ref: string): Pending | undefined {
    const pending = this.#pending.get(ref);
    pending?.cancel();
    this.#pending.delete(ref);
    return pending;
  }

  async #overHttp(type: string, fields: Data): Promise<unknown> {
    const [method, path, body] = route(type, fields);
    return (await this.http.request(method, `/api/v1${path}`, { body })).body;
  }
}

/** What a command is over HTTP. */
function route(type: string, { ...fields }: Data): [string, string, Data] {
  switch (type) {
    case "private":
    case "group":
    case "message":
      return ["POST", "/messages", fields];
    case "read":
      return ["POST", `/conversations/${Number(fields["conversation_id"])}/read`, { seq: fields["seq"] }];
    case "mark_notification_read":
      return ["POST", `/notifications/${Number(fields["notification_id"])}/read`, {}];
    default:
      throw new HubbubError("unavailable", `${type} needs a WebSocket, which is not there`, true);
  }
}

function errorOf({ code, message, retryable, retry_after_ms }: Frame): HubbubError {
  return new HubbubError(code ?? "internal", message ?? "", retryable, retry_after_ms);
}
