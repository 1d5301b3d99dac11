import assert from "node:assert/strict";
import { test } from "node:test";
import { json, never, syncPage, World } from "./world.js";

const welcome = (offset: number) => ({
  type: "welcome",
  data: {
    connection_id: "c",
    user_id: 1,
    node: "n",
    heartbeat_seconds: 25,
    channels: { "user:1": { epoch: "e", offset } },
  },
});
const event = (offset: number) => ({
  type: "private_message",
  id: offset,
  channel: "user:1",
  offset,
  data: {},
});

/** A stream of events that stays open. */
function stream(...frames: object[]): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const text = frames.map((frame) => `id: x\ndata: ${JSON.stringify(frame)}\n\n`).join("");
      const bytes = new TextEncoder().encode(text);
      // In pieces, as a network would.
      for (let at = 0; at < bytes.length; at += 7) controller.enqueue(bytes.slice(at, at + 7));
    },
  });
  return new Response(body);
}

async function blockSockets(world: World): Promise<void> {
  for (let count = 0; count < 2; count += 1) {
    world.socket().end(1006);
    await world.pass(2_000);
  }
}

test("without WebSockets it falls back to server-sent events, and climbs back", async () => {
  const world = new World();
  world.routes["/events"] = () => stream(welcome(0), event(1));
  await world.connect();
  await blockSockets(world);
  assert.equal(world.client.state.value.transport, "sse");
  assert.deepEqual(world.offsets(), [1]);
  const before = world.sockets.length;
  await world.pass(30_000);
  assert.equal(world.sockets.length, before + 1);
  world.socket().welcome({ "user:1": { epoch: "e", offset: 1, recovered: true } });
  for (const offset of [1, 2]) world.socket().event(offset);
  assert.equal(world.client.state.value.transport, "websocket");
  assert.deepEqual(world.offsets(), [1, 2]);
});

test("a failed climb leaves the lower transport alone", async () => {
  const world = new World();
  world.routes["/events"] = () => stream(welcome(0));
  await world.connect();
  await blockSockets(world);
  await world.pass(30_000);
  world.socket().end(1006);
  assert.equal(world.client.state.value.status, "live");
  assert.equal(world.client.state.value.transport, "sse");
});

test("without streams it polls, from the cursor it was given", async () => {
  const world = new World();
  const answers = [
    json({ events: [welcome(0)], cursor: "one" }),
    json({ events: [event(1)], cursor: "two" }),
  ];
  world.routes["/events/poll"] = () => answers.shift() ?? never();
  await world.connect();
  await blockSockets(world);
  await world.pass(2_000);
  assert.equal(world.client.state.value.transport, "poll");
  assert.deepEqual(world.offsets(), [1]);
  const polls = world.requests.filter(({ path }) => path.startsWith("/events/poll")).map(({ path }) => path);
  assert.deepEqual(polls, ["/events/poll", "/events/poll?cursor=one", "/events/poll?cursor=two"]);
});

test("a close at the end of a poll is followed like a close frame", async () => {
  const world = new World();
  const close = { type: "close", data: { code: 4004, name: "session_revoked" } };
  const poll = () => json({ events: [welcome(0), close], cursor: "c" });
  world.routes["/events/poll"] = poll;
  await world.connect({ transports: ["poll"] });
  assert.equal(world.client.state.value.status, "stopped");
});

test("at last it polls the state: 304 costs nothing, errors double the pause up to five minutes", async () => {
  const world = new World();
  let mode: "news" | "same" | "broken" = "news";
  const channels = { "user:1": { epoch: "e", offset: 2 } };
  world.routes["/api/v1/sync"] = ({ headers }) => {
    if (mode === "broken") return json({ code: "unavailable" }, 503);
    if (mode === "same" && headers.get("if-none-match") === '"tag"') return json(null, 304);
    const messages = mode === "news" ? [{ id: 1 }] : [];
    return json(syncPage({ cursor: "c", channels, messages }), 200, { etag: '"tag"' });
  };
  const since = { channels: { "user:1": { epoch: "e", offset: 0 } }, sync_cursor: "b" };
  world.client = (await import("../src/index.js")).connect({
    url: "http://server",
    token: "t",
    since,
    transports: ["sync"],
    environment: world.environment(),
  });
  world.client.on("*", (frame) => world.heard.push(frame));
  await world.settle();
  assert.equal(world.client.state.value.transport, "sync");
  assert.equal(world.heard[0]?.type, "sync");
  mode = "same";
  await world.pass(10_000);
  assert.equal(world.heard.length, 1);
  assert.equal(world.requests.length, 3);
  mode = "broken";
  await world.pass(5_000);
  const before = world.requests.length;
  await world.pass(10_000 + 20_000 + 40_000 + 80_000 + 160_000 + 300_000 + 300_000);
  assert.equal(world.requests.length, before + 7);
});

test("when nothing gets through it begins again with the best", async () => {
  const world = new World();
  delete world.routes["/api/v1/sync"];
  await world.connect({ transports: ["websocket", "sse", "poll"] });
  for (let turn = 0; turn < 12; turn += 1) {
    world.socket().end(1006);
    await world.pass(31_000);
  }
  assert.ok(world.sockets.length > 4);
  assert.ok(world.requests.some(({ path }) => path.startsWith("/events/poll")));
});
