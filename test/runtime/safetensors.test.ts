/** Headers of safetensors files: a hand-made one read right, and each way to be wrong told apart. */
import { expect, test } from "vitest";
import { MvcError } from "../../runtime/errors.ts";
import { parseSafetensorsHeader, type StoredDType, storedToTensor } from "../../runtime/safetensors.ts";

/** A file of this JSON text and so many bytes of data. */
function file(json: string, data = 0, claimed?: number): Uint8Array {
  const text = new TextEncoder().encode(json);
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(claimed ?? text.length), true);
  bytes.set(text, 8);
  return bytes;
}

function parse(json: string, data = 0, claimed?: number) {
  const bytes = file(json, data, claimed);
  return parseSafetensorsHeader(bytes, bytes.length, "w.safetensors");
}

function reason(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (!(error instanceof MvcError)) throw error;
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toMatch(/^w\.safetensors is not a sound safetensors file: /);
    expect(error.hint).not.toBe("");
    return error.message.slice("w.safetensors is not a sound safetensors file: ".length);
  }
  return "accepted";
}

const one = (fields: string) => `{"a":{${fields}}}`;

test("a sound header: order of bytes, absolute ranges, metadata, padding", () => {
  const json = `{"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[3],"data_offsets":[8,14]},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}   `;
  const header = parse(json, 14);
  const start = 8 + json.length;
  expect(header.headerBytes).toBe(start);
  expect([...header.tensors.keys()]).toEqual(["a", "b"]);
  expect(header.tensors.get("b")).toEqual({ name: "b", dtype: "F16", shape: [3], start: start + 8, end: start + 14 });
  expect(header.metadata.get("format")).toBe("pt");
});

test("scalars, empty tensors and names of JavaScript's own are tensors like others", () => {
  const header = parse(
    `{"__proto__":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"constructor":{"dtype":"F32","shape":[0,3],"data_offsets":[8,8]}}`,
    8,
  );
  expect([...header.tensors.keys()]).toEqual(["__proto__", "constructor"]);
  expect(Object.getPrototypeOf({})).toBe(Object.prototype);
});

test("hostile and broken headers", () => {
  const whole = `"dtype":"F32","shape":[2],"data_offsets":[0,8]`;
  expect(reason(() => parseSafetensorsHeader(new Uint8Array(3), 3, "w.safetensors"))).toBe("it has 3 bytes, too few for a header");
  expect(reason(() => parse("{}", 0, 2 ** 62))).toMatch(/^its first eight bytes claim a header of 46116860184\d+ bytes/);
  expect(reason(() => parse("{}", 0, 3))).toBe("its header should end at byte 11, but the file has 10 bytes (cut short?)");
  expect(reason(() => parse("[]"))).toBe("its header does not begin with {");
  expect(reason(() => parse("{nonsense"))).toBe("its header is not JSON");
  expect(reason(() => parse(`{"a`))).toBe("its header is not JSON");
  expect(reason(() => parse(`{"a":1}`))).toBe(`the entry "a" is not an object`);
  expect(reason(() => parse(`{"__metadata__":{"n":1}}`))).toBe(`the metadata "n" is not a string`);
  expect(reason(() => parse(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`))).toBe("its header nests deeper than 3 levels");
  expect(reason(() => parse(`{"a":{${whole}},"\\u0061":{${whole}}}`, 8))).toBe(`"a" is listed twice`);
  expect(reason(() => parse(`{"a":{${whole}},"__metadata__":{},"__metadata__":{}}`, 8))).toBe(`"__metadata__" is listed twice`);
  expect(reason(() => parse(one(`"dtype":"F12","shape":[2],"data_offsets":[0,8]`), 8))).toMatch(
    /^"a" has the type "F12", which is none of BOOL, U8/,
  );
  expect(reason(() => parse(one(`"dtype":"toString","shape":[2],"data_offsets":[0,8]`), 8))).toMatch(/"toString", which is none of/);
  expect(reason(() => parse(one(`"dtype":"F32","shape":[-2],"data_offsets":[0,8]`), 8))).toBe(
    `the shape of "a" is not a list of whole numbers`,
  );
  expect(reason(() => parse(one(`"dtype":"F32","shape":[1.5],"data_offsets":[0,6]`), 6))).toBe(
    `the shape of "a" is not a list of whole numbers`,
  );
  expect(reason(() => parse(one(`"dtype":"F32","shape":[2],"data_offsets":[-8,0]`)))).toBe(
    `the data_offsets of "a" are not two whole numbers`,
  );
  expect(reason(() => parse(one(`"dtype":"F32","shape":[2],"data_offsets":[0]`)))).toBe(
    `the data_offsets of "a" are not two whole numbers`,
  );
  expect(reason(() => parse(one(`"dtype":"F32","shape":[2],"data_offsets":[0,1e400]`)))).toBe(
    `the data_offsets of "a" are not two whole numbers`,
  );
  expect(reason(() => parse(one(`"dtype":"F32","shape":[9007199254740991,9007199254740991],"data_offsets":[0,8]`), 8))).toMatch(
    /larger than any file$/,
  );
  expect(reason(() => parse(one(`"dtype":"F32","shape":[3],"data_offsets":[0,8]`), 8))).toBe(
    `"a" takes 12 bytes as F32 [3], but its data_offsets span 8`,
  );
  expect(reason(() => parse(one(whole), 7))).toMatch(/^its tensors end at byte \d+, but the file has \d+ bytes \(cut short\?\)$/);
  expect(reason(() => parse(one(whole), 9))).toBe("1 bytes at the end belong to no tensor");
  expect(reason(() => parse(`{"a":{${whole}},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12))).toBe(
    `the bytes of "b" overlap those of another tensor`,
  );
  expect(reason(() => parse(one(`"dtype":"F32","shape":[2],"data_offsets":[4,12]`), 12))).toBe(`4 bytes before "a" belong to no tensor`);
  const latin = file(`{"ab":{}}`);
  latin[10] = 0xff;
  expect(reason(() => parseSafetensorsHeader(latin, latin.length, "w.safetensors"))).toBe("its header is not UTF-8 text");
});

test("bytes of every type become elements, from any alignment", () => {
  const read = (dtype: StoredDType, array: ArrayBufferView) => {
    const bytes = new Uint8Array(array.byteLength + 1);
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), 1);
    return storedToTensor({ name: "t", dtype, shape: [2], start: 0, end: 0 }, bytes.subarray(1), "w.safetensors");
  };
  expect(read("F32", Float32Array.of(1.5, -2))).toEqual({ dtype: "f32", shape: [2], data: Float32Array.of(1.5, -2) });
  expect(read("F16", Uint16Array.of(0x3c00, 0))).toEqual({ dtype: "f16", shape: [2], data: Uint16Array.of(0x3c00, 0) });
  expect(read("BF16", Uint16Array.of(0x3f80, 0xc000))).toEqual({ dtype: "f32", shape: [2], data: Float32Array.of(1, -2) });
  expect(read("F64", Float64Array.of(0.5, 3))).toEqual({ dtype: "f32", shape: [2], data: Float32Array.of(0.5, 3) });
  expect(read("U8", Uint8Array.of(0, 255))).toEqual({ dtype: "i32", shape: [2], data: Int32Array.of(0, 255) });
  expect(read("I64", BigInt64Array.of(-1n, 7n))).toEqual({ dtype: "i32", shape: [2], data: Int32Array.of(-1, 7) });
  expect(() => read("I64", BigInt64Array.of(2n ** 31n, 0n))).toThrow(
    `"t" of w.safetensors must be whole numbers that fit i32, found 2147483648`,
  );
});
