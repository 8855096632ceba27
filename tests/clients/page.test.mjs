// The server's page in Chromium: talking, watching, keyboard, key and colours. HEARTH_SCREENSHOTS names a folder for
// pictures of it.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { startServer } from "./server.mjs";

const executablePath = "/usr/bin/chromium";
if (!existsSync(executablePath)) {
  console.log("chromium is absent: the page is not tested");
  process.exit(process.env.CI ? 1 : 0);
}
const address = new URL(await startServer()).origin;
const keyed = new URL(await startServer("--api-key", "secret")).origin;
// One with a remote, which leaves a trail: a third server, asked once on each side.
const provider = http.createServer((request, response) => request.resume().on("end", () => {
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", content: "Greet with a dash" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 12, completion_tokens: 4 } }));
}));
await new Promise((resolve) => provider.listen(0, "127.0.0.1", resolve));
const folder = mkdtempSync(join(tmpdir(), "hearth-page-"));
writeFileSync(join(folder, "hearth.toml"), `[[remote]]\nname = "cloud"\nmodels = ["large"]\ninput_price = 20000\noutput_price = 50000\nmoney_per_day = 5\n` +
  `base_url = "http://127.0.0.1:${provider.address().port}/v1"\n[[alias]]\nname = "reviewer"\nmodel = "auto"\n[[alias]]\nname = "far"\nmodel = "large"\n[[alias]]\nname = "near"\nmodel = "scripted"\n[audit]\nbodies = true\n[shadow]\nescalated = 1\n`);
const routed = new URL(await startServer("--config", join(folder, "hearth.toml"))).origin;
for (const wish of ["cloud", "local"])
  await fetch(`${routed}/v1/chat/completions`, { method: "POST",
    headers: { "Content-Type": "application/json", "X-Hearth-Route": wish, "X-Hearth-Task": "review" },
    body: JSON.stringify({ model: "auto", max_tokens: 16, messages: [{ role: "user", content: "Is ada@lovelace.org greeted well?" }] }) }).then((answer) => answer.text());
after(() => { provider.close(); rmSync(folder, { recursive: true }); });
let browser;
before(async () => { browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] }); });
after(() => browser.close());

/** A page whose every error and every request to elsewhere fails the test. */
async function open(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 760 }, ...options });
  const page = await context.newPage(), wrong = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (message) => { if (message.type() === "error" && !message.text().includes("401")) wrong.push(message.text()); });
  page.on("request", (request) => { if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith("data:")) wrong.push(request.url()); });
  await page.goto(url);
  return { page, done: async () => { assert.deepEqual(wrong, []); await context.close(); } };
}

async function picture(page, name) {
  if (process.env.HEARTH_SCREENSHOTS) await page.screenshot({ path: join(process.env.HEARTH_SCREENSHOTS, `${name}.png`) });
}

test("a conversation", async () => {
  const { page, done } = await open(address);
  await page.getByText("What you write here stays on this machine.").waitFor();
  await page.locator("#model option", { hasText: "scripted" }).waitFor({ state: "attached" });
  assert.equal(await page.locator("#model option").first().getAttribute("data-provider"), null);
  await page.getByLabel("Message").fill("Write `a < b` in <b>bold</b>");
  await page.keyboard.press("Enter");
  const answer = page.getByRole("article", { name: "Model" });
  await answer.getByText("Greet with a comma").waitFor();
  await answer.getByText(/4 tokens · first after .* s/).waitFor();
  assert.equal(await page.getByRole("article", { name: "You" }).textContent(), "Write `a < b` in <b>bold</b>");
  await picture(page, "chat");
  await page.getByRole("button", { name: "New chat" }).click();
  assert.equal(await page.getByRole("article").count(), 0);
  await done();
});

test("an endless answer can be stopped", async () => {
  const { page, done } = await open(address);
  await page.getByLabel("At most").fill("60000");
  await page.getByLabel("Message").fill("#");
  await page.getByRole("button", { name: "Send" }).click();
  const stop = page.getByRole("button", { name: "Stop" });
  await stop.click({ timeout: 5000 }).catch(() => {});  // a fast machine may have ended it
  await page.getByRole("button", { name: "Send" }).waitFor();
  await done();
});

test("the board counts what was asked", async () => {
  const { page, done } = await open(`${address}/#board`);
  await page.getByRole("row", { name: /\/v1\/chat\/completions 200/ }).waitFor();
  await page.getByRole("row", { name: /scripted yes/ }).waitFor();
  await page.getByRole("img", { name: /Tokens written a second: now \d/ }).waitFor();
  await picture(page, "board");
  await done();
});

test("the trail tells what left, and that the log is whole", async () => {
  for (const [name, options] of [["audit", {}], ["audit-dark", { colorScheme: "dark" }], ["audit-narrow", { viewport: { width: 390, height: 760 } }]]) {
    const { page, done } = await open(`${routed}/#audit`, options);
    await page.getByText(/The log is whole: \d+ rows/).waitFor();
    await page.getByText(/2 decisions, 1 of them to send \d+ bytes off this machine/).waitFor();
    await page.getByRole("row", { name: /cloud large header .*1 email answered 16/ }).waitFor();
    await picture(page, name);
    await page.getByLabel("Went").selectOption("local");
    await page.getByText("1 decisions, 0 of them").waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page itself does not scroll sideways");
    await done();
  }
});

test("both answers are shown side by side and judged", async () => {
  for (const end = Date.now() + 20_000; Date.now() < end;) {  // the second answer comes in its own time
    const { data } = await (await fetch(`${routed}/v1/hearth/comparisons?last=5`)).json();
    if (data.length > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const [name, options] of [["compare", {}], ["compare-dark", { colorScheme: "dark" }], ["compare-narrow", { viewport: { width: 390, height: 760 } }]]) {
    const { page, done } = await open(routed, options);
    await page.getByRole("tab", { name: "Compare" }).click();
    const pair = page.getByRole("article", { name: /review · header · distance 0.25/ });
    await pair.getByText("Greet with a comma").waitFor();
    await pair.getByText("Greet with a dash").waitFor();
    await pair.getByText(/Is HEARTH_REDACTED_EMAIL_[0-9A-F]{10} greeted well\?/).waitFor();
    await pair.getByRole("button", { name: "Both will do" }).focus();
    await page.keyboard.press("Enter");
    await pair.getByRole("button", { name: "Both will do", pressed: true }).waitFor();
    await picture(page, name);
    await done();
  }
  const { page, done } = await open(`${routed}/#board`);
  await page.getByText(/remote cloud: 0\.\d+ of 5 spent today/).waitFor();
  await page.getByText("Answered here").first().waitFor();
  await picture(page, "board-routed");
  await page.getByRole("tab", { name: "Chat" }).click();
  await page.getByLabel("Message").fill("Hello");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Good answer" }).click();
  await page.getByRole("button", { name: "Good answer", pressed: true }).waitFor();
  await done();
});

test("the views are reached with the keyboard", async () => {
  const { page, done } = await open(address);
  await page.getByRole("tab", { name: "Chat" }).focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.getByRole("tab", { name: "Board" }).getAttribute("aria-selected"), "true");
  assert.equal(await page.getByRole("tabpanel").getAttribute("aria-labelledby"), "tab-board");
  await page.keyboard.press("ArrowLeft");
  await page.getByLabel("Message").waitFor();
  await done();
});

test("a key is asked for once and used", async () => {
  const { page, done } = await open(keyed);
  await page.getByLabel("API key").fill("secret");
  await page.keyboard.press("Enter");
  await page.locator("#model option", { hasText: "scripted" }).waitFor({ state: "attached" });
  await done();
});

test("colours follow the reader's system and can be read", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const { page, done } = await open(address, { colorScheme });
    const contrast = await page.evaluate(() => {
      const style = getComputedStyle(document.body);
      const light = (text) => {
        const [r, g, b] = text.match(/\d+/g).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const [a, b] = [light(style.color), light(style.backgroundColor)].sort((x, y) => y - x);
      return { ratio: (a + 0.05) / (b + 0.05), dark: light(style.backgroundColor) < 0.2 };
    });
    assert.ok(contrast.ratio >= 7, `contrast ${contrast.ratio}`);
    assert.equal(contrast.dark, colorScheme === "dark");
    await picture(page, colorScheme);
    await done();
  }
});

test("an answer that is still being written stays out of the next conversation", async () => {
  for (const leave of [(page) => page.getByRole("button", { name: "New chat" }).click(),
    (page) => page.locator("#model").selectOption("large")]) {
    const { page, done } = await open(routed);
    const asked = [];
    await page.route("**/v1/chat/completions", async (route) => {
      asked.push(route.request().postDataJSON().messages);
      if (asked.length > 1) await route.fulfill({ contentType: "text/event-stream", body: "data: [DONE]\n\n" });  // the first one is never answered
    });
    await page.locator("#model option", { hasText: "large" }).waitFor({ state: "attached" });
    await page.getByLabel("Message").fill("First");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Stop" }).waitFor();
    await leave(page);
    await page.getByRole("button", { name: "Send" }).waitFor();
    assert.equal(await page.getByRole("article").count(), 0);
    await page.waitForTimeout(200);  // for what must not come any more
    assert.equal(await page.getByRole("article").count(), 0);
    await page.getByLabel("Message").fill("Hello");
    await page.keyboard.press("Enter");
    await page.getByText(/[0-9?] tokens/).waitFor();
    assert.deepEqual(asked[1], [{ role: "user", content: "Hello" }]);
    await done();
  }
});

test("the page says where words go, for names that stand for others too", async () => {
  const { page, done } = await open(routed);
  await page.locator("#model option", { hasText: "auto" }).waitFor({ state: "attached" });
  for (const [model, said] of [["scripted", /stays on this machine/], ["near", /stays on this machine/], ["auto", /may leave this machine/],
    ["reviewer", /may leave this machine/], ["large", /goes to cloud/], ["far", /goes to cloud/]]) {
    await page.locator("#model").selectOption(model);
    await page.locator("#messages .empty").getByText(said).waitFor();
  }
  await done();
});
