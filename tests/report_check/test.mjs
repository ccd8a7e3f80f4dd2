// The check itself, tested: it passes a sound page and fails on each planted fault.
//
//     node test.mjs

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const check = join(dirname(fileURLToPath(import.meta.url)), "check.mjs");
const dot = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">';
const page = (inside, head = viewport) => `<!doctype html><meta charset=utf-8>${head}<title>t</title><link rel=icon href="data:,"><h1>t</h1>
  <img src="${dot}" alt="dot">${inside}`;

const cases = [
  { name: "sound", inside: '<div style="overflow-x:auto"><div style="width:3000px">x</div></div>', fails: null },
  { name: "console error", inside: "<script>console.error('planted')</script>", fails: "console: planted" },
  { name: "exception", inside: "<script>throw new Error('planted')</script>", fails: "exception:" },
  { name: "missing picture", inside: '<img src="data:image/png;base64,AAAA" alt="x" title="gone">', fails: "missing picture: gone" },
  { name: "no alt text", inside: `<img src="${dot}">`, fails: "picture without alt text" },
  { name: "horizontal scrolling", inside: '<div style="width:3000px">x</div>', fails: "horizontal scrolling" },
  { name: "scrolling on the phone only", inside: '<div style="width:600px">x</div>', fails: "horizontal scrolling" },
  { name: "no viewport", inside: "", head: "", fails: "not laid out for the window" },
  { name: "sound picture in SVG", inside: `<svg><image href="${dot}"/></svg>`, options: ["--pictures", "2"], fails: null },
  { name: "missing picture in SVG", inside: '<svg><image href="data:image/png;base64,AAAA"/></svg>', fails: "missing picture in SVG" },
  { name: "too few pictures", inside: "", options: ["--pictures", "2"], fails: "too few pictures: 1, not 2" },
  { name: "outside request", inside: '<img src="file:///no/such.png" alt="x">', fails: "request: file:///no/such.png" },
];

const dir = mkdtempSync(join(tmpdir(), "report-check-test-"));
let bad = 0;
try {
  for (const { name, inside, head, options = [], fails } of cases) {
    const file = join(dir, "page.html");
    writeFileSync(file, page(inside, head));
    let output, code = 0;
    try {
      output = execFileSync(process.execPath, [check, ...options, file], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    } catch (e) {
      [output, code] = [`${e.stdout}${e.stderr}`, e.status];
    }
    const good = fails === null ? code === 0 : code === 1 && output.includes(fails);
    bad += good ? 0 : 1;
    console.log(`${good ? "ok " : "BAD"} ${name}`);
    if (!good) console.log(output);
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
process.exitCode = bad ? 1 : 0;
