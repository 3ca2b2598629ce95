/** A graph to what no plan can bring within a device's limits, found before there is one: tensors that are bound whole. */

import { bytesOf, bytesOfDType, type Graph, sizeOf, type TensorType, type Value, valuesById } from "../../../graph/graph.ts";
import { type Breach, boundsOf, type DeviceLimits, mostAddressed } from "./limits.ts";
import { rowRuns } from "./storage.ts";
import { padded } from "./weight-buffers.ts";

/** Bindings of a kernel that looks rows up, beside the table's: the tokens and the result. */
const besideTable = 2;

export function unplannable(graph: Graph, limits: DeviceLimits): Breach | undefined {
  const byId = valuesById(graph);
  const floats = ({ shape }: TensorType) => sizeOf(shape) * bytesOfDType.f32;
  const breaches = function* (): Generator<Breach | undefined> {
    for (const value of graph.values) if (value.kind === "input") yield tooLarge(value.name, floats(value.type), limits, ofTensors);
    for (const { name, value } of graph.outputs) yield tooLarge(name, floats(byId(value).type), limits, ofTensors);
    for (const value of graph.values) {
      if (value.kind !== "op") continue;
      for (const [index, id] of value.inputs.entries()) yield weightBreach(byId(id), value.op === "embedding" && index === 1, limits);
    }
  };
  for (const breach of breaches()) if (breach !== undefined) return breach;
  return undefined;
}

type ByteLimit = "maxStorageBufferBindingSize" | "maxBufferSize";

/** In the order in which they are told. */
const ofTensors: readonly ByteLimit[] = ["maxStorageBufferBindingSize", "maxBufferSize"];
const ofWeights: readonly ByteLimit[] = ["maxBufferSize", "maxStorageBufferBindingSize"];

function tooLarge(what: string, bytes: number, limits: DeviceLimits, order: readonly ByteLimit[]): Breach | undefined {
  const limit = order.find((one) => padded(bytes) > limits[one]);
  return limit && { limit, what, needed: padded(bytes), allowed: limits[limit] };
}

function weightBreach(weight: Value, isTable: boolean, limits: DeviceLimits): Breach | undefined {
  if (weight.kind !== "weight") return undefined;
  const { path, type } = weight;
  if (!isTable) return tooLarge(path, bytesOf(type), limits, ofWeights);
  const { maxStorageBuffersPerShaderStage: allowed } = limits;
  const needed = rowRuns(type, boundsOf(limits).binding) + besideTable;
  return needed > allowed ? { limit: "maxStorageBuffersPerShaderStage", what: path, needed, allowed } : undefined;
}

/** A result whose elements a kernel cannot count: WGSL's numbers have 32 bits, and with them every index. */
export function uncountable(graph: Graph): Breach | undefined {
  for (const value of graph.values) {
    if (value.kind !== "op" || sizeOf(value.type.shape) < mostAddressed) continue;
    const what = value.origin.path === "" ? value.op : value.origin.path;
    return { limit: "maxStorageBufferBindingSize", what, needed: bytesOf(value.type), allowed: mostAddressed };
  }
  return undefined;
}
