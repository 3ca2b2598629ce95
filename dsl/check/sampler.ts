/** A model's sampler: the graph that it loops, the figures, and where each condition comes from. */

import type { Expression, Field, GraphDeclaration, ModelDeclaration, SamplerDeclaration } from "../ast.ts";
import { nearest } from "../nearest.ts";
import { figures, type Source, same, sources } from "../sampling.ts";
import { type Context, hintNearest, type Names } from "./context.ts";
import { typeOf } from "./expressions.ts";
import { checkFields, checkSource, type FieldRows, figureRows } from "./fields.ts";
import { checkBatch, graphNamed, graphOfField, type OfModel, oneTensor } from "./model-graphs.ts";
import { fits, float, int, showStatic, string } from "./static-type.ts";

const rows = figureRows(figures);

/** A sampler with what its parts are looked up in. */
interface Scene extends OfModel {
  readonly sampler: SamplerDeclaration;
}

export function checkSampler(context: Context, sampler: SamplerDeclaration, model: ModelDeclaration, names: Names): void {
  const scene: Scene = { context, model, sampler, names };
  const graph = graphNamed(scene, sampler.graph, oneTensor);
  // Of another graph than was meant, no condition would be right.
  const known = sampler.inputs.every((input) => graph?.parameters.some((parameter) => parameter.name.name === input.name));
  const fields: FieldRows = {
    ...rows,
    conditions: { type: ({ value }) => graph && checkConditions(scene, graph, value, known), optional: true },
    frames: { type: ({ value }) => void graphOfField(scene, value), optional: true },
    latents: { type: ({ value }) => void graphOfField(scene, value), optional: true },
  };
  if (graph !== undefined) {
    const inputs = graph.parameters.map((parameter) => parameter.name.name);
    for (const input of sampler.inputs) {
      if (!inputs.includes(input.name)) {
        context.report("unknown-input", input.span, { graph: graph.name.name, name: input.name }, hintNearest(nearest(input.name, inputs)));
      }
    }
    checkBatch(scene, graph, sampler.inputs[0]?.name, "sampler-batch");
  }
  const [first, second] = sampler.inputs;
  if (second !== undefined && second.name === first?.name) context.report("repeated-field", second.span, { name: second.name });
  if (sampler.inputs.length !== 2) {
    const hint = `write \`sampler ${sampler.graph.name}(z, t)\``;
    context.report("sampler-inputs", sampler.graph.span, { found: sampler.inputs.length }, { hint });
  }
  checkFields(context, sampler.fields, fields, "the sampler", sampler.graph.span, names);
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
  const source = from && checkSource(context, from, sources, names);
  if (from !== undefined && source === undefined) return;
  if (from !== undefined && source === "text" && !model.members.some((member) => member.kind === "tokenizer")) {
    context.report("no-tokenizer", from.span, { name: name.name }, { hint: 'add `tokenizer { file: "tokenizer.json", pad: "<pad>" }`' });
  }
  const encoded: FieldRows =
    source === undefined || source === "text" || source === "image"
      ? { encoder: { type: (field) => void graphOfField(scene, field.value), optional: true } }
      : {};
  const rows: FieldRows = {
    from: { type: () => {} },
    ...encoded,
    unguided: { type: (field) => checkUnguided(scene, field.value, source), optional: true },
  };
  const of = source === undefined ? `condition \`${name.name}\`` : `a condition from "${source}"`;
  checkFields(context, value.fields, rows, of, name.span, names);
}

function checkUnguided({ context, names }: Scene, value: Expression, source: Source | undefined): void {
  const found = typeOf(context, value, names);
  if (source === undefined || (value.kind === "string" && value.value === same)) return;
  const wanted = source === "text" ? string : source === "class" ? int : float;
  if (fits(found, wanted)) return;
  const expected = source === "text" ? "a text" : source === "class" ? 'a class (an int) or "same"' : 'a number or "same"';
  context.report("wrong-type", value.span, { expected, found: showStatic(found) });
}
