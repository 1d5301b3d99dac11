import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, readEnding } from "../src/closing.js";
import { json, syncPage, World } from "./world.js";

test("a close code is followed by its range, known or not", () => {
  const cases: [number, string][] = [
    [1000, "resume"],
    [1001, "resume"],
    [1006, "resume"],
    [1009, "resume"],
    [4000, "stop"],
    [4008, "stop"],
    [4099, "stop"],
    [4100, "renew"],
    [4199, "renew"],
    [4200, "resume"],
    [4299, "resume"],
    [4300, "start_anew"],
    [4399, "start_anew"],
    [4400, "resume"],
  ];
  for (const [code, verdict] of cases) assert.equal(judge(code), verdict, String(code));
});

test("a reason may be anything", () => {
  assert.deepEqual(readEnding(4200, '{"code":"draining","retry_after_ms":700}'), {
    code: 4200,
    name: "draining",
    retryAfterMs: 700,
  });
  for (const reason of ["", "gone", "null", "[1]", '{"code":5}']) {
    assert.deepEqual(readEnding(4200, reason), { code: 4200 });
  }
});

test("4000 to 4099 ends it for good", async () => {
  for (const code of [4001, 4003, 4004, 4008, 4042]) {
    const world = new World();
    (await world.connect()).welcome();
    world.socket().end(code);
    await world.pass(600_000);
    assert.equal(world.client.state.value.status, "stopped", String(code));
    assert.equal(world.client.state.value.ending?.code, code);
    assert.equal(world.sockets.length, 1);
  }
});

test("4100 to 4199 gets a new token and comes back once", async () => {
  const world = new World();
  const asked: string[] = [];
  const token = (why: string) => `${asked.push(why)}`;
  (await world.connect({ token })).welcome();
  world.socket().end(4100);
  await world.settle();
  assert.deepEqual(asked, ["connect", "expired"]);
  assert.equal(world.sockets.length, 2);
  world.socket().onopen?.();
  assert.equal(world.socket().commands("auth")[0]?.["token"], "2");
  world.socket().end(4101);
  await world.pass(60_000);
  assert.equal(world.client.state.value.status, "stopped");
});

test("a token that cannot be renewed is the end", async () => {
  const world = new World();
  (await world.connect({ token: "fixed" })).welcome();
  world.socket().end(4100);
  assert.equal(world.client.state.value.status, "stopped");
});

test("4200 to 4299 comes back with positions, not sooner than told", async () => {
  for (const code of [1000, 1001, 1006, 4200, 4205, 4277]) {
    const world = new World();
    (await world.connect()).welcome();
    world.socket().event(1);
    world.socket().end(code, '{"code":"x","retry_after_ms":5000}');
    await world.pass(4_999);
    assert.equal(world.sockets.length, 1, String(code));
    await world.pass(1_001);
    assert.equal(world.sockets.length, 2, String(code));
    world.socket().onopen?.();
    const auth = world.socket().commands("auth")[0];
    assert.deepEqual(auth?.["resume"], { "user:1": { epoch: "e", offset: 1 } });
  }
});

test("4300 to 4399 comes back without positions, and fetches what was missed", async () => {
  const world = new World();
  (await world.connect()).welcome();
  await world.settle();
  const missed = [{ id: 5, conversation_id: 1, seq: 4 }];
  const channels = { "user:1": { epoch: "e", offset: 9 } };
  world.routes["/api/v1/sync?since=first"] = () =>
    json(syncPage({ cursor: "next", messages: missed, channels }));
  world.socket().end(4300);
  await world.pass(1_000);
  world.socket().welcome({ "user:1": { epoch: "e", offset: 7 } });
  assert.equal(world.socket().commands("auth")[0]?.["resume"], undefined);
  world.socket().event(8);
  await world.settle();
  world.socket().event(10);
  assert.deepEqual(
    world.heard.map(({ type, offset }) => [type, offset]),
    [
      ["sync", undefined],
      ["private_message", 10],
    ],
  );
});

test("a refused resume token is tried again with a token", async () => {
  const world = new World();
  const token = () => "access";
  (await world.connect({ token })).welcome(undefined, { resume_token: "resume" });
  world.socket().end(1006);
  await world.pass(1_000);
  world.socket().onopen?.();
  assert.equal(world.socket().commands("auth")[0]?.["token"], "resume");
  world.socket().end(4001);
  await world.settle();
  world.socket().onopen?.();
  assert.equal(world.socket().commands("auth")[0]?.["token"], "access");
  world.socket().end(4001);
  assert.equal(world.client.state.value.status, "stopped");
});
