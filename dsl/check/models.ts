/** Models, presets and ablations: members, the sampler and the tokenizer, and overrides against what the model has. */

import type {
  AblationDeclaration,
  Expression,
  Field,
  GraphDeclaration,
  ModelDeclaration,
  PresetDeclaration,
  SamplerDeclaration,
  TypeNode,
} from "../ast.ts";
import { nearest } from "../nearest.ts";
import { checkGraph } from "./bodies.ts";
import { type Context, hintNearest, Names } from "./context.ts";
import { checkAs, typeOf } from "./expressions.ts";
import { float, int, list, type StaticType, string } from "./static-type.ts";

interface FieldRow {
  readonly type: StaticType;
  readonly optional?: true;
  /** Of a list. */
  readonly length?: number;
}

const literal = (...values: string[]): StaticType => ({ kind: "literal", values });

const samplerFields: { readonly [name: string]: FieldRow } = {
  method: { type: literal("ddim", "dpm++2m", "euler") },
  steps: { type: int },
  guidance: { type: float },
  predicts: { type: literal("epsilon", "v") },
  schedule: { type: literal("scaled-linear", "cosine") },
  betas: { type: list(float), length: 2 },
  trainSteps: { type: int },
  eta: { type: float, optional: true },
};

const tokenizerFields: { readonly [name: string]: FieldRow } = { file: { type: string }, pad: { type: string } };

export function checkModel(context: Context, model: ModelDeclaration, file: string): void {
  const names = new Names(file);
  for (const dim of model.dims) {
    checkAs(context, dim.value, int, new Names(file));
    names.declare(context, dim.name, { type: int, kind: "dim" });
  }
  const seen = new Set<string>();
  for (const member of model.members) {
    if (member.kind === "const") names.declare(context, member.name, { type: typeOf(context, member.value, names), kind: "const" });
    const what = member.kind === "graph" ? `graphs \`${member.name.name}\`` : `${member.kind}s`;
    if (member.kind !== "const" && seen.has(what))
      context.report("repeated-member", member.kind === "graph" ? member.name.span : member.span, { what });
    seen.add(what);
  }
  for (const member of model.members) {
    if (member.kind === "graph") checkGraph(context, member, names);
    if (member.kind === "tokenizer") checkFields(context, member.fields, tokenizerFields, "the tokenizer", member.span, names);
    if (member.kind === "sampler") checkSampler(context, member, model, names);
  }
}

function checkSampler(context: Context, sampler: SamplerDeclaration, model: ModelDeclaration, names: Names): void {
  const graphs = model.members.filter((member) => member.kind === "graph");
  const graph = graphs.find((candidate) => candidate.name.name === sampler.graph.name);
  if (graph === undefined) {
    const guess = nearest(
      sampler.graph.name,
      graphs.map((candidate) => candidate.name.name),
    );
    context.report("unknown-graph", sampler.graph.span, { name: sampler.graph.name }, hintNearest(guess));
  } else {
    const inputs = graph.parameters.map((parameter) => parameter.name.name);
    for (const input of sampler.inputs) {
      if (!inputs.includes(input.name)) {
        context.report("unknown-input", input.span, { graph: graph.name.name, name: input.name }, hintNearest(nearest(input.name, inputs)));
      }
    }
    checkBatch(context, sampler, graph, model, names.file);
  }
  const [first, second] = sampler.inputs;
  if (second !== undefined && second.name === first?.name) context.report("repeated-field", second.span, { name: second.name });
  if (sampler.inputs.length !== 2) {
    const hint = `write \`sampler ${sampler.graph.name}(z, t)\``;
    context.report("sampler-inputs", sampler.graph.span, { found: sampler.inputs.length }, { hint });
  }
  checkFields(context, sampler.fields, samplerFields, "the sampler", sampler.graph.span, names);
}

/** Guidance runs the prompt and the empty prompt as one batch of twice the size: the batch must be a dim that can be set. */
function checkBatch(context: Context, sampler: SamplerDeclaration, graph: GraphDeclaration, model: ModelDeclaration, file: string): void {
  const latent = graph.parameters.find((parameter) => parameter.name.name === sampler.inputs[0]?.name);
  if (latent === undefined) return;
  const axis = firstAxis(context, latent.type, { file, bound: new Map() });
  const ofModel = axis?.file === file && model.dims.some((dim) => dim.name.name === axis.name);
  if (axis !== undefined && !ofModel && context.declared(axis.name, axis.file)?.declaration.kind === "dim") return;
  const hint = `declare \`dim B = 1;\` in the file and give \`${latent.name.name}\` the axes \`[B, …]\``;
  context.report("sampler-batch", latent.type.span, { graph: graph.name.name, input: latent.name.name }, { hint });
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

function checkFields(
  context: Context,
  fields: readonly Field[],
  rows: { readonly [name: string]: FieldRow },
  of: string,
  span: Field["span"],
  names: Names,
): void {
  const given = new Set<string>();
  for (const field of fields) {
    const { name } = field.name;
    const row = Object.hasOwn(rows, name) ? rows[name] : undefined;
    if (row === undefined) context.report("unknown-field", field.name.span, { name, of }, hintNearest(nearest(name, Object.keys(rows))));
    else if (given.has(name)) context.report("repeated-field", field.name.span, { name });
    else {
      checkAs(context, field.value, row.type, names);
      const { length } = row;
      if (length !== undefined && field.value.kind === "list" && field.value.items.length !== length) {
        const found = `a list of ${field.value.items.length}`;
        context.report("wrong-type", field.value.span, { expected: `a list of ${length} numbers`, found });
      }
    }
    given.add(name);
  }
  for (const [name, row] of Object.entries(rows)) {
    if (!row.optional && !given.has(name)) context.report("missing-field", span, { name, of }, { hint: `add \`${name}: …\`` });
  }
}

/** Only dims and params can be overridden, of this file's scope or of the model itself. */
export function checkOverrides(context: Context, declaration: PresetDeclaration | AblationDeclaration, file: string): void {
  const declared = context.declared(declaration.model.name, file);
  if (declared?.declaration.kind !== "model") {
    const models = [...context.namesOf(file)].filter((name) => context.declared(name, file)?.declaration.kind === "model");
    context.report(
      "unknown-model",
      declaration.model.span,
      { name: declaration.model.name },
      hintNearest(nearest(declaration.model.name, models)),
    );
    return;
  }
  const model = declared.declaration;
  const own = model.dims.map((dim) => dim.name.name);
  const given = new Set<string>();
  const names = new Names(file);
  for (const { name, value } of declaration.overrides) {
    if (given.has(name.name)) context.report("repeated-field", name.span, { name: name.name });
    given.add(name.name);
    const kind = own.includes(name.name) ? "dim" : context.declared(name.name, file)?.declaration.kind;
    if (kind === "dim" || kind === "param") {
      const wanted = kind === "dim" ? int : (context.rules.declaredType(context, name.name, file) ?? int);
      checkAs(context, value, wanted, names);
      continue;
    }
    typeOf(context, value, names);
    if (kind !== undefined) {
      context.report(
        "override-constant",
        name.span,
        { name: name.name, kind },
        { hint: `declare it as a param: \`param ${name.name}: … = …;\`` },
      );
      continue;
    }
    const candidates = [...context.namesOf(file)].filter((other) =>
      ["dim", "param"].includes(context.declared(other, file)?.declaration.kind ?? ""),
    );
    const guess = nearest(name.name, [...own, ...candidates]);
    context.report("unknown-override", name.span, { name: name.name, model: model.name.name }, hintNearest(guess));
  }
}
