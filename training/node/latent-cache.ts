/** What an encoder makes of each clip, kept in a file of one place a clip: a clip is encoded when it is first asked for, by whatever run that goes on. */

import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { attempt } from "../../runtime/node/output-file.ts";
import type { ClipValues } from "../batches.ts";

/** A place holds the values and behind them their checksum: what was never written, or not whole, is told by it. */
export class LatentCache implements ClipValues {
  readonly frameLength: number;
  readonly #file: string;
  readonly #descriptor: number;
  readonly #length: number;
  readonly #encode: (clip: number) => Promise<Float32Array>;
  readonly #encoding = new Map<number, Promise<Float32Array>>();

  /** Opens the file, which is named by the hash of all that its values hang on, or makes it. Throws MvcError `write-failed`. */
  constructor(
    file: string,
    shape: { readonly length: number; readonly frameLength: number },
    encode: (clip: number) => Promise<Float32Array>,
  ) {
    this.#file = file;
    this.#length = shape.length;
    this.frameLength = shape.frameLength;
    this.#encode = encode;
    this.#descriptor = attempt(file, () => openSync(file, constants.O_RDWR | constants.O_CREAT, 0o644));
  }

  /** @throws MvcError of the encoder and the data set; `disk-full`, `write-failed` */
  async of(clip: number): Promise<Float32Array> {
    const known = this.#read(clip);
    if (known !== undefined) return known;
    const begun = this.#encoding.get(clip) ?? this.#make(clip);
    this.#encoding.set(clip, begun);
    return begun.finally(() => this.#encoding.delete(clip));
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  get #bytes(): number {
    return (this.#length + 1) * Float32Array.BYTES_PER_ELEMENT;
  }

  #read(clip: number): Float32Array | undefined {
    const words = new Uint32Array(this.#length + 1);
    const read = attempt(this.#file, () => readSync(this.#descriptor, words, 0, this.#bytes, clip * this.#bytes));
    if (read < this.#bytes || words[this.#length] !== checksum(words.subarray(0, this.#length))) return undefined;
    return new Float32Array(words.buffer, 0, this.#length);
  }

  async #make(clip: number): Promise<Float32Array> {
    const values = await this.#encode(clip);
    const words = new Uint32Array(this.#length + 1);
    new Float32Array(words.buffer).set(values);
    words[this.#length] = checksum(words.subarray(0, this.#length));
    attempt(this.#file, () => writeSync(this.#descriptor, words, 0, this.#bytes, clip * this.#bytes));
    return values;
  }
}

/** FNV-1a over words. That of zeros is not zero, so that a hole in the file is no value. */
function checksum(words: Uint32Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ (words[i] as number), 0x01000193);
  return hash >>> 0;
}
