import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { dev, hears, live, message, picture, say, Stage, unique } from "./stage.js";

let stage: Stage;
let ana: Page;
let bo: Page;

before(async () => {
  stage = await Stage.open();
  [ana, bo] = [stage.ana.page, stage.bo.page];
});
after(() => stage.close());

test("a message arrives, and is receipted", async () => {
  const text = unique("hello");
  await say(ana, text);
  await hears(bo, text);
  await message(ana, text).and(ana.locator("[data-receipt=read]")).waitFor();
});

test("who types is seen typing, and no more when the message is there", async () => {
  await bo.getByLabel("Message", { exact: true }).pressSequentially("hm");
  await ana.getByText("bo is typing…").waitFor();
  await bo.getByRole("button", { name: "Send" }).click();
  await ana.getByText("bo is typing…").waitFor({ state: "hidden" });
});

test("comments and reactions are live in a post's room", async () => {
  const text = unique("a post");
  await ana.getByLabel("New post").fill(text);
  await ana.getByRole("button", { name: "Post", exact: true }).click();
  const post = (page: Page) =>
    page.getByRole("list", { name: "Posts" }).locator("li.line", { hasText: text });
  await post(ana)
    .getByRole("button", { name: /Comments/ })
    .click();
  await bo.reload();
  await live(bo);
  await post(bo)
    .getByRole("button", { name: /Comments/ })
    .click();
  const comment = unique("a comment");
  await post(bo).getByLabel("Comment", { exact: true }).fill(comment);
  await post(bo).getByRole("button", { name: "Say" }).click();
  await post(ana).getByText(comment).waitFor();
  await post(bo).getByRole("button", { name: "React 🎉, 0" }).click();
  await post(ana).getByRole("button", { name: "React 🎉, 1" }).waitFor();
});

test("offline for 20 s and back: what was said is there once, on both sides", async () => {
  const network = stage.bo.context;
  await network.setOffline(true);
  await bo.locator(".status[data-status=offline]").waitFor();
  const [there, back] = [unique("while away"), unique("from offline")];
  await say(ana, there);
  await say(bo, back);
  await bo.locator(".message.unsent", { hasText: back }).waitFor();
  await picture(bo, "offline");
  // The scenario itself, no wait for something.
  await bo.waitForTimeout(20_000);
  await network.setOffline(false);
  await hears(bo, there);
  await hears(ana, back);
  assert.equal(await bo.locator(".message.unsent").count(), 0);
});

test("the gateway is killed: the other one takes over, nothing is lost", async () => {
  const node = (await bo.locator(".status").first().getAttribute("data-node")) as string;
  const other = node === "gateway-1" ? "gateway-2" : "gateway-1";
  const text = unique("through a crash");
  await bo.getByRole("button", { name: "Kill its gateway" }).click();
  await say(ana, text);
  await bo.locator(`.status[data-status=live][data-node=${other}]`).waitFor();
  await hears(bo, text);
  await bo.getByText(`· ${node} is back`).waitFor();
});

test("Redis is restarted: nothing is lost", async () => {
  dev("kill", "redis");
  const text = unique("without redis");
  await say(ana, text);
  dev("start", "redis");
  await hears(bo, text);
  const after = unique("with redis");
  await say(bo, after);
  await hears(ana, after);
});

test("presence: online while one of two tabs is there", async () => {
  await bo.getByText("ana is online").waitFor();
  const second = await stage.tab(stage.ana, "ana");
  await second.close();
  await hearsSomething();
  assert.equal(await bo.getByText("ana is online").count(), 1);
  await stage.ana.page.goto("about:blank");
  await bo.getByText("ana is offline").waitFor();
  ana = await stage.tab(stage.ana, "ana");
  await bo.getByText("ana is online").waitFor();
});

/** A frame of a later moment than now: whatever was under way has been told. */
async function hearsSomething(): Promise<void> {
  const text = unique("later");
  await say(ana, text);
  await hears(bo, text);
}

test("without WebSockets it falls back, and climbs back", async () => {
  const block = bo.getByRole("button", { name: "Block WebSockets" });
  await block.click();
  await live(bo, "sse");
  const text = unique("over events");
  await say(ana, text);
  await hears(bo, text);
  await say(bo, unique("over http"));
  await block.click();
  await live(bo);
});

test("everybody can use it: axe finds nothing, on a screen and on a phone, light and dark", async () => {
  const axe = readFileSync("node_modules/axe-core/axe.min.js", "utf8");
  for (const [width, scheme, name] of [
    [1300, "light", "demo-light"],
    [1300, "dark", "demo-dark"],
    [390, "light", "demo-phone"],
  ] as const) {
    const page = await stage.together(width, scheme);
    await picture(page, name);
    await page.evaluate(axe);
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: object[] }> } };
      return (await axe.run()).violations;
    });
    assert.deepEqual(violations, [], name);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${name} is too wide`);
    await page.context().close();
  }
});

test("markup in any field stays text", async () => {
  const page = await stage.together(1300, "light");
  await page.evaluate(() => Object.assign(globalThis, { hurt: 0 }));
  const evil = `<script>hurt = 1</script><img src=x onerror="hurt = 1">`;
  const [ana, bo] = ["ana", "bo"].map((name) => page.getByRole("region", { name, exact: true }));
  const write = async (name: string | RegExp, action: string) => {
    const text = `${evil} ${unique("x")}`;
    const form = ana!.locator("form", { has: page.getByLabel(name, { exact: true }) }).first();
    await form.getByLabel(name, { exact: true }).fill(text);
    await form.getByRole("button", { name: action }).click();
    await ana!.locator("li", { hasText: text }).first().waitFor();
    return text;
  };
  const message = await write("Message", "Send");
  await bo!.locator("li", { hasText: message }).first().waitFor();
  await write("New post", "Post");
  const comments = ana!.getByRole("button", { name: /Comments/ });
  await comments.first().click();
  await write("Comment", "Say");
  await write("New group", "Found");
  await write(/^To /, "Say");
  const found = await page.evaluate(() => ({
    hurt: (globalThis as unknown as { hurt: number }).hurt,
    elements: document.querySelectorAll("main script, main img").length,
  }));
  assert.deepEqual(found, { hurt: 0, elements: 0 });
  await page.context().close();
});
