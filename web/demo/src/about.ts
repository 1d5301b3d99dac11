/** Groups and notifications. */
import type { Client } from "../../client/src/index.js";
import { Lines, button, card, field, list, make, newest, type Line } from "./dom.js";
import type { Group, Notification, Page, Person } from "./types.js";

export class Notifications {
  readonly element: HTMLElement;
  readonly #known = new Map<number, Notification>();
  readonly #lines: Lines<Notification>;

  constructor(private readonly client: Client) {
    const shown = list("Notifications", "notifications");
    this.#lines = new Lines(shown, (one) => this.#line(one));
    this.element = card("Notifications", shown);
    client.on("notification", ({ data }) => this.show([data?.["notification"] as Notification]));
    client.on("sync", ({ data }) => this.show((data as { notifications: Notification[] }).notifications));
    client.on("notification_marked_read", ({ data }) => {
      for (const one of this.#known.values()) {
        if (data?.["all"] || data?.["notification_id"] === one.id) one.is_read = true;
      }
      this.#draw();
    });
  }

  show(notifications: Notification[]): void {
    for (const one of notifications) this.#known.set(one.id, one);
    this.#draw();
  }

  #draw(): void {
    this.#lines.show([...this.#known.values()].sort((a, b) => b.id - a.id).slice(0, 10));
  }

  #line({ id, message }: Notification): Line<Notification> {
    const read = () =>
      void this.client.call("mark_notification_read", { notification_id: id }).catch(() => {});
    const text = make("span", {}, message);
    const mark = button("Read", read, { "aria-label": `Mark as read: ${message}` });
    const update = (one: Notification) => {
      text.textContent = one.message;
      mark.hidden = one.is_read;
    };
    return { element: make("li", { class: "row" }, text, mark), update };
  }
}

export class Groups {
  readonly element: HTMLElement;
  /** Shows what groups there are. */
  readonly refresh: () => Promise<void>;
  readonly #lines: Lines<Group>;
  readonly #said = make("ul", { "aria-live": "polite", "aria-label": "Said in groups" });

  constructor(
    private readonly client: Client,
    private readonly peer: Person,
  ) {
    const create = field(
      "New group",
      `A group with ${peer.username}`,
      "Found",
      (name) => void this.#found(name),
    );
    const shown = list("Groups", "groups");
    this.#lines = new Lines(shown, (group) => this.#line(group));
    this.refresh = newest(
      () => client.request("GET", "/groups?limit=3") as Promise<Page<Group>>,
      ({ items }) => this.show(items),
    );
    this.element = card("Groups", create, shown, this.#said);
    client.on("membership_changed", () => void this.refresh());
    client.on("group_updated", () => void this.refresh());
    client.on("group_message", ({ data }) => this.#hear(data as { content: string; sender: Person }));
    client.on("group_invite", ({ data }) => void this.#accept(Number(data?.["group_id"])));
  }

  show(groups: Group[]): void {
    this.#lines.show(groups.slice(0, 3));
  }

  #line({ id, name }: Group): Line<Group> {
    const members = make("span");
    const say = field(`To ${name}`, "Say to all", "Say", (text) => {
      this.client.send({ group_id: id }, text).catch(() => {});
    });
    const update = ({ member_count }: Group) => (members.textContent = ` · ${member_count}`);
    return { element: make("li", {}, make("strong", {}, name), members, say), update };
  }

  async #found(name: string): Promise<void> {
    const group = (await this.client.request("POST", "/groups", { name })) as Group;
    await this.client.request("POST", "/groups/invite", { group_id: group.id, user_id: this.peer.id });
    await this.refresh();
  }

  /** In the demo whoever is invited comes. */
  async #accept(groupId: number): Promise<void> {
    await this.client.request("POST", `/groups/${groupId}/invitation`, { action: "accept" });
    await this.refresh();
  }

  #hear({ content, sender }: { content: string; sender: Person }): void {
    this.#said.append(make("li", {}, make("strong", {}, sender.username), " ", content));
    while (this.#said.children.length > 5) this.#said.firstElementChild?.remove();
  }
}
