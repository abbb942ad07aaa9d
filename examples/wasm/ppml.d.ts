/** The client of ppml: makes keys, encrypts images and decrypts answers.  It fetches nothing and keeps nothing
 * beyond the page: what is to last, the caller stores. */

export type Bytes = ArrayBuffer | ArrayBufferView;
/** The program: the bytes of a .wasm file, the response to a fetch of it, or what compile made. */
export type Program = BufferSource | Response | WebAssembly.Module;

/** An error of the library.  code is one of PPML_ERR_ in ppml.h, message the library's line of English. */
export class PpmlError extends Error {
  readonly code: number;
}

/** Does this machine run programs with SIMD128?  They take half the time. */
export function hasSimd(): boolean;

/** Which .wasm file to fetch: "ppml.simd.wasm" where hasSimd.
 * @param options.bootstrapped  a smaller one, of the sets with a bootstrap alone (fast, precise, ...) */
export function fileName(options?: { bootstrapped?: boolean; simd?: boolean }): string;

export function compile(program: Program): Promise<WebAssembly.Module>;

/** What the server answered to an image. */
export interface Answer {
  /** Names of the classes that the image has: one, or of a network of labels any number. */
  labels: string[];
  /** Probability of each class by its name, in steps of 5; of a network that tells the class alone, of none. */
  percent: Record<string, number>;
  /** The image is unlike those of training: the answer says nothing. */
  unseen: boolean;
}

/** A secret key in use.  Its memory is the program's own; close wipes it. */
export class Client {
  private constructor();

  /** Draws a new secret key for a client spec, the file that `ppml compile --client` writes. */
  static create(program: Program, spec: Bytes): Promise<Client>;

  /** Opens a secret key that was saved, of this module or of `ppml keygen`.
   * @param options.requests  those that were still open, as requests had them */
  static open(program: Program, secretKey: Bytes, options?: { requests?: string[] }): Promise<Client>;

  /** The parameter set, "fast" say. */
  readonly set: string;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly classNames: string[];
  readonly task: "class" | "labels" | "grade";
  /** Images are latents that another program made, as a Float32Array. */
  readonly takesLatents: boolean;
  readonly imageBytes: number;
  readonly encryptedBytes: number;
  /** 0 where the set needs no evaluation key. */
  readonly evaluationKeyBytes: number;
  /** Answers after which a new key is due, if they are published. */
  readonly renewAfter: number;

  /** The secret key's file.  Whoever has it can decrypt: encrypt it before it is stored, and wipe it. */
  secretKey(): Uint8Array;

  /** Begins an evaluation key.  What it returns is a secret as the key is; with it the same evaluation key is
   * made again, from any byte on, by EvaluationKeyMaker or resumeEvaluationKey. */
  beginEvaluationKey(): Uint8Array;
  resumeEvaluationKey(run: Bytes, from?: number): void;
  /** Goes to a byte of the file, the number of bytes that have arrived. */
  seekEvaluationKey(from: number): void;
  /** Makes at least so many bytes; none where the file is whole.  A page calls it in a Worker. */
  makeEvaluationKey(bytes?: number): Uint8Array;

  /** Encrypts an image: bytes, channels last, or latents.  Keep the request: the answer is opened for it, once. */
  encrypt(image: Uint8Array | Uint8ClampedArray | Float32Array): { bytes: Uint8Array; request: string };

  /** Requests that are open.  To open answers after a reload, store these whenever they change; one that was
   * answered must never be put back: many answers to one request give the secret key away. */
  readonly requests: string[];

  /** Opens the answer to a request, from a file of any number of answers.  A request that was answered is
   * refused. */
  decrypt(answer: Bytes, request: string): Answer;

  close(): void;
}

/** Makes an evaluation key in a Worker of worker.mjs. */
export class EvaluationKeyMaker {
  /** @param worker  new Worker(new URL("worker.mjs", ...), { type: "module" })
   * @param options.run    what beginEvaluationKey returned
   * @param options.total  evaluationKeyBytes */
  constructor(
    worker: Worker,
    options: { program: WebAssembly.Module; secretKey: Bytes; run: Bytes; total: number },
  );

  /** Slices of the file from a byte on.  Called again after a line broke, it goes on from what has arrived.
   * onProgress is told after each slice was taken. */
  slices(options?: {
    from?: number;
    sliceBytes?: number;
    onProgress?: (done: number, total: number) => void;
  }): AsyncGenerator<{ offset: number; bytes: Uint8Array }>;

  /** Ends the worker. */
  close(): void;
}
