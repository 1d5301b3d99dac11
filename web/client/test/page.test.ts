import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Cache } from "../src/cache.js";
import { Notices } from "../src/notices.js";

test("a few new ones are shown at once to who reads at the top, else there is an indicator", () => {
  const cases: [boolean, boolean, number[], string[]][] = [
    [true, true, [3], ["indicate 0", "refresh"]],
    [true, true, [4], ["indicate 4"]],
    [true, false, [1, 2], ["indicate 1", "indicate 3"]],
    [false, true, [1], ["indicate 1"]],
    [true, true, [0], []],
  ];
  for (const [active, top, counts, expected] of cases) {
    const log: string[] = [];
    const notices = new Notices({
      isActive: () => active,
      isAtTop: () => top,
      refresh: () => log.push("refresh"),
      indicate: (count) => log.push(`indicate ${count}`),
    });
    for (const count of counts) notices.add(count);
    assert.deepEqual(log, expected);
  }
});

test("the cache keeps each kind as long as it should, shares loads, and forgets failures", async () => {
  let now = 0;
  let loads = 0;
  const cache = new Cache(() => now, 2);
  const load = () => Promise.resolve((loads += 1));
  assert.deepEqual(
    await Promise.all([cache.get("comments", 1, load), cache.get("comments", 1, load)]),
    [1, 1],
  );
  now = 119_999;
  assert.equal(await cache.get("comments", 1, load), 1);
  now = 120_000;
  assert.equal(await cache.get("comments", 1, load), 2);
  await assert.rejects(cache.get("post", 1, () => Promise.reject(new Error("no"))));
  assert.equal(await cache.get("post", 1, load), 3);
  await cache.get("profile", 1, load);
  assert.equal(await cache.get("comments", 1, load), 5, "the oldest made room");
});

test("the client is small", () => {
  const bytes = gzipSync(readFileSync("client/dist/hubbub.js")).length;
  assert.ok(bytes < 12 * 1024, `${bytes} bytes`);
});
