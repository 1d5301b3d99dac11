/** Two people side by side. `?only=ana` shows one of them, for a second window or a second tab. */
import { openColumn } from "./column.js";
import { make } from "./dom.js";
import { Session } from "./session.js";

async function main(): Promise<void> {
  const place = document.querySelector("#people") as HTMLElement;
  const only = new URLSearchParams(location.search).get("only");
  try {
    const [ana, bo] = await Promise.all([Session.open("ana"), Session.open("bo")]);
    // Friends show each other that they are online.
    await ana.befriend(bo.user);
    await bo.befriend(ana.user);
    const columns = [
      ...(only === "bo" ? [] : [openColumn(ana, bo.user)]),
      ...(only === "ana" ? [] : [openColumn(bo, ana.user)]),
    ];
    place.replaceChildren(...(await Promise.all(columns)));
  } catch (error) {
    const message = `Hubbub does not answer (${String(error)}). Is ./dev up running?`;
    place.replaceChildren(make("p", { class: "alert", role: "alert" }, message));
  }
}

void main();
