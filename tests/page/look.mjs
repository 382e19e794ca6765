// Looks at the status page as people do, in a headless Chromium; prints a line for each thing it looked for.
// node look.mjs MODULES CHROMIUM URL [PICTURES]
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [modules, executablePath, url, pictures] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const say = (holds, what, more = "") => console.log(`${holds ? "ok" : "WRONG"} ${what}${holds || !more ? "" : `: ${more}`}`);
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];
const browser = await chromium.launch({ executablePath, args: flags });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// A page with its own mind about colours, width and scripts, and all that it complains of.
const open = async (path, { scheme = "light", width = 1280, javaScriptEnabled = true } = {}) => {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: 800 }, javaScriptEnabled, bypassCSP: false });
  const page = await context.newPage();
  const complaints = [], strangers = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => request.url().startsWith(url) || strangers.push(request.url()));
  await page.goto(url + path);
  return { page, context, complaints, strangers };
};
const snap = async (page, name) => pictures && page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });

const serious = async (page) => {
  // Run by the debugger, which no policy of the page keeps out.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  return violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id} at ${one.nodes.slice(0, 3).map((node) => `${node.target} (${node.failureSummary})`).join(", ")}`);
};

const first = await open("/");
const key = await first.page.locator(".object.failing a[href*='key=']").first().getAttribute("href");
await first.context.close();

for (const [name, path] of [["all", "/"], ["one", key], ["filtered", "/?q=nothing+of+the+kind"], ["none", "/?key=1/r/c/Service/none"]]) {
  for (const scheme of ["light", "dark"]) {
    const { page, context, complaints, strangers } = await open(path, { scheme });
    await page.locator(".live .on").waitFor({ state: "visible" });
    await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
    const found = await serious(page);
    say(found.length === 0, `axe, ${name}, ${scheme}`, found.join("; "));
    say(complaints.length === 0, `no complaint, ${name}, ${scheme}`, complaints.join("; "));
    say(strangers.length === 0, `nothing from elsewhere, ${name}, ${scheme}`, strangers.join(" "));
    await snap(page, `${name}-${scheme}`);
    await context.close();
  }
  const { page, context } = await open(path, { width: 360 });
  await page.locator(".live .on").waitFor({ state: "visible" });
  await snap(page, `${name}-360`);
  await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  const wide = await page.evaluate(() => {
    const beyond = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5);
    return document.documentElement.scrollWidth > innerWidth ? beyond.slice(0, 5).map((one) => one.outerHTML.slice(0, 120)) : [];
  });
  say(wide.length === 0, `no sideways scrolling at 360 px, ${name}`, wide.join(" | "));
  await snap(page, `${name}-360-open`);
  await context.close();
}

{
  const { page, context } = await open("/", { javaScriptEnabled: false });
  const names = await page.locator(".object .name b").allTextContents();
  say(names.includes("hello-world"), "objects without JavaScript", names.join());
  say(await page.locator(".object.failing .why").first().isVisible(), "the why without JavaScript");
  say(await page.locator(".live .off").isVisible(), "says that it is not live");
  await page.locator("#q").fill("broken");
  await page.locator(".filter button").click();
  const left = await page.locator(".object .name b").allTextContents();
  say(left.length > 0 && left.every((name) => name === "broken"), "the filter without JavaScript", left.join());
  await snap(page, "without-javascript");
  await context.close();
}

{
  const { page, context } = await open("/");
  const seen = new Set();
  await page.keyboard.press("Tab");
  say(await page.evaluate(() => document.activeElement.className === "skip"), "the skip link comes first");
  const shown = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== "none");
  say(shown, "the focus is seen");
  for (let steps = 0; steps < 200; steps++) {
    const at = await page.evaluate(() => {
      const one = document.activeElement;
      return one === document.body ? "" : one.id || one.getAttribute("href") || one.tagName;
    });
    if (at === "") break;
    seen.add(at);
    await page.keyboard.press("Tab");
  }
  const all = await page.evaluate(() => [...document.querySelectorAll("summary, input:not([type=hidden]), select, button, .counts a")].map((one) => one.id || one.tagName));
  const missed = all.filter((one) => !seen.has(one));
  say(missed.length === 0, "the keyboard reaches everything", missed.join());
  const summary = page.locator(".object.ready summary").first();
  await summary.focus();
  await page.keyboard.press("Enter");
  say(await page.locator(".object.ready details[open]").count() > 0, "Enter opens an object");
  await page.keyboard.press("/");
  say(await page.evaluate(() => document.activeElement.id === "q"), "/ goes to the filter");
  await page.keyboard.type("broken");
  await page.locator(".object .name b", { hasText: "hello-world" }).first().waitFor({ state: "detached" });
  say(page.url().endsWith("?q=broken") && (await page.evaluate(() => document.activeElement.id === "q")), "typing filters, and keeps the focus");
  await context.close();
}

{
  const { page, context, complaints } = await open("/");
  await page.locator(".live .on").waitFor({ state: "visible" });
  await page.evaluate(() => (window.same = true));
  const summary = page.locator(".object.ready summary", { hasText: "hello-world" }).filter({ hasText: "Service" });
  await summary.click();
  console.log("READY");
  await lines.next();
  await page.locator(".object.working", { hasText: "hello-world" }).filter({ hasText: "RolloutInProgress" }).first().waitFor({ timeout: 60000 });
  await page.locator(".object.working figure.rollout svg path.new").first().waitFor({ timeout: 60000 });
  say(await page.evaluate(() => window.same === true), "the page is live, and was not loaded anew");
  const still = await page.locator(".object.working details", { hasText: "hello-world" }).first().getAttribute("open");
  say(still !== null, "what was open is open");
  await snap(page, "rolling");
  say(complaints.length === 0, "no complaint while live", complaints.join("; "));
  console.log("ROLLS");
  await lines.next();
  await page.locator(".live .lost").waitFor({ state: "visible", timeout: 60000 });
  say(true, "says that the connection is lost");
  await context.close();
}
await browser.close();
console.log("END");
process.exit(0);
