// The package of examples/wasm in node, against the command: run by tests/wasm.py.
//
//     node tests/wasm.mjs PACKAGE SEEDED WORK PPML SET...
//
// SEEDED is the package whose numbers come from a known seed; of each set WORK/SET has circuit, client and what
// wasm_bytes made (sk, ek, in.ct).  Prints a line for each failure, and times; exit status 1 after a failure.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [, , folder, seeded, work, ppml, ...sets] = process.argv;
const { Client, PpmlError, compile, fileName, hasSimd } = await import(pathToFileURL(join(folder, "ppml.mjs")));
const image = new Uint8Array(readFileSync(join(work, "image.bin")));
let passed = 0, failed = 0;

function test(name, is) {
  if (is) passed++;
  else failed++, console.log(`tests/wasm.mjs: FAILED: ${name}`);
}

// Does it throw an error with these words?
async function throws(name, words, run) {
  try {
    await run();
  } catch (e) {
    return test(`${name}: ${e.message}`, words.test(e.message) && (e instanceof PpmlError || e instanceof TypeError ||
      e instanceof RangeError));
  }
  test(`${name}: nothing was thrown`, false);
}

const same = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;
const program = (name, from = folder) => compile(readFileSync(join(from, name)));
const file = (set, name) => join(work, set, name);

function slicesOf(client, bytes) {
  const slices = [];
  for (;;) {
    const slice = client.makeEvaluationKey(bytes);
    if (slice.length === 0) return Buffer.concat(slices);
    slices.push(slice);
  }
}

function infer(set, key, encrypted) {
  writeFileSync(file(set, "page.ct"), encrypted);
  const out = file(set, "page.out");
  execFileSync(ppml, ["infer", file(set, "circuit"), ...(key ? ["--eval-key", key] : []), file(set, "page.ct"), "-o", out,
    "--threads", "1"], { stdio: ["ignore", "ignore", "inherit"] });
  return readFileSync(out);
}

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

function timeOf(run, times = 50) {
  const taken = [];
  for (let i = 0; i < times; i++) {
    const since = performance.now();
    run();
    taken.push(performance.now() - since);
  }
  return median(taken);
}

// From a client spec to the class, with a program of the package.
async function exchange(set, name) {
  const client = await Client.create(await program(name), readFileSync(file(set, "client")));
  const key = client.evaluationKeyBytes ? file(set, "page.ek") : null;
  let keyMs = 0;
  test(`${set}: the set of the spec`, client.set === set && client.imageBytes === image.length);
  if (key) {
    client.beginEvaluationKey();
    const since = performance.now();
    const made = slicesOf(client, 100000);
    keyMs = performance.now() - since;
    test(`${set}: length of the evaluation key`, made.length === client.evaluationKeyBytes);
    writeFileSync(key, made);
  }
  const { bytes, request } = client.encrypt(image);
  test(`${set}: length of an encrypted image`, bytes.length === client.encryptedBytes);
  test(`${set}: the request is open`, client.requests.length === 1 && client.requests[0] === request);
  const answer = client.decrypt(infer(set, key, bytes), request);
  test(`${set}: class ${answer.labels}, ${JSON.stringify(answer.percent)}`,
    answer.labels.length === 1 && answer.labels[0] === "below" && answer.percent.below >= 50);
  const encryptMs = timeOf(() => client.encrypt(image));
  console.log(`node, ${name}, ${set}: key ${keyMs.toFixed(0)} ms, image ${encryptMs.toFixed(2)} ms`);
  client.close();
  await throws(`${set}: a closed client`, /closed/, () => client.encrypt(image));
}

// With one seed, the bytes of this machine.
async function seededBytes(set, name) {
  const client = await Client.create(await program(name, seeded), readFileSync(file(set, "client")));
  test(`${name}, ${set}: secret key of the seed`, same(client.secretKey(), readFileSync(file(set, "sk"))));
  if (client.evaluationKeyBytes) {
    client.beginEvaluationKey();
    test(`${name}, ${set}: evaluation key of the seed`, same(slicesOf(client, 300000), readFileSync(file(set, "ek"))));
  }
  test(`${name}, ${set}: image of the seed`, same(client.encrypt(image).bytes, readFileSync(file(set, "in.ct"))));
  client.close();
}

// A line that breaks twice, once with the page: the file is the one that was begun.
async function resumes(set) {
  const wasm = await program(fileName());
  const first = await Client.create(wasm, readFileSync(file(set, "client")));
  const run = first.beginEvaluationKey(), secret = first.secretKey(), total = first.evaluationKeyBytes;
  const whole = slicesOf(first, 65536);
  first.seekEvaluationKey(total - 1234567 % total);
  test(`${set}: the end again`, same(slicesOf(first, 65536), whole.subarray(total - 1234567 % total)));
  const arrived = Math.floor(total / 3) + 1;
  first.close();
  const second = await Client.open(wasm, secret);
  second.resumeEvaluationKey(run, arrived);
  const rest = slicesOf(second, 65536);
  test(`${set}: a key that is resumed after a reload`, same(Buffer.concat([whole.subarray(0, arrived), rest]), whole));
  await throws(`${set}: a byte beyond the key`, /not in the evaluation key/, () => second.seekEvaluationKey(total + 1));
  await throws(`${set}: what was saved, cut`, /ends early|truncated/i, () => second.resumeEvaluationKey(run.subarray(1)));
  const other = await Client.create(wasm, readFileSync(file(set, "client")));
  await throws(`${set}: another key's run`, /another circuit or key/, () => other.resumeEvaluationKey(run));
}

// A secret key of ppml keygen; requests over a reload; answers that are refused.
async function refuses(set) {
  const wasm = await program(fileName()), spec = readFileSync(file(set, "client"));
  const keygen = ["keygen", file(set, "client"), "--secret-key", file(set, "native.sk"), "--force"];
  const key = set === "linear" ? null : file(set, "native.ek");
  execFileSync(ppml, [...keygen, ...(key ? ["--eval-key", key] : [])], { stdio: "ignore" });
  const secret = readFileSync(file(set, "native.sk"));
  const before = await Client.open(wasm, secret);
  const { bytes, request } = before.encrypt(image), open = before.requests;
  test(`${set}: a key that was read is written alike`, same(before.secretKey(), secret));
  before.close();
  const client = await Client.open(wasm, secret, { requests: open });
  const answer = infer(set, key, bytes), damaged = Buffer.from(answer), others = client.encrypt(image).request;
  damaged[damaged.length - 40] ^= 1;
  await throws("a damaged answer", /damaged/, () => client.decrypt(damaged, request));
  await throws("an answer that ends early", /ends early/, () => client.decrypt(answer.subarray(0, 200), request));
  await throws("the answer to another image", /request/, () => client.decrypt(answer, others));
  await throws("no request", /32 hexadecimal/, () => client.decrypt(answer, "abc"));
  await throws("an image for an answer", /kind/, () => client.decrypt(bytes, request));
  test("an answer after a reload", client.decrypt(answer, request).labels[0] === "below");
  await throws("the same again", /request/, () => client.decrypt(answer, request));
  await throws("an image that is too short", /Uint8Array of 784/, () => client.encrypt(image.subarray(1)));
  await throws("floats for bytes", /Uint8Array of 784/, () => client.encrypt(new Float32Array(196)));
  const other = await Client.create(wasm, spec);
  await throws("an answer for another key", /another circuit or key/, () => other.decrypt(answer, other.encrypt(image).request));
  await throws("an empty spec", /ends early/, () => Client.create(wasm, new Uint8Array(0)));
  await throws("a spec that ends early", /ends early/, () => Client.create(wasm, spec.subarray(0, spec.length - 5)));
  await throws("text for a spec", /malformed/, () => Client.create(wasm, new TextEncoder().encode("<!doctype html>".repeat(9))));
  await throws("a circuit for a spec", /kind/, () => Client.create(wasm, readFileSync(file(set, "circuit"))));
  await throws("a spec for a key", /kind/, () => Client.open(wasm, spec));
  const broken = Uint8Array.from(spec);
  broken[spec.length - 20] ^= 4;
  await throws("a damaged spec", /damaged/, () => Client.create(wasm, broken));
}

// Without entropy nothing is drawn.
async function needsEntropy(set) {
  const wasm = await program(fileName()), spec = readFileSync(file(set, "client"));
  const client = await Client.create(wasm, spec), draw = globalThis.crypto.getRandomValues;
  globalThis.crypto.getRandomValues = () => {
    throw new Error("none");
  };
  await throws("a key without entropy", /entropy/, () => Client.create(wasm, spec));
  await throws("an image without entropy", /entropy/, () => client.encrypt(image));
  await throws("an evaluation key without entropy", /entropy/, () => client.beginEvaluationKey());
  globalThis.crypto.getRandomValues = draw;
}

const bootstrapped = (set) => !/leveled|pooled|linear/.test(set);
const programs = (set) =>
  ["ppml", ...(bootstrapped(set) ? ["bootstrapped"] : [])].flatMap((name) => [name + ".wasm", ...(hasSimd() ? [name + ".simd.wasm"] : [])]);
test("node has SIMD128", hasSimd());
for (const set of sets)
  for (const name of programs(set)) {
    await exchange(set, name);
    await seededBytes(set, name);
  }
const keyed = sets.filter((set) => set !== "linear");
for (const set of keyed) await resumes(set);
await refuses(sets[0]);
if (globalThis.crypto) await needsEntropy(sets[0]);
if (sets.some((set) => !bootstrapped(set)))
  await throws("a leveled set in the smaller program", /parameter set|not known|no such/i, async () =>
    Client.create(await program("bootstrapped.wasm"), readFileSync(file(sets.find((s) => !bootstrapped(s)), "client"))));
console.log(`tests/wasm.mjs: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
