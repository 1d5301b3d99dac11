/** The conversation of the two: messages by `seq`, receipts, typing. */
import type { Client, Frame } from "../../client/src/index.js";
import { card, field, fill, list, make } from "./dom.js";
import type { Conversation, Message, Page, Person } from "./types.js";

/** A start that nobody ends is over after this time. */
const TYPING_MS = 6_000;

export class Chat {
  readonly element: HTMLElement;
  readonly #messages = new Map<number, Message>();
  readonly #unsent = new Map<string, string>();
  readonly #list = list("Messages", "chat");
  readonly #typing = make("p", { class: "soft typing", role: "status" });
  #conversation: number | undefined;
  #peerRead = 0;
  #timer = 0;

  constructor(
    private readonly client: Client,
    private readonly me: Person,
    private readonly peer: Person,
  ) {
    const target = { to: peer.id };
    const key = () => this.client.typing(target);
    const input = field("Message", `Write to ${peer.username}`, "Send", (text) => this.#send(text), key);
    this.element = card("Chat", this.#list, this.#typing, input);
    for (const type of ["private_message", "message_edited", "message_deleted"]) {
      client.on(type, ({ data }) => this.#add(data as unknown as Message));
    }
    client.on("message_read", ({ data }) => this.#read(data as { user_id: number; seq: number }));
    client.on("typing_start", (frame) => this.#types(frame, true));
    client.on("typing_stop", (frame) => this.#types(frame, false));
    client.on("sync", ({ data }) => {
      const { joined, messages } = data as { joined: number[]; messages: Message[] };
      if (this.#conversation && joined.includes(this.#conversation)) {
        this.#messages.clear();
        void this.load();
      }
      for (const message of messages) this.#add(message);
    });
    client.on("resync", () => void this.load());
    // It is drawn before it is on the page, and has no height until then.
    new ResizeObserver(() => this.#showEnd()).observe(this.#list);
  }

  async load(conversations?: Conversation[]): Promise<void> {
    const known = conversations?.find(({ peer }) => peer?.id === this.peer.id);
    this.#peerRead = known?.peer_read_seq ?? this.#peerRead;
    const page = (await this.client.request(
      "GET",
      `/messages?user=${this.peer.id}&limit=50`,
    )) as Page<Message>;
    for (const message of page.items) this.#take(message);
    const last = page.items.filter(({ sender }) => sender.id === this.peer.id).map(({ seq }) => seq);
    if (last.length) this.#mark(Math.max(...last));
    this.#draw();
  }

  #send(text: string): void {
    const id = crypto.randomUUID();
    this.#unsent.set(id, text);
    this.#draw();
    this.client.send({ to: this.peer.id }, text, id).then(
      (message) => this.#add(message as Message),
      () => {
        this.#unsent.delete(id);
        this.#draw();
      },
    );
  }

  #add(message: Message): void {
    if (!this.#take(message)) return;
    if (message.sender?.id === this.peer.id) this.#mark(message.seq);
    this.#draw();
  }

  /** Whether it is one of this conversation. */
  #take(message: Message): boolean {
    const { seq, sender } = message;
    const known = this.#messages.get(seq);
    const isOurs = [this.me.id, this.peer.id].includes(sender?.id ?? known?.sender.id ?? 0);
    if (!isOurs || (this.#conversation ?? message.conversation_id) !== message.conversation_id) return false;
    this.#conversation = message.conversation_id;
    this.#messages.set(seq, { ...known, ...message });
    if (message.client_message_id) this.#unsent.delete(message.client_message_id);
    return true;
  }

  #showEnd(): void {
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  #mark(seq: number): void {
    if (document.visibilityState !== "visible") return;
    // Read again with the next message, should it fail.
    this.client.call("read", { conversation_id: this.#conversation, seq }).catch(() => {});
  }

  #read({ user_id, seq }: { user_id: number; seq: number }): void {
    if (user_id !== this.peer.id) return;
    this.#peerRead = Math.max(this.#peerRead, seq);
    this.#draw();
  }

  #types({ data }: Frame, starts: boolean): void {
    if (data?.["user_id"] !== this.peer.id || data?.["group_id"]) return;
    clearTimeout(this.#timer);
    this.#typing.textContent = starts ? `${this.peer.username} is typing…` : "";
    if (starts) this.#timer = window.setTimeout(() => (this.#typing.textContent = ""), TYPING_MS);
  }

  #draw(): void {
    const inOrder = [...this.#messages.values()].sort((a, b) => a.seq - b.seq);
    const lines = inOrder.map((message) => this.#line(message));
    const unsent = [...this.#unsent.values()].map((text) =>
      make("li", { class: "message mine unsent" }, text, make("span", { class: "soft" }, " · waiting")),
    );
    fill(this.#list, [...lines, ...unsent]);
    this.#showEnd();
  }

  #line({ seq, content, sender, deleted_at }: Message): HTMLElement {
    const isMine = sender.id === this.me.id;
    const receipt = isMine ? (seq <= this.#peerRead ? " ✓✓" : " ✓") : "";
    const label = receipt === " ✓✓" ? "read" : receipt ? "sent" : "";
    const properties: Record<string, string> = {
      class: isMine ? "message mine" : "message",
      "data-seq": `${seq}`,
    };
    if (label) properties["data-receipt"] = label;
    const line = make("li", properties, deleted_at ? "(deleted)" : content);
    if (label) line.append(make("span", { title: label }, receipt));
    return line;
  }
}
