// The golden cases of ops as a model of the language: a graph a case, its weights by the case's name.

import type { OpName } from "../../compiler/graph/op-names.ts";
import { opEntry } from "../../compiler/ops/table.ts";
import type { Host } from "../../dsl/index.ts";
import type { GoldenCase } from "./cases.ts";

/** Graphs have the cases' names with a line for what a name cannot hold. */
export const graphNameOf = ({ name }: GoldenCase): string => name.replaceAll("-", "_");

export function opModel(cases: readonly GoldenCase[]): Host {
  const graphs = cases.map((golden) => {
    const op = golden.metadata.get("op") as OpName;
    const { signature } = opEntry(op);
    const attributes = JSON.parse(golden.metadata.get("attributes") ?? "{}") as { [name: string]: unknown };
    const tensors = inputsOf(golden);
    const type = (dtype: string, shape: readonly number[]) =>
      `Tensor<${dtype === "i32" ? "i32" : op === "sinusoid" ? "f32" : "float"}, [${shape.join(", ")}]>`;
    const parameters = tensors.map((name) => {
      const { dtype, shape } = golden.inputs.get(name) as { dtype: string; shape: readonly number[] };
      return `x_${name}: ${type(dtype, shape)}`;
    });
    const given = tensors.map((name, i) => (signature.inputs[i]?.optional ? `${name}: x_${name}` : `x_${name}`));
    const list = signature.inputs[0]?.list ? [`[${given.join(", ")}]`] : given;
    const written = Object.entries(attributes)
      .filter(([name]) => name !== "dtype")
      .map(([name, value]) => {
        const isFloat = signature.attributes.find((one) => one.name === name)?.kind === "float";
        return `${name}: ${isFloat && Number.isInteger(value) ? `${value}.0` : JSON.stringify(value)}`;
      });
    const label = golden.inputs.size > tensors.length ? ` as ${graphNameOf(golden)}_op` : "";
    const output = golden.tensors.get("output") as { shape: readonly number[] };
    return `  graph ${graphNameOf(golden)}(${parameters.join(", ")}): ${type("f32", output.shape).replace("f32", "float")} {\n    return ${op}(${[...list, ...written].join(", ")})${label};\n  }`;
  });
  const source = `model Ops {\n${graphs.join("\n")}\n}\n`;
  return { read: (path) => (path === "ops.mv" ? source : undefined), resolve: (_, path) => path };
}

/** Inputs that are no weights. */
export function inputsOf(golden: GoldenCase): readonly string[] {
  const { signature } = opEntry(golden.metadata.get("op") as OpName);
  const names = [...golden.inputs.keys()];
  if (signature.inputs[0]?.list) return names;
  return names.slice(0, signature.inputs.length);
}

/** Weights of all cases by their paths, as the cases store them. */
export function opWeights(cases: readonly GoldenCase[]): ReadonlyMap<string, Float32Array> {
  const found = new Map<string, Float32Array>();
  for (const golden of cases) {
    const tensors = inputsOf(golden);
    for (const [name, { data }] of golden.inputs)
      if (!tensors.includes(name)) found.set(`${graphNameOf(golden)}_op.${name}`, data as Float32Array);
  }
  return found;
}
