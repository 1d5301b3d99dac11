import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../src/backoff.js";
import { World } from "./world.js";

test("the pause is anything up to a ceiling that doubles from 1 s to 30 s", () => {
  const longest = new Backoff(() => 0.999999);
  const pauses = Array.from({ length: 8 }, () => Math.ceil(longest.next() / 1000));
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
  assert.equal(new Backoff(() => 0).next(), 0);
  assert.equal(new Backoff(() => 0).next(700), 700);
  longest.reset();
  assert.ok(longest.next() <= 1000);
});

test("offline it does not try; online it does at once", async () => {
  const world = new World();
  (await world.connect()).welcome();
  world.online = false;
  world.lose();
  assert.equal(world.client.state.value.status, "offline");
  await world.pass(600_000);
  assert.equal(world.sockets.length, 1);
  world.online = true;
  world.wake();
  await world.settle();
  assert.equal(world.sockets.length, 2);
});

test("a tab that becomes visible does not wait for the rest of the pause", async () => {
  const world = new World();
  (await world.connect()).welcome();
  world.socket().end(4200, '{"retry_after_ms":60000}');
  assert.equal(world.client.state.value.status, "waiting");
  world.wake();
  await world.settle();
  assert.equal(world.sockets.length, 2);
});

test("a node that drains is left for another before it ends, and nothing comes twice", async () => {
  const world = new World();
  const old = await world.connect();
  old.welcome();
  old.event(1);
  old.say({ type: "reconnect", data: { after_ms: 300 } });
  await world.pass(299);
  assert.equal(world.sockets.length, 1);
  await world.pass(1);
  old.event(2);
  world.socket().welcome({ "user:1": { epoch: "e", offset: 1, recovered: true } });
  assert.equal(old.closedBy, "client");
  for (const offset of [2, 3]) world.socket().event(offset);
  assert.deepEqual(world.offsets(), [1, 2, 3]);
  assert.equal(world.client.state.value.status, "live");
});

test("if the draining node ends first, the one that is on its way takes over", async () => {
  const world = new World();
  const old = await world.connect();
  old.welcome();
  old.say({ type: "reconnect", data: { after_ms: 0 } });
  await world.pass(0);
  old.end(1001);
  world.socket().welcome({ "user:1": { epoch: "e", offset: 0, recovered: true } });
  await world.pass(20_000);
  assert.equal(world.sockets.length, 2);
  assert.equal(world.client.state.value.status, "live");
});

test("a connection that says nothing for two heartbeats is none", async () => {
  const world = new World();
  (await world.connect()).welcome();
  await world.pass(40_000);
  world.socket().say({ type: "heartbeat" });
  await world.pass(40_000);
  assert.equal(world.sockets.length, 1);
  await world.pass(25_000);
  assert.equal(world.sockets.length, 2);
});

test("without a welcome an attempt has failed after ten seconds", async () => {
  const world = new World();
  await world.connect();
  await world.pass(10_000);
  assert.equal(world.client.state.value.status, "waiting");
});

test("a token that ends soon is replaced without a new connection", async () => {
  const world = new World();
  let count = 0;
  (await world.connect({ token: () => `t${(count += 1)}` })).welcome();
  world.socket().say({ type: "session_expiring", data: { expires_at: 1 } });
  await world.settle();
  assert.equal(world.socket().commands("refresh")[0]?.["token"], "t2");
  assert.equal(world.sockets.length, 1);
});

test("a cookie needs no first frame; positions go in the address", async () => {
  const world = new World();
  const since = { channels: { "user:1": { epoch: "e", offset: 3 } }, sync_cursor: "s" };
  world.client = (await import("../src/index.js")).connect({
    url: "https://server",
    since,
    environment: world.environment(),
  });
  await world.settle();
  const { url } = world.socket();
  assert.ok(url.startsWith("wss://server/ws?resume="));
  world.socket().onopen?.();
  assert.equal(world.socket().sent.length, 0);
  const encoded = url.split("resume=")[1] as string;
  assert.deepEqual(JSON.parse(atob(encoded.replaceAll("-", "+").replaceAll("_", "/"))), since.channels);
});
