/** How the connection is, what passes over it, and buttons that harm it. */
import type { Client, State } from "../../client/src/index.js";
import { button, card, list, make } from "./dom.js";

const FRAMES_MAX = 40;

/** What the page may do to the network of one person. */
export interface Network {
  setOffline(isOffline: boolean): void;
  blockSockets(isBlocked: boolean): void;
  /** Calls with every frame that goes out. */
  onSent(hear: (frame: string) => void): void;
}

const SECRETS = new Set(["token", "access_token", "refresh_token", "resume_token"]);

/** A frame as text, without what whoever looks over one's shoulder could use. */
function show(frame: unknown): string {
  return JSON.stringify(frame, (name, value: unknown) => (SECRETS.has(name) ? "…" : value));
}

/** Given in the address that `./dev up` printed; without it there are no buttons that kill. */
const devToken = new URLSearchParams(location.hash.slice(1)).get("dev");

export class Panel {
  readonly element: HTMLElement;
  readonly #status = make("span", { class: "status", role: "status" }, "connecting");
  readonly #about = make("span", { class: "soft" });
  readonly #frames = list("Frames", "frames");
  readonly #note = make("p", { class: "soft", "aria-live": "polite" });

  constructor(
    private readonly client: Client,
    private readonly network: Network,
  ) {
    const buttons = [
      button("Cut the connection", () => client.cut()),
      this.#switch("Offline", (on) => this.network.setOffline(on)),
      this.#switch("Block WebSockets", (on) => this.network.blockSockets(on)),
    ];
    if (devToken) buttons.push(button("Kill its gateway", () => void this.#kill()));
    this.element = card(
      "Connection",
      make("p", { class: "row" }, this.#status, this.#about),
      make("div", { class: "row" }, ...buttons),
      this.#note,
      this.#frames,
    );
    client.state.subscribe((state) => this.#show(state));
    client.on("frame", ({ data }) => this.#log("↓", show(data?.["frame"])));
    network.onSent((frame) => this.#log("↑", show(JSON.parse(frame))));
    setInterval(() => void this.#measure(), 5_000);
  }

  #switch(label: string, act: (on: boolean) => void): HTMLElement {
    const element = button(
      label,
      () => {
        const on = element.getAttribute("aria-pressed") !== "true";
        element.setAttribute("aria-pressed", String(on));
        act(on);
      },
      { "aria-pressed": "false" },
    );
    return element;
  }

  #show(state: State): void {
    const { status, transport, node, unsent } = state;
    this.#status.textContent = status;
    this.#status.dataset["status"] = status;
    this.#status.dataset["transport"] = transport ?? "";
    this.#status.dataset["node"] = node ?? "";
    const waits = unsent ? ` · ${unsent} waiting to be sent` : "";
    const where = status === "live" ? `${transport}${node ? ` to ${node}` : ""}` : "";
    this.#about.textContent = where + waits;
    this.#log("·", [status, where].filter(Boolean).join(" "));
  }

  async #measure(): Promise<void> {
    const { status, transport } = this.client.state.value;
    if (status !== "live" || transport !== "websocket") return;
    const begin = performance.now();
    await this.client.call("ping").catch(() => {});
    this.#note.textContent = `There and back in ${Math.round(performance.now() - begin)} ms`;
  }

  async #kill(): Promise<void> {
    const { node } = this.client.state.value;
    if (!node || !devToken) return;
    const act = (action: string) =>
      fetch(`/demo/control/${action}/${node}`, { method: "POST", headers: { "x-dev-token": devToken } });
    const killed = await act("kill");
    this.#note.textContent = await killed.text();
    if (killed.ok) setTimeout(() => void act("start").then(() => this.#log("·", `${node} is back`)), 8_000);
  }

  #log(direction: string, text: string): void {
    this.#frames.prepend(make("li", { title: text }, `${direction} ${text}`));
    while (this.#frames.children.length > FRAMES_MAX) this.#frames.lastElementChild?.remove();
  }
}
