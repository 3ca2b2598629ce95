/** A model's sampler: the graph that it loops, the figures, and where each condition comes from. */

import type { Expression, Field, GraphDeclaration, ModelDeclaration, Parameter, SamplerDeclaration, TypeNode } from "../ast.ts";
import { nearest } from "../nearest.ts";
import { type Figure, type FigureKind, figures, type Source, same, sources } from "../sampling.ts";
import { type Context, hintNearest, type Names } from "./context.ts";
import { typeOf } from "./expressions.ts";
import { checkFields, type FieldRows } from "./fields.ts";
import { fits, float, int, list, type StaticType, showStatic, string } from "./static-type.ts";
import { staticTypeOf } from "./types.ts";

const literal = (values: readonly string[]): StaticType => ({ kind: "literal", values });

/** What a figure may be as it is written: its own rule, which expansion asks, says more. */
function staticTypeOfFigure(kind: FigureKind): StaticType {
  if (typeof kind === "object") {
    const words = literal(kind.words);
    return kind.orFloats ? { kind: "either", options: [words, list(float)] } : words;
  }
  if (kind === "ints" || kind === "floats") return list(kind === "ints" ? int : float);
  return { kind };
}

const rows: FieldRows = Object.fromEntries(
  Object.entries<Figure>(figures).map(([name, figure]) => {
    const type = staticTypeOfFigure(figure.kind);
    return [name, "default" in figure ? { type, optional: true } : { type }];
  }),
);

/** A sampler with what its parts are looked up in. */
interface Scene {
  readonly context: Context;
  readonly model: ModelDeclaration;
  readonly sampler: SamplerDeclaration;
  readonly names: Names;
}

export function checkSampler(context: Context, sampler: SamplerDeclaration, model: ModelDeclaration, names: Names): void {
  const scene: Scene = { context, model, sampler, names };
  const graph = graphNamed(scene, sampler.graph);
  // Of another graph than was meant, no condition would be right.
  const known = sampler.inputs.every((input) => graph?.parameters.some((parameter) => parameter.name.name === input.name));
  const fields: FieldRows = {
    ...rows,
    conditions: { type: ({ value }) => graph && checkConditions(scene, graph, value, known), optional: true },
    frames: { type: ({ value }) => checkGraphName(scene, value), optional: true },
    latents: { type: ({ value }) => checkGraphName(scene, value), optional: true },
  };
  if (graph !== undefined) {
    const inputs = graph.parameters.map((parameter) => parameter.name.name);
    for (const input of sampler.inputs) {
      if (!inputs.includes(input.name)) {
        context.report("unknown-input", input.span, { graph: graph.name.name, name: input.name }, hintNearest(nearest(input.name, inputs)));
      }
    }
    checkBatch(scene, graph);
  }
  const [first, second] = sampler.inputs;
  if (second !== undefined && second.name === first?.name) context.report("repeated-field", second.span, { name: second.name });
  if (sampler.inputs.length !== 2) {
    const hint = `write \`sampler ${sampler.graph.name}(z, t)\``;
    context.report("sampler-inputs", sampler.graph.span, { found: sampler.inputs.length }, { hint });
  }
  checkFields(context, sampler.fields, fields, "the sampler", sampler.graph.span, names);
}

function graphNamed({ context, model, names }: Scene, name: { readonly name: string; readonly span: Expression["span"] }) {
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
  if (result.kind === "tensor" || result.kind === "unknown") return found;
  context.report("wrong-type", name.span, { expected: "a graph that returns one tensor", found: `one that returns ${showStatic(result)}` });
  return undefined;
}

function checkGraphName(scene: Scene, value: Expression): void {
  if (value.kind === "name") graphNamed(scene, value);
  else {
    const found = showStatic(typeOf(scene.context, value, scene.names));
    scene.context.report("wrong-type", value.span, { expected: "the name of a graph", found });
  }
}

/** `conditions: { text: { from: "text", … }, … }`: names of inputs that stay the same from step to step. */
function checkConditions(scene: Scene, graph: GraphDeclaration, value: Expression, known: boolean): void {
  const { context, sampler, names } = scene;
  if (value.kind !== "record") {
    const expected = 'a record of conditions, `{ text: { from: "text", … } }`';
    context.report("wrong-type", value.span, { expected, found: showStatic(typeOf(context, value, names)) });
    return;
  }
  const varying = sampler.inputs.map((input) => input.name);
  const inputs = graph.parameters.map((parameter) => parameter.name.name).filter((name) => !varying.includes(name));
  const given = new Set<string>();
  for (const field of value.fields) {
    const { name, span } = field.name;
    if (varying.includes(name)) context.report("varying-condition", span, { name });
    else if (!inputs.includes(name) && known)
      context.report("unknown-input", span, { graph: graph.name.name, name }, hintNearest(nearest(name, inputs)));
    else if (given.has(name)) context.report("repeated-field", span, { name });
    given.add(name);
    checkCondition(scene, field);
  }
}

function checkCondition(scene: Scene, { name, value }: Field): void {
  const { context, model, names } = scene;
  if (value.kind !== "record") {
    const expected = 'a record that says where the condition comes from, `{ from: "tensor" }`';
    context.report("wrong-type", value.span, { expected, found: showStatic(typeOf(context, value, names)) });
    return;
  }
  const from = value.fields.find((field) => field.name.name === "from")?.value;
  const source = from === undefined ? undefined : sourceOf(scene, from);
  if (from !== undefined && source === undefined) return;
  if (from !== undefined && source === "text" && !model.members.some((member) => member.kind === "tokenizer")) {
    context.report("no-tokenizer", from.span, { name: name.name }, { hint: 'add `tokenizer { file: "tokenizer.json", pad: "<pad>" }`' });
  }
  const encoded: FieldRows =
    source === undefined || source === "text" || source === "image"
      ? { encoder: { type: (field) => checkGraphName(scene, field.value), optional: true } }
      : {};
  const rows: FieldRows = {
    from: { type: () => {} },
    ...encoded,
    unguided: { type: (field) => checkUnguided(scene, field.value, source), optional: true },
  };
  const of = source === undefined ? `condition \`${name.name}\`` : `a condition from "${source}"`;
  checkFields(context, value.fields, rows, of, name.span, names);
}

/** The source must stand there as it is: what else a condition says hangs on it. */
function sourceOf({ context, names }: Scene, from: Expression): Source | undefined {
  const found = from.kind === "string" ? sources.find((source) => source === from.value) : undefined;
  if (found !== undefined) return found;
  const guess = from.kind === "string" ? nearest(from.value, sources) : undefined;
  const hint = guess === undefined ? {} : { hint: `did you mean \`"${guess}"\`?` };
  const holes = { expected: showStatic(literal(sources)), found: showStatic(typeOf(context, from, names)) };
  context.report("wrong-type", from.span, holes, hint);
  return undefined;
}

function checkUnguided({ context, names }: Scene, value: Expression, source: Source | undefined): void {
  const found = typeOf(context, value, names);
  if (source === undefined || (value.kind === "string" && value.value === same)) return;
  const wanted = source === "text" ? string : source === "class" ? int : float;
  if (fits(found, wanted)) return;
  const expected = source === "text" ? "a text" : source === "class" ? 'a class (an int) or "same"' : 'a number or "same"';
  context.report("wrong-type", value.span, { expected, found: showStatic(found) });
}

/** Guidance runs both halves as one batch of twice the size: the batch must be a dim that can be set, and the first axis of every input. */
function checkBatch({ context, model, sampler, names: { file } }: Scene, graph: GraphDeclaration): void {
  const latent = graph.parameters.find((parameter) => parameter.name.name === sampler.inputs[0]?.name);
  if (latent === undefined || staticTypeOf(context, latent.type, file).kind === "unknown") return;
  const batch = firstAxis(context, latent.type, { file, bound: new Map() });
  if (batch !== undefined && context.isUnknown(batch.name, batch.file)) return;
  const ofModel = batch?.file === file && model.dims.some((dim) => dim.name.name === batch.name);
  const declared = batch === undefined || ofModel ? undefined : context.declared(batch.name, batch.file);
  const report = ({ name, type }: Parameter, wanted: string, hint: string) =>
    context.report("sampler-batch", type.span, { graph: graph.name.name, input: name.name, wanted }, { hint });
  if (batch === undefined || declared?.declaration.kind !== "dim") {
    report(latent, "a dim of the file", `declare \`dim B = 1;\` in the file and give \`${latent.name.name}\` the axes \`[B, …]\``);
    return;
  }
  for (const parameter of graph.parameters) {
    const axis = firstAxis(context, parameter.type, { file, bound: new Map() });
    const other = axis === undefined ? undefined : context.declared(axis.name, axis.file);
    if (other?.declaration === declared.declaration || staticTypeOf(context, parameter.type, file).kind !== "tensor") continue;
    const wanted = `\`${batch.name}\`, as that of \`${latent.name.name}\``;
    report(parameter, wanted, `give \`${parameter.name.name}\` the axes \`[${batch.name}, …]\`: each clip has its own`);
  }
}

interface AxisName {
  readonly name: string;
  readonly file: string;
}

/** The name that the first axis of a tensor type is, through `type` declarations; undefined where it is no bare name. */
function firstAxis(
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
