/** A source of weights and LoRA files to a source of the weights as the files change them. */

import type { Layout } from "../../compiler/module/layout.ts";
import type { PlacedWeight } from "../../compiler/package/weights.ts";
import { mvcError } from "../../runtime/errors.ts";
import { elements as countOf } from "../../runtime/tensor.ts";
import type { Checkpoint, CheckpointTensor } from "../checkpoint/checkpoint.ts";
import { listed } from "./causes.ts";
import type { WeightSource } from "./initial.ts";
import { alphasOf } from "./lora-alphas.ts";
import { type Factors, factorsOf } from "./lora-keys.ts";
import { ownLayout, type Weights } from "./match.ts";
import { allFloats, as, elementsOf, isFloat } from "./streams.ts";

export interface Lora {
  readonly checkpoint: Checkpoint;
  /** What the factors are multiplied by; 1 as they were trained. */
  readonly strength: number;
}

interface Change {
  readonly factors: Factors;
  /** What the file says elsewhere than beside the factors. */
  readonly alpha: number | undefined;
}

export interface Merged {
  readonly source: WeightSource;
  readonly notes: readonly string[];
}

/**
 * Sums are f32 of f64 products, rounded to the type that the weight has.
 * @throws MvcError `lora-invalid`, `tensor-shape`, `tensor-dtype` before anything is read of the factors.
 */
export function withLora(
  source: WeightSource,
  { checkpoint, strength }: Lora,
  weights: Weights,
  layouts: readonly Layout[],
  shown: string,
): Merged {
  const named = layersOf(weights, [...layouts, ownLayout(weights)]);
  const alphaOf = alphasOf(checkpoint.metadata, shown);
  const changes = new Map<string, Change>();
  const foreign: string[] = [];
  for (const [layer, factors] of factorsOf(checkpoint.tensors, shown)) {
    const weight = layerNamed(layer, named);
    if (weight === undefined) foreign.push(layer);
    else {
      requireFit(layer, factors, weight, shown);
      changes.set(weight.path, { factors, alpha: alphaOf(layer, factors.down.shape[0] ?? 1) });
    }
  }
  if (changes.size === 0)
    throw mvcError("lora-invalid", { file: shown, reason: `the model has none of the layers that it changes: ${listed(foreign)}` });
  const merged: WeightSource = {
    of: (weight) => {
      const change = changes.get(weight.path);
      const plain = source.of(weight);
      if (change === undefined) return plain;
      return as(
        plain.dtype,
        elementsOf("F32", () => [changed(allFloats(plain), change, strength)]),
      );
    },
  };
  const notes = [
    ...checkpoint.notes,
    `${shown} changes ${changes.size} of the model's layers, at strength ${strength}`,
    ...(foreign.length === 0 ? [] : [`${shown} changes ${listed(foreign)} too, which the model does not have`]),
  ];
  return { source: merged, notes };
}

/** How files call the model's parts, and how layouts do; kohya writes `_` for all dots. */
const parts: readonly (readonly [file: RegExp, layout: readonly string[]])[] = [
  [/^lora_unet_|^unet_/, ["unet_", "model_diffusion_model_", ""]],
  [/^lora_te1?_|^text_encoder_/, ["text_encoder_", "cond_stage_model_transformer_", ""]],
  [/^base_model_model_|^/, ["", "unet_", "model_diffusion_model_", "text_encoder_"]],
];

const flat = (name: string) => name.replace(/[./]/g, "_");

/** The weights that are a layer's by itself, under each name that a layout has for the layer. */
function layersOf(weights: Weights, layouts: readonly Layout[]): ReadonlyMap<string, PlacedWeight> {
  const named = new Map<string, PlacedWeight>();
  for (const { places } of layouts) {
    for (const [path, some] of places) {
      const weight = weights.get(path);
      for (const { key, part } of weight === undefined || weight.type.shape.length < 2 ? [] : some) {
        if (part === undefined && weight && key.endsWith(".weight")) named.set(flat(key.slice(0, -".weight".length)), weight);
      }
    }
  }
  return named;
}

function layerNamed(layer: string, named: ReadonlyMap<string, PlacedWeight>): PlacedWeight | undefined {
  const name = flat(layer);
  for (const [file, heads] of parts) {
    if (!file.test(name)) continue;
    const rest = name.replace(file, "");
    for (const head of heads) {
      const weight = named.get(head + rest);
      if (weight !== undefined) return weight;
    }
  }
  return undefined;
}

function requireFit(layer: string, { up, down, alpha }: Factors, { path, type }: PlacedWeight, shown: string): void {
  for (const [half, tensor] of Object.entries({ up, down, alpha })) {
    if (tensor !== undefined && !isFloat(tensor.dtype))
      throw mvcError("tensor-dtype", { tensor: `${layer} (${half})`, where: shown, expected: "floats", found: tensor.dtype });
  }
  const [rank = 0] = down.shape;
  const [out = 0, ...rest] = type.shape;
  const product = [countOf(up.shape), countOf(down.shape)];
  if (rank > 0 && product.join() === [out * rank, rank * countOf(rest)].join()) return;
  const [expected = "", found = ""] = [
    `[${out}, r] and [r, ${rest.join(", ")}]`,
    [up, down].map(({ shape }) => `[${shape.join(", ")}]`).join(" and "),
  ];
  const way = `its layer "${path}" is of another size: give the LoRA of a model of this one's width`;
  throw mvcError("tensor-shape", { tensor: layer, where: shown, expected, found, way });
}

/** W + strength · alpha / r · up · down. */
function changed(values: Float32Array, { factors, alpha }: Change, strength: number): Float32Array {
  const { up, down } = factors;
  const [a, b] = [floats(up), floats(down)];
  const [rank = 1] = down.shape;
  const own = factors.alpha === undefined ? undefined : floats(factors.alpha)[0];
  const scale = (strength * (own ?? alpha ?? rank)) / rank;
  const columns = b.length / rank;
  const sums = new Float64Array(columns);
  for (let row = 0; row * rank < a.length; row++) {
    sums.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = (a[row * rank + r] ?? 0) * scale;
      for (let column = 0; column < columns; column++) sums[column] = (sums[column] ?? 0) + factor * (b[r * columns + column] ?? 0);
    }
    for (let column = 0; column < columns; column++)
      values[row * columns + column] = (values[row * columns + column] ?? 0) + (sums[column] ?? 0);
  }
  return values;
}

function floats({ dtype, chunks }: CheckpointTensor): Float32Array {
  if (!isFloat(dtype)) throw new Error("lora: the type of a factor was not checked");
  return allFloats({ dtype, chunks });
}
