import assert from "node:assert/strict";
import { test } from "node:test";
import type { Draft, HubbubError } from "../src/index.js";
import { json, World } from "./world.js";

const bo = { to: 2 };

test("what is said offline is sent once, in order, when the connection is back", async () => {
  const world = new World();
  (await world.connect()).welcome();
  world.socket().end(1006);
  const first = world.client.send(bo, "one", "m1");
  const second = world.client.send(bo, "two", "m2");
  assert.equal(world.client.state.value.unsent, 2);
  await world.pass(1_000);
  const socket = world.socket();
  socket.welcome({ "user:1": { epoch: "e", offset: 0, recovered: true } });
  await world.settle();
  assert.equal(socket.commands("private").length, 1);
  socket.say({ type: "ack", ref: socket.commands("private")[0]?.["ref"], data: { message_id: 1 } });
  await world.settle();
  socket.say({ type: "ack", ref: socket.commands("private")[1]?.["ref"], data: { message_id: 2 } });
  assert.deepEqual(await Promise.all([first, second]), [{ message_id: 1 }, { message_id: 2 }]);
  const ids = socket.commands("private").map((command) => command["client_message_id"]);
  assert.deepEqual(ids, ["m1", "m2"]);
  assert.equal(world.client.state.value.unsent, 0);
});

test("whose answer was lost is sent again under the same id", async () => {
  const world = new World();
  (await world.connect()).welcome();
  const sent = world.client.send(bo, "one", "m1");
  await world.settle();
  assert.equal(world.socket().commands("private")[0]?.["client_message_id"], "m1");
  world.socket().end(1006);
  await world.pass(2_000);
  world.socket().welcome();
  await world.settle();
  const again = world.socket().commands("private")[0];
  assert.equal(again?.["client_message_id"], "m1");
  world.socket().say({ type: "ack", ref: again?.["ref"], data: {} });
  await sent;
});

test("what is refused for good is told, what is refused for now is tried again", async () => {
  const world = new World();
  const socket = await world.connect();
  socket.welcome();
  const sent = world.client.send(bo, "one");
  await world.settle();
  const ref = () => socket.commands("private").at(-1)?.["ref"];
  socket.say({
    type: "error",
    ref: ref(),
    code: "rate_limited",
    message: "",
    retryable: true,
    retry_after_ms: 900,
  });
  await world.settle();
  await world.pass(899);
  assert.equal(socket.commands("private").length, 1);
  await world.pass(600);
  assert.equal(socket.commands("private").length, 2);
  socket.say({ type: "error", ref: ref(), code: "message_not_allowed", message: "no", retryable: false });
  await assert.rejects(sent, (error: HubbubError) => error.code === "message_not_allowed");
});

test("without a socket it goes over HTTP", async () => {
  const world = new World();
  world.routes["/api/v1/messages"] = () => json({ message_id: 7 }, 201);
  await world.connect({ transports: ["sync"] });
  assert.deepEqual(await world.client.send({ group_id: 4 }, "hello", "m1"), { message_id: 7 });
  const body = world.requests.find(({ path }) => path === "/api/v1/messages")?.body;
  assert.deepEqual(body, { group_id: 4, content: "hello", client_message_id: "m1" });
});

test("drafts outlive the page where there is a store", async () => {
  const kept: Draft[] = [{ client_message_id: "old", target: bo, content: "before" }];
  const outbox = {
    load: () => Promise.resolve([...kept]),
    put: (draft: Draft) => Promise.resolve(void kept.push(draft)),
    remove: (id: string) =>
      Promise.resolve(
        void kept.splice(
          kept.findIndex((d) => d.client_message_id === id),
          1,
        ),
      ),
  };
  const world = new World();
  const socket = await world.connect({ outbox });
  socket.welcome();
  await world.settle();
  assert.equal(socket.commands("private")[0]?.["client_message_id"], "old");
  socket.say({ type: "ack", ref: socket.commands("private")[0]?.["ref"], data: {} });
  await world.settle();
  assert.deepEqual(kept, []);
});

test("typing is told once in two seconds, and ends by itself", async () => {
  const world = new World();
  const socket = await world.connect();
  socket.welcome();
  for (let key = 0; key < 30; key += 1) {
    world.client.typing(bo);
    await world.pass(100);
  }
  assert.equal(socket.commands("typing_start").length, 2);
  await world.pass(4_000);
  assert.equal(socket.commands("typing_stop").length, 1);
});

test("a post's room is entered again after a break", async () => {
  const world = new World();
  (await world.connect()).welcome();
  const joined = world.client.join(3);
  const ref = world.socket().commands("join_post")[0]?.["ref"];
  world.socket().say({ type: "ack", ref, data: { reactions: {} } });
  assert.deepEqual(await joined, { reactions: {} });
  world.socket().end(1006);
  await world.pass(1_000);
  world.socket().welcome();
  assert.equal(world.socket().commands("join_post")[0]?.["post_id"], 3);
});

test("a request gets another token when its own has ended", async () => {
  const world = new World();
  let count = 0;
  world.routes["/api/v1/feed"] = ({ headers }) =>
    headers.get("authorization") === "Bearer t2" ? json({ items: [] }) : json({ code: "token_expired" }, 401);
  await world.connect({ token: () => `t${(count += 1)}` });
  assert.deepEqual(await world.client.request("GET", "/feed"), { items: [] });
});
