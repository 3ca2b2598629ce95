/** The name of a model's graph to its declaration, and the type of an input to the dim that is its batch. */

import type { Expression, GraphDeclaration, Identifier, ModelDeclaration, TypeNode } from "../ast.ts";
import { nearest } from "../nearest.ts";
import { type Context, hintNearest, type Names } from "./context.ts";
import { typeOf } from "./expressions.ts";
import { isOfTensors, type StaticType, showStatic } from "./static-type.ts";
import { staticTypeOf } from "./types.ts";

/** In what the names of graphs are looked up. */
export interface OfModel {
  readonly context: Context;
  readonly model: ModelDeclaration;
  readonly names: Names;
}

/** What a graph must return to be what it is named as. */
export interface Wanted {
  readonly expected: string;
  readonly holds: (result: StaticType) => boolean;
}

export const oneTensor: Wanted = { expected: "a graph that returns one tensor", holds: ({ kind }) => kind === "tensor" };

export const tensorsByName: Wanted = {
  expected: "a graph that returns one tensor, or a record of them",
  holds: (result) => result.kind === "tensor" || (result.kind === "record" && isOfTensors(result) && result.fields.size > 0),
};

export function graphNamed({ context, model, names }: OfModel, name: Identifier, wanted: Wanted): GraphDeclaration | undefined {
  const graphs = model.members.filter((member) => member.kind === "graph");
  const found = graphs.find((candidate) => candidate.name.name === name.name);
  if (found === undefined) {
    const guess = nearest(
      name.name,
      graphs.map((candidate) => candidate.name.name),
    );
    context.report("unknown-graph", name.span, { name: name.name }, hintNearest(guess));
    return undefined;
  }
  const result = staticTypeOf(context, found.result, names.file);
  if (result.kind === "unknown" || wanted.holds(result)) return found;
  context.report("wrong-type", name.span, { expected: wanted.expected, found: `one that returns ${showStatic(result)}` });
  return undefined;
}

/** The graph that a field names. */
export function graphOfField(of: OfModel, value: Expression, wanted = oneTensor): GraphDeclaration | undefined {
  if (value.kind === "name") return graphNamed(of, value, wanted);
  const found = showStatic(typeOf(of.context, value, of.names));
  of.context.report("wrong-type", value.span, { expected: "the name of a graph", found });
  return undefined;
}

export interface AxisName {
  readonly name: string;
  readonly file: string;
}

/** The name that the first axis of a tensor type is, through `type` declarations; undefined where it is no bare name. */
export function firstAxis(
  context: Context,
  type: TypeNode,
  at: { readonly file: string; readonly bound: ReadonlyMap<string, AxisName | undefined> },
): AxisName | undefined {
  const nameOf = (axis: Expression | undefined): AxisName | undefined => {
    if (axis?.kind !== "name") return undefined;
    return at.bound.has(axis.name) ? at.bound.get(axis.name) : { name: axis.name, file: at.file };
  };
  if (type.kind === "tensor-type") return nameOf(type.axes[0]);
  const declared = type.kind === "named-type" ? context.declared(type.name.name, at.file) : undefined;
  if (type.kind !== "named-type" || declared?.declaration.kind !== "type") return undefined;
  const bound = new Map(declared.declaration.parameters.map((parameter, i) => [parameter.name, nameOf(type.arguments[i])]));
  return firstAxis(context, declared.declaration.type, { file: declared.file, bound });
}

export type BatchCode = "sampler-batch" | "loss-batch";

/** What runs on several batches at once must have one as a dim that can be set, and as the first axis of every input; `input` says of which it is taken. */
export function checkBatch(
  { context, model, names: { file } }: OfModel,
  graph: GraphDeclaration,
  input: string | undefined,
  code: BatchCode,
): void {
  const first = graph.parameters.find((parameter) => parameter.name.name === input);
  if (first === undefined || staticTypeOf(context, first.type, file).kind === "unknown") return;
  const batch = firstAxis(context, first.type, { file, bound: new Map() });
  if (batch !== undefined && context.isUnknown(batch.name, batch.file)) return;
  const ofModel = batch?.file === file && model.dims.some((dim) => dim.name.name === batch.name);
  const declared = batch === undefined || ofModel ? undefined : context.declared(batch.name, batch.file);
  const report = ({ name, type }: GraphDeclaration["parameters"][number], wanted: string, hint: string) =>
    context.report(code, type.span, { graph: graph.name.name, input: name.name, wanted }, { hint });
  if (batch === undefined || declared?.declaration.kind !== "dim") {
    report(first, "a dim of the file", `declare \`dim B = 1;\` in the file and give \`${first.name.name}\` the axes \`[B, …]\``);
    return;
  }
  for (const parameter of graph.parameters) {
    const axis = firstAxis(context, parameter.type, { file, bound: new Map() });
    const other = axis === undefined ? undefined : context.declared(axis.name, axis.file);
    if (other?.declaration === declared.declaration || staticTypeOf(context, parameter.type, file).kind !== "tensor") continue;
    const wanted = `\`${batch.name}\`, as that of \`${first.name.name}\``;
    report(parameter, wanted, `give \`${parameter.name.name}\` the axes \`[${batch.name}, …]\`: each clip has its own`);
  }
}
