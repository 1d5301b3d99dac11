/** A network that can be broken for one person, while the other one's goes on. */
import type { Environment } from "../../client/src/index.js";
import type { Network } from "./panel.js";

export class BreakableNetwork implements Network {
  #offline = false;
  #blocked = false;
  #wake = () => {};
  #lose = () => {};
  #sent: (frame: string) => void = () => {};

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

  onSent(hear: (frame: string) => void): void {
    this.#sent = hear;
  }

  environment(): Partial<Environment> {
    const network = this;
    return {
      WebSocket: class extends WebSocket {
        constructor(url: string, protocols: string[]) {
          if (network.#blocked) throw new Error("WebSockets are blocked");
          super(url, protocols);
        }
        override send(frame: string): void {
          network.#sent(frame);
          super.send(frame);
        }
      },
      isOnline: () => navigator.onLine && !this.#offline,
      fetch: (input, init) => (this.#offline ? Promise.reject(new TypeError("offline")) : fetch(input, init)),
      watch: (wake, lose) => {
        this.#wake = wake;
        this.#lose = lose;
        const seen = () => {
          if (document.visibilityState === "visible") wake();
        };
        document.addEventListener("visibilitychange", seen);
        addEventListener("online", wake);
        addEventListener("offline", lose);
        return () => {
          document.removeEventListener("visibilitychange", seen);
          removeEventListener("online", wake);
          removeEventListener("offline", lose);
        };
      },
    };
  }
}
