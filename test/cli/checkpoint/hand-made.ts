// Pickles and zip archives written byte by byte, as no honest program writes them.

import { deflateRawSync } from "node:zlib";

const bytes = (...values: readonly number[]) => Buffer.from(values);
const u32 = (value: number) => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
};
const u64 = (value: number) => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
};

/** Operations of pickle, each its bytes. */
export const op = {
  text: (value: string) => Buffer.concat([bytes(0x58), u32(Buffer.byteLength(value)), Buffer.from(value)]),
  /** Of up to 1,023 bits, negative too. */
  int: (value: number | bigint) => {
    const digits = BigInt.asUintN(1024, BigInt(value)).toString(16).padStart(256, "0");
    return Buffer.concat([bytes(0x8a, 128), Buffer.from(digits, "hex").reverse()]);
  },
  float: (value: number) => {
    const buffer = Buffer.alloc(9, 0x47);
    buffer.writeDoubleBE(value, 1);
    return buffer;
  },
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
  stackGlobal: (module: string, name: string) => Buffer.concat([op.text(module), op.text(name), bytes(0x93)]),
  tuple: (...items: readonly Buffer[]) => Buffer.concat([bytes(0x28), ...items, bytes(0x74)]),
  list: (...items: readonly Buffer[]) => Buffer.concat([bytes(0x5d, 0x28), ...items, bytes(0x65)]),
  dict: (...items: readonly (readonly [Buffer, Buffer])[]) => Buffer.concat([bytes(0x7d, 0x28), ...items.flat(), bytes(0x75)]),
  call: (callee: Buffer, ...args: readonly Buffer[]) => Buffer.concat([callee, op.tuple(...args), bytes(0x52)]),
  storage: (type: string, key: string, count: Buffer) =>
    Buffer.concat([op.tuple(op.text("storage"), op.global("torch", type), op.text(key), op.text("cpu"), count), bytes(0x51)]),
  raw: bytes,
};

export function pickle(...operations: readonly Buffer[]): Buffer {
  return Buffer.concat([bytes(0x80, 2), ...operations, bytes(0x2e)]);
}

/** A tensor of `_rebuild_tensor_v2` over `storage`. */
export function tensor(storage: Buffer, offset: Buffer, shape: readonly Buffer[], strides: readonly Buffer[]): Buffer {
  const args = [storage, offset, op.tuple(...shape), op.tuple(...strides), bytes(0x89), op.dict()];
  return op.call(op.global("torch._utils", "_rebuild_tensor_v2"), ...args);
}

export interface Entry {
  readonly name: string;
  readonly data: Buffer;
  readonly deflated?: boolean;
  /** What the directory claims it to be unpacked. */
  readonly claimed?: number;
}

/** A zip archive; with `zip64` all its sizes and offsets are written as those of files over 4 GiB are. */
export function zip(entries: readonly Entry[], { zip64 = false } = {}): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data, deflated = false, claimed } of entries) {
    const stored = deflated ? deflateRawSync(data) : data;
    const method = deflated ? 8 : 0;
    const size = claimed ?? data.length;
    const sizes = zip64 ? Buffer.alloc(8, 0xff) : Buffer.concat([u32(stored.length), u32(size)]);
    const extra = zip64 ? Buffer.concat([bytes(1, 0, 24, 0), u64(size), u64(stored.length), u64(offset)]) : Buffer.alloc(0);
    const about = Buffer.concat([bytes(method, 0, 0, 0, 0, 0), u32(0), sizes, bytes(name.length, 0, extra.length, 0)]);
    const local = Buffer.concat([u32(0x04034b50), bytes(20, 0, 0, 0), about, Buffer.from(name), extra, stored]);
    const place = zip64 ? Buffer.alloc(4, 0xff) : u32(offset);
    const rest = Buffer.concat([Buffer.alloc(10), place, Buffer.from(name), extra]);
    directory.push(Buffer.concat([u32(0x02014b50), bytes(20, 0, 20, 0, 0, 0), about, rest]));
    locals.push(local);
    offset += local.length;
  }
  const listing = Buffer.concat(directory);
  const count = bytes(entries.length, 0);
  const end = Buffer.concat([
    u32(0x06054b50),
    Buffer.alloc(4),
    count,
    count,
    u32(listing.length),
    zip64 ? Buffer.alloc(4, 0xff) : u32(offset),
    Buffer.alloc(2),
  ]);
  if (!zip64) return Buffer.concat([...locals, listing, end]);
  const counts = Buffer.concat([u64(entries.length), u64(entries.length), u64(listing.length), u64(offset)]);
  const end64 = Buffer.concat([u32(0x06064b50), u64(44), bytes(45, 0, 45, 0), Buffer.alloc(8), counts]);
  const locator = Buffer.concat([u32(0x07064b50), u32(0), u64(offset + listing.length), u32(1)]);
  return Buffer.concat([...locals, listing, end64, locator, end]);
}

/** A file of torch.save with one storage, `data/0`, of six f32: 0 to 5. */
export function torchFile(data: Buffer, options: { readonly zip64?: boolean; readonly deflated?: boolean } = {}): Buffer {
  const { deflated = false } = options;
  const storage = Buffer.from(new Float32Array([0, 1, 2, 3, 4, 5]).buffer);
  return zip(
    [
      { name: "archive/data.pkl", data, deflated },
      { name: "archive/data/0", data: storage, deflated },
      { name: "archive/version", data: Buffer.from("3\n") },
    ],
    options,
  );
}
