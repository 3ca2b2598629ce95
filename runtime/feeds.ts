/** What a graph is given, by name, to what it takes: checked against the manifest, for every backend. */

import type { GraphSpec, Manifest, TensorSpec } from "../compiler/package/manifest.ts";
import { isRecord, refused, shown } from "./arguments.ts";
import { mvcError } from "./errors.ts";
import { describe, elements, isTensor, shapeText, type TensorData, type Tensors, toDType } from "./tensor.ts";

/** A graph of the manifest by its name. */
export function graphSpec(manifest: Manifest, graph: string): GraphSpec {
  const spec = Object.hasOwn(manifest.graphs, graph) ? manifest.graphs[graph] : undefined;
  if (!spec) throw mvcError("graph-unknown", { graph, known: Object.keys(manifest.graphs) });
  return spec;
}

/** The feeds in the order and the types of the graph's inputs, or the first error in that order. */
export function checkFeeds(graph: string, spec: GraphSpec, feeds: Tensors): readonly (readonly [string, TensorData])[] {
  const where = `graph "${graph}"`;
  if (!isRecord(feeds)) throw refused(`the tensors of ${where}`, "an object of tensors by name", feeds);
  const known = spec.inputs.map((input) => input.name);
  const extra = Object.keys(feeds).find((name) => !known.includes(name));
  if (extra !== undefined) throw mvcError("tensor-unknown", { tensor: extra, where, known });
  return spec.inputs.map((input) => {
    const given = Object.hasOwn(feeds, input.name) ? feeds[input.name] : undefined;
    if (!given) throw mvcError("tensor-missing", { tensor: input.name, where, expected: describe(input.dtype, input.shape) });
    return [input.name, checkTensor(given, input, where)];
  });
}

/** A tensor as a graph takes it. Throws MvcError `tensor-shape`, `tensor-dtype`, `id-out-of-range`. */
export function checkTensor(given: TensorData, input: TensorSpec, where: string): TensorData {
  if (!isTensor(given)) {
    const array = { f32: "Float32Array", f16: "Uint16Array", i32: "Int32Array" }[input.dtype];
    const expected = `a tensor, { dtype: "${input.dtype}", shape, data: ${array} }`;
    throw mvcError("tensor-dtype", { tensor: input.name, where, expected, found: shown(given) });
  }
  const shape = given.shape.length === input.shape.length && given.shape.every((size, i) => size === input.shape[i]);
  if (!shape) {
    const axes = input.axes.length > 0 ? ` (${input.axes.join(", ")})` : "";
    const expected = shapeText(input.shape) + axes;
    throw mvcError("tensor-shape", { tensor: input.name, where, expected, found: shapeText(given.shape) });
  }
  if (given.data.length !== elements(given.shape)) {
    const found = `${given.data.length} elements`;
    throw mvcError("tensor-shape", {
      tensor: input.name,
      where,
      expected: `${shapeText(input.shape)} (${elements(input.shape)} elements)`,
      found,
    });
  }
  const converted = toDType(given, input.dtype);
  if (!converted) throw mvcError("tensor-dtype", { tensor: input.name, where, expected: input.dtype, found: given.dtype });
  checkIds(converted, input, where);
  return converted;
}

/** What a device does with an id beyond its table differs from device to device. */
function checkIds({ dtype, data }: TensorData, { name, ids }: TensorSpec, where: string): void {
  if (dtype !== "i32" || ids === undefined) return;
  for (const id of data) if (id < 0 || id >= ids) throw mvcError("id-out-of-range", { tensor: name, where, id, ids });
}
