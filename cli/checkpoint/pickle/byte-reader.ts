/** The bytes of a pickle to numbers and texts, one after the other, never past the end. */

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fail: (reason: string) => Error;
  #at = 0;

  /** @param fail makes the error of a reason. */
  constructor(bytes: Uint8Array, fail: (reason: string) => Error) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fail = fail;
  }

  /** Where the next byte is. */
  get position(): number {
    return this.#at;
  }

  take(length: number): Uint8Array {
    return this.#bytes.subarray(this.#next(length), this.#at);
  }

  u8(): number {
    return this.#view.getUint8(this.#next(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#next(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#next(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#next(4), true);
  }

  /** As a length: what is longer than the file is refused by whoever takes so many bytes. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#next(8), true));
  }

  /** Big-endian, as the one number of the format that is. */
  f64(): number {
    return this.#view.getFloat64(this.#next(8), false);
  }

  /** A whole number in two's complement of so many bytes, little-endian; a BigInt where a number would round it. */
  integer(length: number): number | bigint {
    if (length > 1024) throw this.#fail(`byte ${this.#at} begins a whole number of ${length} bytes`);
    const bytes = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
    const signed = BigInt.asIntN(8 * length, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }

  text(length: number): string {
    return utf8.decode(this.take(length));
  }

  /** Up to the end of the line, which is left out. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.#fail(`it ends within a line that begins at byte ${this.#at}`);
    const text = this.text(end - this.#at);
    this.#at = end + 1;
    return text;
  }

  #next(length: number): number {
    const start = this.#at;
    if (!(length <= this.#bytes.length - start))
      throw this.#fail(`it ends at byte ${this.#bytes.length}, within the ${length} that begin at ${start}`);
    this.#at += length;
    return start;
  }
}
