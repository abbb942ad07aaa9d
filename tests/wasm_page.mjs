// The package of examples/wasm in headless Chromium, against the command: run by tests/wasm.py.
//
//     node tests/wasm_page.mjs PACKAGE WORK PPML SET...
//
// Serves the package and tests/wasm_page.html on this machine alone, is the server of ppml for the page, and
// breaks its first upload.  Prints what the page reports and, for the time of a key, that of the command on one
// thread; exit status 1 after a failure.
import { spawn, execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const [, , folder, work, ppml, ...sets] = process.argv;
const PATIENCE_MS = 300000;
const TYPES = { ".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm" };
const profile = mkdtempSync(join(tmpdir(), "ppml-chromium-"));
const uploads = new Map(); // of each set the bytes of its evaluation key that have arrived
let chromium, server, breaks = 1;

function end(status) {
  chromium?.kill("SIGKILL");
  server?.close();
  setTimeout(() => {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    process.exit(status);
  }, 500);
}

// The command's keygen on one thread, in ms.
function nativeKeyMs(set) {
  const times = [1, 2, 3].map(() => {
    const since = performance.now();
    spawnSync(ppml, ["keygen", join(work, set, "client"), "--secret-key", join(profile, "sk"), "--eval-key",
      join(profile, "ek"), "--threads", "1", "--force"], { stdio: "ignore" });
    return performance.now() - since;
  });
  return Math.min(...times);
}

// A slice of an evaluation key.  Half of one in the middle of the first key is lost, and the line with it.
function takeSlice(set, offset, bytes) {
  const arrived = uploads.get(set) ?? Buffer.alloc(0);
  if (offset !== arrived.length) return [409, String(arrived.length)];
  const is_broken = breaks > 0 && offset > 500000;
  const part = is_broken ? bytes.subarray(0, bytes.length >> 1) : bytes;
  uploads.set(set, Buffer.concat([arrived, part]));
  if (is_broken) breaks--;
  return is_broken ? null : [200, String(offset + bytes.length)];
}

function infer(set, encrypted) {
  const path = (name) => join(work, set, "browser." + name);
  const key = uploads.get(set);
  writeFileSync(path("ct"), encrypted);
  if (key) writeFileSync(path("ek"), key);
  execFileSync(ppml, ["infer", join(work, set, "circuit"), ...(key ? ["--eval-key", path("ek")] : []), path("ct"), "-o",
    path("out"), "--threads", "1"], { stdio: ["ignore", "ignore", "inherit"] });
  return readFileSync(path("out"));
}

function answer(url, body) {
  const [, what, set] = url.pathname.split("/");
  switch (what) {
    case "slice": return takeSlice(set, Number(url.searchParams.get("offset")), body);
    case "arrived": return [200, String(uploads.get(set)?.length ?? 0)];
    case "infer": return [200, infer(set, body)];
    case "spec": return [200, readFileSync(join(work, set, "client"))];
    case "image": return [200, readFileSync(join(work, "image.bin"))];
    default: return null;
  }
}

function report({ lines, failures, keyMs }) {
  for (const line of lines) console.log(line);
  for (const failure of failures) console.log(`tests/wasm_page.mjs: FAILED: ${failure}`);
  for (const [set, ms] of Object.entries(keyMs)) {
    const native = nativeKeyMs(set);
    console.log(`chromium, ${set}: key ${ms.toFixed(0)} ms; ppml keygen --threads 1 ${native.toFixed(0)} ms; ` +
      `ratio ${(ms / native).toFixed(2)}`);
  }
  console.log(`tests/wasm_page.mjs: ${sets.length} sets, ${failures.length} failures`);
  end(failures.length ? 1 : 0);
}

server = createServer((request, response) => {
  const parts = [], url = new URL(request.url, "http://localhost");
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const body = Buffer.concat(parts);
    if (url.pathname === "/done") {
      response.end();
      return report(JSON.parse(body));
    }
    const name = normalize(url.pathname).slice(1);
    const file = name === "wasm_page.html" ? join(dirname(fileURLToPath(import.meta.url)), name) : join(folder, name);
    if (existsSync(file) && TYPES[extname(file)]) {
      response.writeHead(200, { "content-type": TYPES[extname(file)] });
      return response.end(readFileSync(file));
    }
    let said;
    try {
      said = answer(url, body);
    } catch (e) {
      said = [500, e.message];
    }
    if (!said) return request.socket.destroy(); // the line broke
    response.writeHead(said[0]);
    response.end(said[1]);
  });
}).listen(0, "127.0.0.1", () => {
  const url = `http://127.0.0.1:${server.address().port}/wasm_page.html?sets=${sets.join(",")}`;
  chromium = spawn("chromium", ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--user-data-dir=" + profile, "--remote-debugging-port=0", url],
  { stdio: "ignore" });
  chromium.on("error", (e) => (console.log(`tests/wasm_page.mjs: FAILED: chromium: ${e.message}`), end(1)));
});
setTimeout(() => (console.log("tests/wasm_page.mjs: FAILED: no report from the page in time"), end(1)), PATIENCE_MS);
