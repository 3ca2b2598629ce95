/** A stage of training: the loss, where each of its inputs comes from, and which weights it trains. */

import type { Expression, Field, GraphDeclaration, ModelDeclaration, StringLiteral, TrainDeclaration } from "../ast.ts";
import { nearest } from "../nearest.ts";
import { levelSources, type TrainSource, trainFigures, trainSources } from "../training.ts";
import { type Context, hintNearest, type Names } from "./context.ts";
import { typeOf } from "./expressions.ts";
import { checkFields, checkSource, type FieldRows, figureRows } from "./fields.ts";
import { checkBatch, graphOfField, type OfModel, tensorsByName } from "./model-graphs.ts";
import { PathReach } from "./path-reach.ts";
import { float, int, list, showStatic, string } from "./static-type.ts";

const { when, ...lossRows } = figureRows(trainFigures);

/** A stage with what its parts are looked up in. */
interface Scene extends OfModel {
  readonly stage: TrainDeclaration;
  readonly of: string;
}

export function checkTrain(context: Context, stage: TrainDeclaration, model: ModelDeclaration, names: Names): void {
  const scene: Scene = { context, model, stage, names, of: `\`train ${stage.name.name}\`` };
  const field = (name: string) => stage.fields.find((one) => one.name.name === name);
  const rows: FieldRows = {
    when: when as NonNullable<typeof when>,
    ...(field("normalises") === undefined ? lossStage(scene) : measureStage(scene)),
  };
  checkFields(context, stage.fields, rows, scene.of, stage.name.span, names);
}

function lossStage(scene: Scene): FieldRows {
  const named = scene.stage.fields.find((one) => one.name.name === "loss");
  const loss = named && graphOfField(scene, named.value, tensorsByName);
  return {
    loss: { type: () => {} },
    inputs: { type: (field) => checkInputs(scene, loss, field) },
    weights: { type: ({ value }) => checkWeights(scene, value) },
    ...lossRows,
  };
}

function measureStage(scene: Scene): FieldRows {
  return {
    normalises: { type: ({ value }) => void graphOfField(scene, value) },
    writer: { type: ({ value }) => checkPath(scene, value) },
    readers: { type: ({ value }) => checkPaths(scene, value) },
  };
}

/** `inputs: { z: { from: "clip", … }, … }`: a source for each input of the loss. */
function checkInputs(scene: Scene, loss: GraphDeclaration | undefined, { name, value }: Field): void {
  const { context, names, of } = scene;
  if (value.kind !== "record") {
    const expected = 'a record of sources, `{ x: { from: "clip" }, … }`';
    context.report("wrong-type", value.span, { expected, found: showStatic(typeOf(context, value, names)) });
    return;
  }
  const inputs = (loss?.parameters ?? []).map((parameter) => parameter.name.name);
  const given = new Set<string>();
  for (const field of value.fields) {
    const { name: input, span } = field.name;
    if (loss !== undefined && !inputs.includes(input))
      context.report("unknown-input", span, { graph: loss.name.name, name: input }, hintNearest(nearest(input, inputs)));
    else if (given.has(input)) context.report("repeated-field", span, { name: input });
    given.add(input);
    checkInput(scene, field);
  }
  // One by another name is told already.
  const misnamed = loss !== undefined && [...given].some((input) => !inputs.includes(input));
  for (const input of misnamed ? [] : inputs) {
    if (given.has(input)) continue;
    const hint = `say where it comes from: \`${input}: { from: "…" }\`, one of ${trainSources.join(", ")}`;
    context.report("missing-field", name.span, { name: input, of: `\`inputs\` of ${of}` }, { hint });
  }
  if (loss !== undefined) checkBatch(scene, loss, inputs[0], "loss-batch");
}

function checkInput(scene: Scene, { name, value }: Field): void {
  const { context, model, names } = scene;
  if (value.kind !== "record") {
    const expected = 'a record that says where the input comes from, `{ from: "noise" }`';
    context.report("wrong-type", value.span, { expected, found: showStatic(typeOf(context, value, names)) });
    return;
  }
  const from = value.fields.find((field) => field.name.name === "from")?.value;
  const source = from && checkSource(context, from, trainSources, names);
  if (from !== undefined && source === undefined) return;
  if (from !== undefined && source === "text" && !model.members.some((member) => member.kind === "tokenizer")) {
    context.report("no-tokenizer", from.span, { name: name.name }, { hint: 'add `tokenizer { file: "tokenizer.json", pad: "<pad>" }`' });
  }
  if (
    from !== undefined &&
    source !== undefined &&
    levelSources.includes(source) &&
    !model.members.some(({ kind }) => kind === "sampler")
  ) {
    const hint = "add `sampler graph(latent, time) { … }`, or draw the level from `noise`";
    context.report("no-sampler", from.span, { name: name.name }, { hint });
  }
  const of = source === undefined ? `input \`${name.name}\`` : `an input from "${source}"`;
  checkFields(context, value.fields, { from: { type: () => {} }, ...rowsOf(scene, source) }, of, name.span, names);
}

function rowsOf(scene: Scene, source: TrainSource | undefined): FieldRows {
  if (source === "clip" || source === "image") return { encoder: { type: ({ value }) => void graphOfField(scene, value), optional: true } };
  if (source === "label") return { of: { type: string }, classes: { type: int } };
  return source === "text" ? { dropped: { type: float, optional: true }, unguided: { type: string, optional: true } } : {};
}

/** `weights: [{ path: "unet.**.time", rate: 0.1 }, …]`: of entries that name a weight the last one holds. */
function checkWeights(scene: Scene, value: Expression): void {
  const { context, names, of } = scene;
  const refuse = (entry: Expression, expected: string) =>
    context.report("wrong-type", entry.span, { expected, found: showStatic(typeOf(context, entry, names)) });
  if (value.kind !== "list") {
    refuse(value, 'a list of what is trained, `[{ path: "unet" }, …]`');
    return;
  }
  const rows: FieldRows = {
    path: { type: (field) => checkPath(scene, field.value) },
    rate: { type: float, optional: true },
    weightDecay: { type: float, optional: true },
  };
  for (const entry of value.items) {
    if (entry.kind === "record") checkFields(context, entry.fields, rows, `an entry of \`weights\` of ${of}`, entry.span, names);
    else refuse(entry, 'a record that says which weights are trained, `{ path: "unet" }`');
  }
}

function checkPaths(scene: Scene, value: Expression): void {
  if (value.kind === "list") for (const item of value.items) checkPath(scene, item);
  else
    scene.context.report("wrong-type", value.span, {
      expected: showStatic(list(string)),
      found: showStatic(typeOf(scene.context, value, scene.names)),
    });
}

/** A path must stand there as it is: whether it leads to weights is seen without a size. */
function checkPath({ context, names }: Scene, value: Expression): void {
  if (value.kind === "string") return;
  const expected = 'a weight path as it is, `"unet.**.conv"`';
  context.report("wrong-type", value.span, { expected, found: showStatic(typeOf(context, value, names)) });
}

/** Reports each path of a model's stages that leads to no weight, by the labels alone: all that they lead through must have been found right. */
export function checkTrainPaths(context: Context, model: ModelDeclaration, file: string): void {
  const reach = new PathReach((name, of) => context.declared(name, of));
  for (const member of model.members) {
    if (member.kind !== "train") continue;
    for (const path of member.fields.flatMap(({ name, value }) => pathsIn(name.name, value))) {
      const { reached, guess } = reach.followPattern(model, file, path.value);
      if (!reached) context.report("no-such-weights", path.span, { of: model.name.name, path: path.value }, hintNearest(guess));
    }
  }
}

function pathsIn(field: string, value: Expression): readonly StringLiteral[] {
  const strings = (values: readonly Expression[]) => values.flatMap((one) => (one.kind === "string" ? [one] : []));
  if (field === "writer") return strings([value]);
  if (value.kind !== "list" || (field !== "readers" && field !== "weights")) return [];
  const paths = value.items.flatMap((item) =>
    item.kind === "record" ? item.fields.flatMap(({ name, value: path }) => (name.name === "path" ? [path] : [])) : [item],
  );
  return strings(paths);
}
