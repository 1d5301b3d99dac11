/** Two windows on a running Hubbub. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { PATIENCE_MS } from "./running.js";

export { dev, PATIENCE_MS, unique } from "./running.js";

const address = process.env["DEMO_URL"] ?? assert.fail("DEMO_URL: run ./dev e2e");
const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const images = process.env["SCREENSHOTS"] ?? "dist/images";

export interface Window {
  page: Page;
  context: BrowserContext;
}

export class Stage {
  private constructor(
    private readonly browser: Browser,
    readonly ana: Window,
    readonly bo: Window,
  ) {}

  static async open(): Promise<Stage> {
    // Chromium's sandbox needs privileges that containers do not give, and root must not use it.
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    const [ana, bo] = [await open(browser, "ana"), await open(browser, "bo")];
    return new Stage(browser, ana, bo);
  }

  /** Another tab of somebody who has a window. */
  async tab(window: Window, only: "ana" | "bo"): Promise<Page> {
    return visit(await window.context.newPage(), only);
  }

  /** Both people on one page. */
  async together(width: number, scheme: "light" | "dark"): Promise<Page> {
    const context = await this.browser.newContext({ viewport: { width, height: 1000 }, colorScheme: scheme });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(address);
    await page.locator(".status[data-status=live]").nth(1).waitFor();
    return page;
  }

  close(): Promise<void> {
    return this.browser.close();
  }
}

async function open(browser: Browser, only: "ana" | "bo"): Promise<Window> {
  const context = await browser.newContext();
  return { context, page: await visit(await context.newPage(), only) };
}

async function visit(page: Page, only: string): Promise<Page> {
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(address.replace("/#", `/?only=${only}#`));
  await live(page);
  return page;
}

export const live = (page: Page, transport = "websocket") =>
  page.locator(`.status[data-status=live][data-transport=${transport}]`).waitFor();

export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

export const message = (page: Page, text: string) =>
  page.getByRole("list", { name: "Messages" }).locator("li", { hasText: text });

/** Waits until it is there, and sees that it is there once. */
export async function hears(page: Page, text: string): Promise<void> {
  await message(page, text).first().waitFor();
  assert.equal(await message(page, text).count(), 1, text);
}

export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(images, { recursive: true });
  await page.screenshot({ path: `${images}/${name}.png`, animations: "disabled" });
}
