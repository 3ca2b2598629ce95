/** Where the bytes of a package's weights come from: a trained file, or random numbers that a seed and each weight's path decide. */

import { closeSync, readSync } from "node:fs";
import { sizeOf } from "../compiler/graph/graph.ts";
import type { PlacedWeight } from "../compiler/package/weights.ts";
import { mvcError } from "../runtime/errors.ts";
import { floatToHalf, halfToFloat } from "../runtime/half.ts";
import { openRegular } from "../runtime/node/regular-file.ts";
import { parseSafetensorsHeader, safetensorsHeaderBytes, storedToTensor } from "../runtime/safetensors.ts";
import { normals, uniforms } from "../runtime/sampler/random.ts";

export interface WeightSource {
  /** The bytes of a weight, in the type that the package stores it in. */
  bytesOf(weight: PlacedWeight): Uint8Array;
  close(): void;
}

/** FNV-1a of the path: the stream of random numbers that is the weight's own, whichever other weights there are. */
export function streamOf(path: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(path)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

export function randomWeights(seed: number): WeightSource {
  return { bytesOf: (weight) => encode(initialValues(weight, seed), weight), close: () => {} };
}

function initialValues(weight: PlacedWeight, seed: number): Float32Array {
  const count = sizeOf(weight.type.shape);
  const { init } = weight;
  switch (init.kind) {
    case "zeros":
      return new Float32Array(count);
    case "ones":
      return new Float32Array(count).fill(1);
    case "normal":
      return normals(seed, streamOf(weight.path), count).map((value) => value * init.deviation);
    case "uniform":
      return uniforms(seed, streamOf(weight.path), count).map((value) => (2 * value - 1) * init.bound);
  }
}

function encode(values: Float32Array, weight: PlacedWeight): Uint8Array {
  const stored = weight.type.dtype === "f16" ? Uint16Array.from(values, floatToHalf) : values;
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

/** Opens a safetensors file and checks that it holds every weight in the right shape, before anything is written. */
export function trainedWeights(file: string, needed: Iterable<PlacedWeight>): WeightSource {
  const { descriptor, size } = openRegular(file, "the weight file");
  try {
    const headerSize = safetensorsHeaderBytes(read(descriptor, 0, Math.min(8, size), file), size, file);
    const header = parseSafetensorsHeader(read(descriptor, 0, headerSize, file), size, file);
    const missing: PlacedWeight[] = [];
    for (const weight of needed) {
      const stored = header.tensors.get(weight.path);
      if (stored === undefined) missing.push(weight);
      else if (stored.shape.join() !== weight.type.shape.join()) {
        const [expected, found] = [weight.type.shape, stored.shape].map((shape) => `[${shape.join(", ")}]`);
        throw mvcError("tensor-shape", { tensor: weight.path, where: file, expected: expected ?? "", found: found ?? "" });
      } else if (!["F32", "F16", "BF16", "F64"].includes(stored.dtype)) {
        throw mvcError("tensor-dtype", { tensor: weight.path, where: file, expected: "F32, F16, BF16 or F64", found: stored.dtype });
      }
    }
    const first = missing[0];
    if (first !== undefined) {
      const tensor = missing.length === 1 ? first.path : `${first.path}" and ${missing.length - 1} more, such as "${missing.at(-1)?.path}`;
      throw mvcError("tensor-missing", {
        tensor,
        where: `the model, of ${file},`,
        expected: `${first.type.dtype} [${first.type.shape.join(", ")}]`,
      });
    }
    return {
      bytesOf: (weight) => {
        const stored = header.tensors.get(weight.path);
        if (stored === undefined) throw new Error(`weights: ${weight.path} was not checked`);
        const bytes = read(descriptor, stored.start, stored.end - stored.start, file);
        const same = stored.dtype === (weight.type.dtype === "f16" ? "F16" : "F32");
        if (same) return bytes;
        const tensor = storedToTensor(stored, bytes, file);
        const values = tensor.dtype === "f16" ? Float32Array.from(tensor.data, halfToFloat) : Float32Array.from(tensor.data);
        return encode(values, weight);
      },
      close: () => closeSync(descriptor),
    };
  } catch (thrown) {
    closeSync(descriptor);
    throw thrown;
  }
}

function read(descriptor: number, position: number, length: number, file: string): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = readSync(descriptor, bytes, done, Math.min(length - done, 1 << 30), position + done);
    if (count === 0)
      throw mvcError("weights-invalid", { file, reason: `it ends at byte ${position + done}, before the tensor that should be there` });
    done += count;
  }
  return bytes;
}
