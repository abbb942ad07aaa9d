// The client of ppml for pages and node: makes keys, encrypts images, decrypts answers.  It fetches nothing:
// the page hands over the program (one of the .wasm files, see fileName) and all files of ppml as bytes.
// Types and what each call is for: ppml.d.ts.  The program: client.c.

import { errors, unknown } from "./errors.mjs";

// What client.c is asked for by number.
const [SET, WIDTH, HEIGHT, CHANNELS, CLASSES, TASK, ENCODER, IMAGE_BYTES, ENCRYPTED_BYTES, KEY_BYTES, RENEW_AFTER, LABEL,
  PERCENT, UNSEEN, DECIDES] = Array(15).keys();
const LATENTS = 2; // of ENCODER: images are what another program's encoder made
const TASKS = ["class", "labels", "grade"];
const MEMORY = -20, REQUEST_BYTES = 16;

export class PpmlError extends Error {
  constructor(code, text) {
    super(text);
    this.name = "PpmlError";
    this.code = code;
  }
}

// An empty program with one instruction of SIMD128.
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

export function hasSimd() {
  return WebAssembly.validate(new Uint8Array(SIMD));
}

export function fileName({ bootstrapped = false, simd = hasSimd() } = {}) {
  return (bootstrapped ? "bootstrapped" : "ppml") + (simd ? ".simd" : "") + ".wasm";
}

export async function compile(program) {
  if (program instanceof WebAssembly.Module) return program;
  return WebAssembly.compile(program instanceof Response ? await program.arrayBuffer() : program);
}

const bytesOf = (data) =>
  data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const toHex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

function fromHex(text) {
  if (typeof text !== "string" || !/^[0-9a-f]{32}$/.test(text))
    throw new TypeError("a request is 32 hexadecimal digits, as encrypt gives them");
  return Uint8Array.from({ length: REQUEST_BYTES }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

// An instance of the program; calls wipe what went through its memory.
async function start(program) {
  const random = globalThis.crypto ?? (await import("node:crypto")).webcrypto;
  let x;
  // Nonzero where there is no entropy: the library then refuses to draw anything.
  const entropy = (at, count) => {
    try {
      random.getRandomValues(new Uint8Array(x.memory.buffer, at, count));
      return 0;
    } catch {
      return 1;
    }
  };
  x = (await WebAssembly.instantiate(await compile(program), { ppml: { entropy } })).exports;
  return x;
}

const text = (x, at) => {
  const bytes = new Uint8Array(x.memory.buffer, at);
  return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
};

function check(error) {
  if (error) throw new PpmlError(error, errors[error] ?? unknown);
}

const empty = new Uint8Array(0);

// Puts data in, calls, takes what came out, and wipes both.
function call(x, data, run) {
  const room = x.room(data.length);
  if (!room) check(MEMORY);
  try {
    new Uint8Array(x.memory.buffer, room, data.length).set(data);
    check(run());
    return new Uint8Array(x.memory.buffer, x.output(), x.made()).slice();
  } finally {
    new Uint8Array(x.memory.buffer, room).fill(0);
  }
}

export class Client {
  #x;
  #open = new Set();

  constructor(x, requests) {
    this.#x = x;
    for (const request of requests) {
      fromHex(request);
      this.#open.add(request);
    }
    const fact = (which) => x.fact(which) >>> 0;
    this.set = text(x, fact(SET));
    this.width = fact(WIDTH);
    this.height = fact(HEIGHT);
    this.channels = fact(CHANNELS);
    this.classNames = Array.from({ length: fact(CLASSES) }, (_, i) => text(x, x.name(i)));
    this.task = TASKS[fact(TASK)];
    this.takesLatents = fact(ENCODER) === LATENTS;
    this.imageBytes = fact(IMAGE_BYTES);
    this.encryptedBytes = fact(ENCRYPTED_BYTES);
    this.evaluationKeyBytes = fact(KEY_BYTES);
    this.renewAfter = fact(RENEW_AFTER) === 0xffffffff ? Infinity : fact(RENEW_AFTER);
  }

  static async create(program, spec) {
    const x = await start(program);
    call(x, bytesOf(spec), () => x.secret_make());
    return new Client(x, []);
  }

  static async open(program, secretKey, { requests = [] } = {}) {
    const x = await start(program);
    call(x, bytesOf(secretKey), () => x.secret_read());
    return new Client(x, requests);
  }

  get #program() {
    if (!this.#x) throw new TypeError("the client was closed");
    return this.#x;
  }

  secretKey() {
    const x = this.#program;
    return call(x, empty, () => x.secret_write());
  }

  beginEvaluationKey() {
    const x = this.#program;
    check(x.key_begin());
    return call(x, empty, () => x.key_save());
  }

  resumeEvaluationKey(run, from = 0) {
    const x = this.#program;
    call(x, bytesOf(run), () => x.key_resume());
    this.seekEvaluationKey(from);
  }

  seekEvaluationKey(from) {
    const x = this.#program;
    if (!Number.isInteger(from) || from < 0 || from > this.evaluationKeyBytes)
      throw new RangeError(`byte ${from} is not in the evaluation key (0 to ${this.evaluationKeyBytes})`);
    check(x.key_seek(from));
  }

  makeEvaluationKey(bytes = 65536) {
    const x = this.#program;
    return call(x, empty, () => x.key_make(bytes));
  }

  encrypt(image) {
    const x = this.#program;
    const fits = this.takesLatents ? image instanceof Float32Array
      : image instanceof Uint8Array || image instanceof Uint8ClampedArray;
    const data = bytesOf(image);
    if (!fits || data.length !== this.imageBytes)
      throw new TypeError(this.takesLatents
        ? `an image is a Float32Array of ${this.imageBytes / 4} latents, channels first`
        : `an image is a Uint8Array of ${this.imageBytes} bytes: ${this.height} rows of ${this.width} times ` +
          `${this.channels}, channels last`);
    const bytes = call(x, data, () => x.encrypt());
    const request = toHex(new Uint8Array(x.memory.buffer, x.digest(), REQUEST_BYTES));
    this.#open.add(request);
    return { bytes, request };
  }

  get requests() {
    return [...this.#open];
  }

  decrypt(answer, request) {
    const x = this.#program;
    new Uint8Array(x.memory.buffer, x.digest(), REQUEST_BYTES).set(fromHex(request));
    call(x, bytesOf(answer), () => x.decrypt(this.#open.has(request) ? 1 : 0));
    this.#open.delete(request);
    return this.#answer();
  }

  #answer() {
    const x = this.#x, count = this.classNames.length;
    const label = new Uint8Array(x.memory.buffer, x.fact(LABEL), count);
    const percent = Array.from(new Uint8Array(x.memory.buffer, x.fact(PERCENT), count));
    const labels = this.classNames.map((_, i) => (this.task === "labels" ? label[i] === 1 : label[0] === i));
    return {
      labels: this.classNames.filter((_, i) => labels[i]),
      percent: Object.fromEntries(x.fact(DECIDES) ? [] : this.classNames.map((name, i) => [name, percent[i]])),
      unseen: x.fact(UNSEEN) === 1,
    };
  }

  close() {
    if (this.#x) new Uint8Array(this.#x.memory.buffer).fill(0);
    this.#x = null;
    this.#open.clear();
  }
}

// The evaluation key, made by worker.mjs: slices of its file, from a byte on, one ahead of whoever takes them.
export class EvaluationKeyMaker {
  #worker;
  #total;
  #wake = null;
  #answers = [];

  constructor(worker, { program, secretKey, run, total }) {
    this.#worker = worker;
    this.#total = total;
    worker.onmessage = ({ data }) => this.#take(data);
    worker.onerror = (event) => this.#take({ error: { code: 0, message: event.message ?? "the worker failed" } });
    const key = bytesOf(secretKey).slice(), seeds = bytesOf(run).slice();
    worker.postMessage({ program, secretKey: key, run: seeds }, [key.buffer, seeds.buffer]);
  }

  #take(message) {
    this.#answers.push(message);
    this.#wake?.();
  }

  async #next(turn) {
    for (;;) {
      while (this.#answers.length === 0) await new Promise((resolve) => (this.#wake = resolve));
      const message = this.#answers.shift();
      if (message.error) throw new PpmlError(message.error.code, message.error.message);
      if (message.turn === turn) return message.slice; // else one of a turn that was given up
    }
  }

  #turn = 0;

  async *slices({ from = 0, sliceBytes = 262144, onProgress = () => {} } = {}) {
    const turn = ++this.#turn;
    let offset = from;
    this.#worker.postMessage({ turn, from, sliceBytes });
    for (;;) {
      const bytes = await this.#next(turn);
      if (bytes.length === 0) return;
      this.#worker.postMessage({ turn, more: true });
      yield { offset, bytes };
      offset += bytes.length;
      onProgress(offset, this.#total);
    }
  }

  close() {
    this.#worker.terminate();
  }
}
