/** What is beyond a device's limits to what is said of it, where the source makes it. */

import type { Diagnostic, Span } from "../../../dsl/index.ts";
import type { Graph } from "../../graph/graph.ts";
import { webgpuDiagnostic } from "./messages.ts";
import type { Breach, DeviceLimits } from "./plan/limits.ts";
import { unplannable } from "./plan/unplannable.ts";

export type Severity = "device-limit" | "beyond-devices";

/** What no plan can bring within the limits, found before there is one. `code` says whether that withholds the model or is a warning. */
export function breachedBefore(
  graphs: ReadonlyMap<string, Graph>,
  origins: ReadonlyMap<string, Span>,
  limits: DeviceLimits,
  code: Severity = "device-limit",
): readonly Diagnostic[] {
  return [...graphs].flatMap(([name, graph]) => {
    const breach = unplannable(graph, limits);
    return breach === undefined ? [] : [refused(name, graph, breach, origins, code)];
  });
}

/** A breach, told where the source makes what is too large, else where it names the graph. */
export function refused(
  name: string,
  graph: Graph,
  breach: Breach,
  origins: ReadonlyMap<string, Span>,
  code: Severity = "device-limit",
): Diagnostic {
  const span = spanOf(graph, breach) ?? origins.get(name);
  if (span === undefined) throw new Error(`plan: graph ${name} stands nowhere in the source`);
  const { limit, what, needed, allowed } = breach;
  return webgpuDiagnostic(code, span, { graph: name, what, limit, needed, allowed }, { hint: hints[code] });
}

const larger = "for a larger device with `--limits FILE.json`, or without WebGPU with `--target onnx`";
const hints: { readonly [S in Severity]: string } = {
  "device-limit": `build with smaller sizes, with \`--precision f16\`, ${larger}`,
  "beyond-devices": `build ${larger}`,
};

/** Labels of kernels begin with the weight path of what they compute; a weight stands where it is read. */
function spanOf(graph: Graph, { what }: Breach): Span | undefined {
  const weight = graph.values.find((value) => value.kind === "weight" && value.path === what);
  for (const value of graph.values) {
    if (value.kind !== "op" || value.origin.path === "") continue;
    if (weight !== undefined ? value.inputs.includes(weight.id) : what === value.origin.path || what.startsWith(`${value.origin.path} (`))
      return value.origin.span;
  }
  return undefined;
}
