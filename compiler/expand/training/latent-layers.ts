/** The paths of two layers to how the latents lie between them: which of its rows make them, and what scales them on the way. */

import { type Graph, type OpValue, type Value, valuesById } from "../../graph/graph.ts";
import type { LatentLayer } from "../../module/training.ts";

/** A layer of the graph that applies a matrix at each place, with the axis of its input and result that the matrix goes along. */
interface Layer {
  readonly value: OpValue;
  readonly axis: number;
}

export interface Writer extends LatentLayer {
  /** Which axis of the result are the channels, and how many they are. */
  readonly axis: number;
  readonly channels: number;
}

/** The layer of that path whose first channels, scaled, are the graph's result; in words why it is none. */
export function writerOf(graph: Graph, path: string): Writer | string {
  const get = valuesById(graph);
  const layer = layerAt(graph, path);
  if (layer === undefined) return `\`${graph.name}\` has no such layer`;
  if (typeof layer === "string") return layer;
  let value = get(graph.outputs[0]?.value ?? -1);
  const { axis } = layer;
  const channels = value.type.shape[axis] ?? 0;
  let scale = 1;
  while (value !== layer.value) {
    const step = value.kind === "op" ? scaled(value, get) : undefined;
    if (step !== undefined) {
      scale *= step.by;
      value = get(step.of);
    } else if (value.kind === "op" && value.op === "slice" && value.attributes.axis === axis && value.attributes.start === 0) {
      value = get(value.inputs[0] as number);
    } else return `between it and what \`${graph.name}\` returns stands more than a scale and a slice of its first channels`;
  }
  return { ...tensorsOf(path), scale, axis, channels };
}

/** The layer of that path that reads an input of the graph, scaled; in words why it is none. */
export function readerOf(graph: Graph, path: string, channels: number): LatentLayer | string {
  const get = valuesById(graph);
  const layer = layerAt(graph, path);
  if (layer === undefined) return `\`${graph.name}\` has no such layer`;
  if (typeof layer === "string") return layer;
  let value = get(layer.value.inputs[0] as number);
  let scale = 1;
  for (let step = scaleOf(value, get); step !== undefined; step = scaleOf(value, get)) {
    scale *= step.by;
    value = get(step.of);
  }
  if (value.kind !== "input") return `it does not read an input of \`${graph.name}\`, scaled or as it is`;
  const found = value.type.shape[layer.axis];
  return found === channels ? { ...tensorsOf(path), scale } : `it reads ${found} channels, and the latents have ${channels}`;
}

function tensorsOf(path: string): { readonly weight: string; readonly bias: string } {
  return { weight: `${path}.weight`, bias: `${path}.bias` };
}

/** Undefined where the graph has no such layer; in words what is wrong with one that it has. */
function layerAt(graph: Graph, path: string): Layer | string | undefined {
  const weight = graph.values.find((value) => value.kind === "weight" && value.path === `${path}.weight`);
  const layers = graph.values.filter(
    (value): value is OpValue => value.kind === "op" && weight !== undefined && value.inputs.includes(weight.id),
  );
  const [value, second] = layers;
  if (value === undefined) return undefined;
  if (second !== undefined) return "it is called more than once";
  const axis = matrixAxis(value);
  if (axis === undefined) return "it is no linear layer, nor a convolution of one place";
  return value.inputs.length < 3 ? "it has no bias, which the mean is folded into" : { value, axis };
}

function matrixAxis(value: OpValue): number | undefined {
  const rank = value.type.shape.length;
  if (value.op === "linear") return rank - 1;
  if (value.op !== "conv1d" && value.op !== "conv2d" && value.op !== "conv3d") return undefined;
  const { kernel, stride, groups } = value.attributes;
  const isOne = (size: number | readonly number[]) => [size].flat().every((one) => one === 1);
  return isOne(kernel) && isOne(stride) && groups === 1 ? rank - 1 - Number(value.op.at(4)) : undefined;
}

interface Scaled {
  readonly of: number;
  readonly by: number;
}

function scaleOf(value: Value, get: (id: number) => Value): Scaled | undefined {
  return value.kind === "op" ? scaled(value, get) : undefined;
}

/** What is multiplied or divided by one number. */
function scaled({ op, inputs }: OpValue, get: (id: number) => Value): Scaled | undefined {
  if (op !== "mul" && op !== "div") return undefined;
  const [left = -1, right = -1] = inputs;
  const by = numberOf(get(right));
  if (by !== undefined && by !== 0) return { of: left, by: op === "mul" ? by : 1 / by };
  const factor = op === "mul" ? numberOf(get(left)) : undefined;
  return factor === undefined || factor === 0 ? undefined : { of: right, by: factor };
}

function numberOf(value: Value): number | undefined {
  return value.kind === "constant" && value.data.length === 1 ? value.data[0] : undefined;
}
