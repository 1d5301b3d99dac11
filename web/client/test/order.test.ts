import assert from "node:assert/strict";
import { test } from "node:test";
import { Stream } from "../src/stream.js";
import { json, syncPage, World } from "./world.js";

test("whatever the order and however often, each event comes once and in order", () => {
  let seed = 42;
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  for (let round = 0; round < 300; round += 1) {
    const stream = new Stream();
    stream.start({ a: { epoch: "e", offset: 10 } });
    const arrivals = Array.from({ length: 12 }, (_, index) => index + 11);
    for (let more = 0; more < 12; more += 1) arrivals.push(8 + random(15));
    for (let index = arrivals.length - 1; index > 0; index -= 1) {
      const other = random(index + 1);
      [arrivals[index], arrivals[other]] = [arrivals[other] as number, arrivals[index] as number];
    }
    const told = arrivals.flatMap((offset) => {
      const { deliver } = stream.accept({ type: "x", id: offset, channel: "a", offset });
      return deliver.map((frame) => frame.offset);
    });
    assert.deepEqual(told, [11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22]);
  }
});

test("an event of two channels comes once, and moves both", () => {
  const stream = new Stream();
  stream.start({ a: { epoch: "e", offset: 0 }, b: { epoch: "e", offset: 4 } });
  assert.equal(stream.accept({ type: "x", id: 9, channel: "a", offset: 1 }).deliver.length, 1);
  assert.equal(stream.accept({ type: "x", id: 9, channel: "b", offset: 5 }).deliver.length, 0);
  assert.deepEqual(stream.positions(), { a: { epoch: "e", offset: 1 }, b: { epoch: "e", offset: 5 } });
});

test("a hole is asked for once, and closed before what comes after it", async () => {
  const world = new World();
  const socket = await world.connect();
  socket.welcome();
  for (const offset of [1, 4, 3, 5]) socket.event(offset);
  const asked = socket.commands("sync");
  assert.equal(asked.length, 1);
  assert.deepEqual(asked[0]?.["channels"], { "user:1": { epoch: "e", offset: 1 } });
  assert.deepEqual(world.offsets(), [1]);
  socket.event(2);
  assert.deepEqual(world.offsets(), [1, 2, 3, 4, 5]);
});

test("a heartbeat shows a hole at the end", async () => {
  const world = new World();
  const socket = await world.connect();
  socket.welcome();
  socket.say({ type: "heartbeat", tops: { "user:1": 2, "user:9": 3 } });
  assert.deepEqual(socket.commands("sync")[0]?.["channels"], { "user:1": { epoch: "e", offset: 0 } });
});

test("what cannot be replayed is fetched, before anything that comes after it", async () => {
  const world = new World();
  const socket = await world.connect();
  socket.welcome();
  await world.settle();
  const channels = { "user:1": { epoch: "f", offset: 20 } };
  const pages = [
    syncPage({ cursor: "more", has_more: true, messages: [{ id: 1 }] }),
    syncPage({ cursor: "end", messages: [{ id: 2 }], channels }),
  ];
  world.routes["/api/v1/sync?since="] = () => json(pages.shift());
  socket.end(1006);
  await world.pass(1_000);
  world.socket().welcome({ "user:1": { epoch: "f", offset: 18, recovered: false, reason: "expired" } });
  for (const offset of [19, 20, 21]) world.socket().event(offset);
  await world.settle();
  assert.deepEqual(
    world.heard.map(({ type, offset }) => [type, offset]),
    [
      ["sync", undefined],
      ["sync", undefined],
      ["private_message", 21],
    ],
  );
});

test("a page is news that says nothing but what was joined anew", async () => {
  const world = new World();
  const socket = await world.connect();
  socket.welcome();
  await world.settle();
  const channels = { "user:1": { epoch: "f", offset: 20 } };
  world.routes["/api/v1/sync?since="] = () => json(syncPage({ cursor: "end", joined: [7], channels }));
  socket.end(1006);
  await world.pass(1_000);
  world.socket().welcome({ "user:1": { epoch: "f", offset: 18, recovered: false, reason: "expired" } });
  await world.settle();
  assert.deepEqual(
    world.heard.map(({ type, data }) => [type, data?.["joined"]]),
    [["sync", [7]]],
  );
});

test("a cursor too old for /sync is told as resync", async () => {
  const world = new World();
  const socket = await world.connect();
  socket.welcome();
  await world.settle();
  world.routes["/api/v1/sync?since="] = () => json(syncPage({ full: true }));
  socket.end(1006);
  await world.pass(1_000);
  world.socket().welcome({ "user:1": { epoch: "f", offset: 18, recovered: false } });
  await world.settle();
  assert.deepEqual(world.heard.at(-1), { type: "resync", data: { channels: ["user:1"] } });
});

test("groups come and go", async () => {
  const world = new World();
  const socket = await world.connect();
  socket.welcome();
  socket.say({ type: "channels", data: { joined: { "group:9": { epoch: "e", offset: 40 } } } });
  socket.event(42, "group:9", 1042);
  socket.event(41, "group:9", 1041);
  assert.deepEqual(world.offsets(), [41, 42]);
  socket.say({ type: "channels", data: { left: ["group:9"] } });
  socket.end(1006);
  await world.pass(1_000);
  world.socket().onopen?.();
  assert.deepEqual(world.socket().commands("auth")[0]?.["resume"], { "user:1": { epoch: "e", offset: 0 } });
});

test("a handler's fault costs nobody else the event", async () => {
  const world = new World();
  const socket = await world.connect();
  const faults: unknown[] = [];
  const listener = (fault: unknown) => faults.push(fault);
  process.prependOnceListener("uncaughtException", listener);
  const others = process.listeners("uncaughtException").filter((other) => other !== listener);
  for (const other of others) process.removeListener("uncaughtException", other);
  world.client.on("private_message", () => {
    throw new Error("mine");
  });
  socket.welcome();
  socket.event(1);
  await world.settle();
  for (const other of others) process.on("uncaughtException", other);
  assert.deepEqual(world.offsets(), [1]);
});
