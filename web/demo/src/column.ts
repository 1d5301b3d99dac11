/** One person's half of the page. */
import { connect, type Client, type Frame } from "../../client/src/index.js";
import { Groups, Notifications } from "./about.js";
import { Chat } from "./chat.js";
import { make } from "./dom.js";
import { Feed } from "./feed.js";
import { BreakableNetwork } from "./network.js";
import { Panel } from "./panel.js";
import type { Session } from "./session.js";
import type { Bootstrap, Person, Presence } from "./types.js";

/** Signs in, shows what there is, and stays connected. */
export async function openColumn(session: Session, peer: Person): Promise<HTMLElement> {
  const start = await session.get<Bootstrap>("/bootstrap");
  const network = new BreakableNetwork();
  const client = connect({ token: session.source, since: start, environment: network.environment() });
  network.cut = () => client.cut();
  const [chat, feed] = [new Chat(client, session.user, peer), new Feed(client)];
  const [groups, notifications] = [new Groups(client, peer), new Notifications(client)];
  notifications.show(start.notifications.items);
  groups.show(start.groups.items);
  await Promise.all([chat.load(start.conversations.items), feed.refresh()]);
  const { username } = session.user;
  return make(
    "section",
    { class: "person", "aria-label": username },
    make("header", { class: "row" }, make("h2", {}, username), showPresence(client, peer)),
    new Panel(client, network).element,
    chat.element,
    feed.element,
    notifications.element,
    groups.element,
  );
}

/** Whether the other one is online, as this one is told. */
function showPresence(client: Client, peer: Person): HTMLElement {
  const element = make("span", { class: "soft presence", role: "status" }, `${peer.username}: not known`);
  const show = (online: boolean) => {
    element.textContent = `${peer.username} is ${online ? "online" : "offline"}`;
  };
  const take = (users: Presence[]) => {
    const told = users.find(({ user_id }) => user_id === peer.id);
    if (told) show(told.online);
  };
  const ask = () => {
    // While nobody can tell, what was known stays.
    client.presence([peer.id]).then(
      (answer) => take((answer as { users: Presence[] }).users),
      () => {},
    );
  };
  const one = ({ type, data }: Frame) => {
    if (data?.["user_id"] === peer.id) show(type === "user_connected");
  };
  client.on("user_connected", one);
  client.on("user_disconnected", one);
  client.on("contacts_changed", ask);
  client.on("presence_changed", ({ data }) => {
    take((data?.["users"] as Presence[] | undefined) ?? []);
    if (data?.["ask"]) setTimeout(ask, Number(data["after_ms"] ?? 0));
  });
  let last = "";
  client.state.subscribe(({ status, connectionId }) => {
    if (status === "live" && connectionId !== last) ask();
    last = connectionId ?? "";
  });
  return element;
}
