/** Groups and notifications. */
import type { Client } from "../../client/src/index.js";
import { button, card, field, fill, list, make } from "./dom.js";
import type { Group, Notification, Page, Person } from "./types.js";

export class Notifications {
  readonly element: HTMLElement;
  readonly #known = new Map<number, Notification>();
  readonly #list = list("Notifications", "notifications");

  constructor(private readonly client: Client) {
    this.element = card("Notifications", this.#list);
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
    const newest = [...this.#known.values()].sort((a, b) => b.id - a.id).slice(0, 10);
    fill(
      this.#list,
      newest.map((one) => {
        const line = make("li", { class: "row" }, make("span", {}, one.message));
        const read = () =>
          void this.client.call("mark_notification_read", { notification_id: one.id }).catch(() => {});
        if (!one.is_read) line.append(button("Read", read, { "aria-label": `Mark as read: ${one.message}` }));
        return line;
      }),
    );
  }
}

export class Groups {
  readonly element: HTMLElement;
  readonly #groups = new Map<number, Group>();
  readonly #list = list("Groups", "groups");
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
    this.element = card("Groups", create, this.#list, this.#said);
    client.on("membership_changed", () => void this.refresh());
    client.on("group_updated", () => void this.refresh());
    client.on("group_message", ({ data }) => this.#hear(data as { content: string; sender: Person }));
    client.on("group_invite", ({ data }) => void this.#accept(Number(data?.["group_id"])));
  }

  show(groups: Group[]): void {
    this.#groups.clear();
    for (const group of groups) this.#groups.set(group.id, group);
    fill(
      this.#list,
      groups.slice(0, 3).map((group) => {
        const say = field(`To ${group.name}`, "Say to all", "Say", (text) => {
          this.client.send({ group_id: group.id }, text).catch(() => {});
        });
        return make("li", {}, make("strong", {}, group.name), ` · ${group.member_count}`, say);
      }),
    );
  }

  async refresh(): Promise<void> {
    this.show(((await this.client.request("GET", "/groups?limit=3")) as Page<Group>).items);
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
