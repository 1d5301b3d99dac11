/** A network that can be broken for one person, while the other one's goes on. */
import type { Environment } from "../../client/src/index.js";
import type { Network } from "./panel.js";

export class BreakableNetwork implements Network {
  #offline = false;
  #blocked = false;
  #wake = () => {};
  #lose = () => {};

  setOffline(isOffline: boolean): void {
    this.#offline = isOffline;
    if (isOffline) this.#lose();
    else this.#wake();
  }

  /** As a proxy would that knows no WebSockets: what is open ends, what is tried fails. */
  blockSockets(isBlocked: boolean): void {
    this.#blocked = isBlocked;
    if (isBlocked) this.cut();
    else this.#wake();
  }

  cut = () => {};

  environment(): Partial<Environment> {
    const network = this;
    return {
      WebSocket: class extends WebSocket {
        constructor(url: string, protocols: string[]) {
          if (network.#blocked) throw new Error("WebSockets are blocked");
          super(url, protocols);
        }
      },
      isOnline: () => navigator.onLine && !this.#offline,
      fetch: (input, init) => (this.#offline ? Promise.reject(new TypeError("offline")) : fetch(input, init)),
      watch: (wake, lose) => {
        this.#wake = wake;
        this.#lose = lose;
        addEventListener("online", wake);
        addEventListener("offline", lose);
        return () => {
          removeEventListener("online", wake);
          removeEventListener("offline", lose);
        };
      },
    };
  }
}
