// Opens reports in headless Chromium at desktop and phone width and fails on a console error, a
// request to anywhere, a missing picture, fewer pictures than asked for, or horizontal scrolling.
//
//     node check.mjs [--shots DIR] [--pictures N] report.html...
//
// Talks the DevTools protocol over a pipe, so that it needs no port and no package.

import { spawn } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const VIEWS = [
  { name: "desktop-light", width: 1280, height: 900, scheme: "light" },
  { name: "desktop-dark", width: 1280, height: 900, scheme: "dark" },
  { name: "phone-light", width: 390, height: 844, scheme: "light", phone: true },
  { name: "phone-dark", width: 390, height: 844, scheme: "dark", phone: true },
];
const TIMEOUT_MS = 60_000;

/** The browser behind a pipe: `send(method, params, session)` and `on(handler)`. */
class Browser {
  constructor(program, profile) {
    this.process = spawn(program, [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
      "--disable-dev-shm-usage", "--hide-scrollbars", `--user-data-dir=${profile}`, "--remote-debugging-pipe", "about:blank",
    ], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    this.waiting = new Map();
    this.handlers = [];
    this.next = 1;
    let rest = "";
    this.process.stdio[4].setEncoding("utf8");
    this.process.stdio[4].on("data", (chunk) => {
      const parts = (rest + chunk).split("\0");
      rest = parts.pop();
      parts.forEach((part) => this.receive(JSON.parse(part)));
    });
    this.gone = new Promise((done) => this.process.on("close", done));
    this.process.on("error", () => this.fail(`cannot start ${program}`));
    this.gone.then(() => this.fail("the browser ended"));
  }

  fail(reason) {
    for (const { reject } of this.waiting.values()) reject(new Error(reason));
    this.waiting.clear();
  }

  receive(message) {
    const waiting = this.waiting.get(message.id);
    if (!waiting) return this.handlers.forEach((handle) => handle(message));
    this.waiting.delete(message.id);
    if (message.error) waiting.reject(new Error(message.error.message));
    else waiting.resolve(message.result);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.process.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
    });
  }

  async close() {
    this.send("Browser.close").catch(() => {});
    const timer = setTimeout(() => this.process.kill("SIGKILL"), 5000);
    await this.gone;
    clearTimeout(timer);
  }
}

/** What is wrong with the page as it stands, found from the inside. */
const inspect = (width, least) => `(async () => {
  const problems = [];
  const root = document.documentElement;
  if (root.clientWidth !== ${width}) problems.push("not laid out for the window: " + root.clientWidth + " px wide");
  if (root.scrollWidth > root.clientWidth)
    problems.push("horizontal scrolling: content " + root.scrollWidth + " px wide, window " + root.clientWidth);
  for (const image of document.images) {
    if (!image.complete || image.naturalWidth === 0) problems.push("missing picture: " + (image.title || image.alt || image.src.slice(0, 60)));
    if (!image.hasAttribute("alt")) problems.push("picture without alt text: " + image.src.slice(0, 60));
  }
  // Pictures inside SVG do not tell whether they are there: their source is loaded again.
  const drawn = [...document.querySelectorAll("svg image")];
  for (const image of drawn) {
    const again = new Image();
    again.src = image.href.baseVal;
    await again.decode().catch(() => problems.push("missing picture in SVG: " + image.href.baseVal.slice(0, 60)));
  }
  const pictures = document.images.length + drawn.length;
  if (pictures < ${least}) problems.push("too few pictures: " + pictures + ", not ${least}");
  if (root.scrollWidth > root.clientWidth)
    for (const e of document.body.querySelectorAll("*")) {
      const box = e.getBoundingClientRect();
      if (box.right > root.clientWidth + 1 && !e.closest(".scroll, pre")) {
        problems.push("  sticks out: <" + e.tagName.toLowerCase() + " class=" + (e.getAttribute("class") || "") + "> to " + Math.round(box.right));
        if (problems.length > 12) break;
      }
    }
  if (!document.querySelector("h1")) problems.push("no heading");
  if (document.title === "") problems.push("no title");
  return { problems, pictures, height: root.scrollHeight };
})()`;

async function look(browser, file, view, shots, least) {
  const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: true });
  const send = (method, params) => browser.send(method, params, sessionId);
  const url = pathToFileURL(resolve(file)).href;
  const problems = [];
  const loaded = new Promise((done) => {
    browser.handlers = [(message) => {
      if (message.sessionId !== sessionId) return;
      const p = message.params;
      if (message.method === "Page.loadEventFired") done();
      if (message.method === "Runtime.exceptionThrown") problems.push(`exception: ${p.exceptionDetails.text}`);
      if (message.method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(p.type))
        problems.push(`console: ${p.args.map((a) => a.value ?? a.description).join(" ")}`);
      if (message.method === "Log.entryAdded" && ["error", "warning"].includes(p.entry.level))
        problems.push(`console: ${p.entry.text} ${p.entry.url ?? ""}`);
      if (message.method === "Network.requestWillBeSent" && p.request.url !== url && !p.request.url.startsWith("data:"))
        problems.push(`request: ${p.request.url}`);
    }];
  });
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await send(`${domain}.enable`);
  await send("Emulation.setDeviceMetricsOverride", {
    width: view.width, height: view.height, deviceScaleFactor: 1, mobile: view.phone === true,
  });
  await send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: view.scheme }] });
  const { errorText } = await send("Page.navigate", { url });
  if (errorText) problems.push(`cannot open: ${errorText}`);
  else await loaded;
  const { result } = await send("Runtime.evaluate", { expression: inspect(view.width, least), awaitPromise: true, returnByValue: true });
  const found = result.value ?? { problems: ["the page could not be inspected"], pictures: 0, height: 0 };
  if (shots) {
    const { data } = await send("Page.captureScreenshot", {
      format: "png", captureBeyondViewport: true,
      clip: { x: 0, y: 0, width: view.width, height: Math.min(found.height, 16_000), scale: 1 },
    });
    writeFileSync(join(shots, `${basename(file, ".html")}-${view.name}.png`), Buffer.from(data, "base64"));
  }
  await browser.send("Target.closeTarget", { targetId });
  return { ...found, problems: [...problems, ...found.problems] };
}

function program() {
  const named = process.env.CHROMIUM;
  if (named) return named;
  const found = (process.env.PATH ?? "").split(":").flatMap((dir) => ["chromium", "chromium-browser", "google-chrome"].map((p) => join(dir, p)));
  return found.find((path) => existsSync(path));
}

async function main() {
  const args = process.argv.slice(2);
  const option = (name) => {
    const at = args.indexOf(name);
    return at >= 0 ? args.splice(at, 2)[1] : undefined;
  };
  const folder = option("--shots");
  const shots = folder && resolve(folder);
  const least = Number(option("--pictures") ?? 0);
  const chromium = program();
  const usage = args.length === 0 || Number.isNaN(least);
  if (usage || !chromium) {
    console.error(usage ? "usage: node check.mjs [--shots DIR] [--pictures N] report.html..." : "error: no chromium on PATH: set CHROMIUM");
    return 2;
  }
  if (shots) mkdirSync(shots, { recursive: true });
  const profile = mkdtempSync(join(tmpdir(), "report-check-"));
  const browser = new Browser(chromium, profile);
  const deadline = setTimeout(() => browser.process.kill("SIGKILL"), TIMEOUT_MS);
  let bad = 0;
  try {
    for (const file of args)
      for (const view of VIEWS) {
        const { problems, pictures, height } = await look(browser, file, view, shots, least);
        bad += problems.length;
        console.log(`${problems.length ? "BAD" : "ok"}  ${file}  ${view.name}  ${pictures} pictures, ${height} px high`);
        problems.forEach((p) => console.log(`     ${p}`));
      }
  } finally {
    clearTimeout(deadline);
    await browser.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
  return bad ? 1 : 0;
}

process.exitCode = await main().catch((e) => {
  console.error(`error: ${e.message}`);
  return 1;
});
