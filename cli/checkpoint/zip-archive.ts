/** An open zip file to its entries, and where the bytes of each lie: nothing is unpacked before it is asked for. */

import { inflateRawSync } from "node:zlib";
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from "yauzl";
import { mvcError, reasonOf } from "../../runtime/errors.ts";
import { readAt } from "../../runtime/node/extents.ts";
import type { ReadBytes } from "./strided.ts";

export interface ZipArchive {
  /** By name. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** The bytes of an entry, by range. What is compressed is unpacked whole at the first range that is read. */
  contentOf(entry: Entry): Promise<EntryContent>;
}

export interface EntryContent {
  /** In the archive's file, of an entry that is stored as it is; of a compressed one undefined. */
  readonly start: number | undefined;
  readonly size: number;
  /** Made anew for each tensor: the bytes of a compressed entry last as long as this. */
  reader(): ReadBytes;
}

/** Bytes that a compressed entry may have: both forms of it lie in memory. */
const MOST_COMPRESSED = 2 ** 28;
/** As many as a model of ours could have tensors, many times over. */
const MOST_ENTRIES = 1_000_000;

/** Throws MvcError `checkpoint-invalid` where the archive is cut short or otherwise not sound; over 4 GiB (zip64) is. */
export async function readZip(path: string, descriptor: number, fileSize: number): Promise<ZipArchive> {
  const invalid = (reason: string) => mvcError("checkpoint-invalid", { file: path, reason });
  const zip = await soundly(
    () => fromRandomAccessReaderPromise(new Window(path, descriptor, fileSize), fileSize, { autoClose: false }),
    path,
  );
  if (zip.entryCount > MOST_ENTRIES) throw invalid(`it claims ${zip.entryCount} entries`);
  const entries = new Map<string, Entry>();
  await soundly(async () => {
    for await (const entry of zip.eachEntry()) {
      if (entries.has(entry.fileName)) throw invalid(`it has two entries ${JSON.stringify(entry.fileName)}`);
      entries.set(entry.fileName, entry);
    }
  }, path);
  return { entries, contentOf: (entry) => contentOf(zip, entry, path, descriptor) };
}

async function contentOf(zip: ZipFile, entry: Entry, path: string, descriptor: number): Promise<EntryContent> {
  const { fileName, compressionMethod, compressedSize, uncompressedSize: size } = entry;
  const invalid = (reason: string) => mvcError("checkpoint-invalid", { file: path, reason: `its entry ${fileName} ${reason}` });
  if (entry.isEncrypted()) throw invalid("is encrypted");
  const { fileDataStart: start } = await soundly(() => zip.readLocalFileHeaderPromise(entry, { minimal: true }), path);
  if (compressionMethod === 0) return { start, size, reader: () => (from, length) => readAt(descriptor, start + from, length, path) };
  if (compressionMethod !== 8) throw invalid(`is compressed by method ${compressionMethod}, which is not read`);
  if (Math.max(size, compressedSize) > MOST_COMPRESSED) throw invalid(`is compressed and has ${size} bytes, more than ${MOST_COMPRESSED}`);
  const unpacked = (): Uint8Array => {
    try {
      const bytes = inflateRawSync(readAt(descriptor, start, compressedSize, path), { maxOutputLength: size });
      if (bytes.length === size) return bytes;
    } catch {}
    throw invalid("does not unpack to what the archive says");
  };
  const reader = (): ReadBytes => {
    let bytes: Uint8Array | undefined;
    return (from, length) => {
      bytes ??= unpacked();
      // A copy begins where every type of element may.
      return bytes.slice(from, from + length);
    };
  };
  return { start: undefined, size, reader };
}

/** Bytes that are read at once: the entries of a directory lie one after the other. */
const WINDOW_BYTES = 2 ** 12;

/** What yauzl reads by: its own reader hands Node positions that no file has, which Node throws at nobody. */
class Window extends RandomAccessReader {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #size: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;

  constructor(path: string, descriptor: number, size: number) {
    super();
    this.#path = path;
    this.#descriptor = descriptor;
    this.#size = size;
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (error: Error | null) => void): void {
    let failed: Error | null = null;
    try {
      buffer.set(this.#range(position, length), offset);
    } catch (thrown) {
      failed = thrown instanceof Error ? thrown : new Error(reasonOf(thrown));
    }
    setImmediate(() => callback(failed));
  }

  #range(position: number, length: number): Uint8Array {
    if (!(position >= 0 && position + length <= this.#size)) throw new Error("it points beyond its end");
    const from = position - this.#start;
    if (from >= 0 && from + length <= this.#bytes.length) return this.#bytes.subarray(from, from + length);
    this.#start = position;
    this.#bytes = readAt(this.#descriptor, position, Math.min(Math.max(length, WINDOW_BYTES), this.#size - position), this.#path);
    return this.#bytes.subarray(0, length);
  }
}

async function soundly<T>(work: () => Promise<T>, path: string): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === "MvcError") throw thrown;
    throw mvcError("checkpoint-invalid", { file: path, reason: `as a zip archive it is cut short or broken (${reasonOf(thrown)})` });
  }
}
