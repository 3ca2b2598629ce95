/** Where the bytes of a package's weights come from: a trained file, or random numbers that a seed and each weight's path decide. */

import { sizeOf } from "../compiler/graph/graph.ts";
import type { PlacedWeight } from "../compiler/package/weights.ts";
import { mvcError } from "../runtime/errors.ts";
import { floatToHalf, halfToFloat } from "../runtime/half.ts";
import { storedToTensor } from "../runtime/safetensors.ts";
import { normals, uniforms } from "../runtime/sampler/random.ts";
import { readAt } from "./checkpoint/weight-bytes.ts";
import type { WeightFile } from "./weight-file.ts";

export interface WeightSource {
  /** The bytes of a weight, in the type that the package stores it in. */
  bytesOf(weight: PlacedWeight): Uint8Array;
}

/** FNV-1a of the path: the stream of random numbers that is the weight's own, whichever other weights there are. */
export function streamOf(path: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(path)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

export function randomWeights(seed: number): WeightSource {
  return { bytesOf: (weight) => encode(initialValues(weight, seed), weight) };
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

export interface TrainedWeights {
  readonly source: WeightSource;
  /** Weights that the file lacks, which `fill` makes. */
  readonly filled: readonly string[];
  /** Tensors of the file that no graph reads. */
  readonly ignored: readonly string[];
}

/**
 * Checks that a file holds every weight in the right shape, or that `fill` makes those that it lacks, before anything is written.
 * `fitting` finds the options that the file would fit, where these do not. Throws MvcError `tensor-missing`, `tensor-shape`, `tensor-dtype`.
 */
export function trainedWeights(
  { path: file, descriptor, header }: WeightFile,
  needed: ReadonlyMap<string, PlacedWeight>,
  fill: WeightSource | undefined,
  fitting: () => string | undefined,
): TrainedWeights {
  const fits = () => {
    const options = fitting();
    return options && `its tensors are those of ${options}`;
  };
  const missing: PlacedWeight[] = [];
  for (const weight of needed.values()) {
    const stored = header.tensors.get(weight.path);
    if (stored === undefined) missing.push(weight);
    else if (stored.shape.join() !== weight.type.shape.join()) {
      const [expected = "", found = ""] = [weight.type.shape, stored.shape].map((shape) => `[${shape.join(", ")}]`);
      throw mvcError("tensor-shape", { tensor: weight.path, where: file, expected, found, way: fits() });
    } else if (!["F32", "F16", "BF16", "F64"].includes(stored.dtype)) {
      throw mvcError("tensor-dtype", { tensor: weight.path, where: file, expected: "F32, F16, BF16 or F64", found: stored.dtype });
    }
  }
  const ignored = [...header.tensors.keys()].filter((name) => !needed.has(name));
  const [first] = missing;
  if (first !== undefined && fill === undefined) {
    const tensor = missing.length === 1 ? first.path : `${first.path}" and ${missing.length - 1} more, such as "${missing.at(-1)?.path}`;
    const expected = `${first.type.dtype} [${first.type.shape.join(", ")}]`;
    const others = ignored.length === 0 ? "" : `; the file has ${listed(ignored)} that the model does not take`;
    const way = `${fits() ?? `give it as ${expected}, or fill what is missing: \`--init SEED\` beside \`--weights\``}${others}`;
    throw mvcError("tensor-missing", { tensor, where: `the model, of ${file},`, expected, way });
  }
  const bytesOf = (weight: PlacedWeight): Uint8Array => {
    const stored = header.tensors.get(weight.path);
    if (stored === undefined) {
      if (fill === undefined) throw new Error(`weights: ${weight.path} was not checked`);
      return fill.bytesOf(weight);
    }
    const bytes = readAt(descriptor, stored.start, stored.end - stored.start, file);
    const same = stored.dtype === (weight.type.dtype === "f16" ? "F16" : "F32");
    if (same) return bytes;
    const tensor = storedToTensor(stored, bytes, file);
    const values = tensor.dtype === "f16" ? Float32Array.from(tensor.data, halfToFloat) : Float32Array.from(tensor.data);
    return encode(values, weight);
  };
  return { source: { bytesOf }, filled: missing.map(({ path }) => path), ignored };
}

/** The most names that a sentence lists. */
const mostListed = 6;

/** `3 tensors: a, b, c`. */
export function listed(names: readonly string[]): string {
  const more = names.length - mostListed;
  const some = names.slice(0, mostListed).join(", ");
  return `${names.length} ${names.length === 1 ? "tensor" : "tensors"} (${some}${more > 0 ? ` and ${more} more` : ""})`;
}
