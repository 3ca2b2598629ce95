/** The stages of a configured model to what training runs, their figures, tensors and weights checked against the graphs. */

import { type Diagnostic, type Expression, type GraphDeclaration, never, type Span, type TrainDeclaration } from "../../../dsl/index.ts";
import type { TrainSource } from "../../../dsl/training.ts";
import { type Graph, sizeOf } from "../../graph/graph.ts";
import type { LossStage, TrainingInput, TrainingSource, TrainingStage } from "../../module/training.ts";
import type { Configuration } from "../configure.ts";
import { declaredGraph, type ExpandedGraph, evaluateFields, stagesOf } from "../expand.ts";
import type { Attempt } from "../failure.ts";
import { expandDiagnostic } from "../messages.ts";
import { type Body, weightsOf } from "../parts.ts";
import { plainOf, shown } from "../plain-values.ts";
import { beyondBatch, inputOf, isPictures, resultOf, showTensor, type Tensor } from "../signatures.ts";
import { sourceOfValue } from "../source-of-value.ts";
import { signatureShape } from "../types.ts";
import { share, type TrainFigures, trainFigureFaults, withTrainDefaults } from "./figures.ts";
import { readEntries, trainedBy, weightsTrained } from "./trained.ts";

/** The graphs of a model that are built, of which only shapes may be known, and what each made. */
export interface Built {
  readonly configuration: Configuration;
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly bodies: ReadonlyMap<string, Body>;
}

/** A loss at a batch of so many examples; where only shapes are asked for, at any. */
export type ExpandLoss = (declaration: GraphDeclaration, batch: number) => Attempt<ExpandedGraph>;

/** The size of clips in pixels, and their frames. */
export interface ClipShape {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

export interface Stages {
  readonly stages: readonly TrainingStage[];
  readonly clip: ClipShape | null;
  /** Names of the graphs that clips are put through. */
  readonly encoders: readonly string[];
}

/** All stages that are run, in the order of the source. Graphs that did not expand are passed over: their errors are told. */
export function readStages(built: Built, expandLoss: ExpandLoss): Attempt<Stages> {
  const reading = new Reading(built, expandLoss);
  const stages = stagesOf(built.configuration).flatMap((declaration) => reading.stage(declaration) ?? []);
  if (reading.faults.length > 0) return { ok: false, diagnostics: reading.faults };
  return { ok: true, value: { stages, clip: reading.clip, encoders: [...reading.encoders] } };
}

const notFigures = ["loss", "inputs", "weights", "normalises", "writer", "readers"];

class Reading {
  readonly faults: Diagnostic[] = [];
  readonly encoders = new Set<string>();
  private readonly configuration: Configuration;
  private readonly built: Built;
  private readonly expandLoss: ExpandLoss;
  /** Every weight of the model that is built. */
  private readonly weights: ReadonlyMap<string, { readonly graph: string; readonly shape: readonly number[] }>;
  private sized: { readonly what: string; readonly shape: ClipShape; readonly timed: boolean } | undefined;

  constructor(built: Built, expandLoss: ExpandLoss) {
    this.configuration = built.configuration;
    this.built = built;
    this.expandLoss = expandLoss;
    const weights = [...built.bodies].flatMap(([graph, body]) =>
      [...weightsOf(body, "")].map(([path, { shape }]) => [path, { graph, shape }] as const),
    );
    this.weights = new Map(weights);
  }

  get clip(): ClipShape | null {
    return this.sized?.shape ?? null;
  }

  /** Undefined where the stage is not run, or not as it stands. */
  stage(declaration: TrainDeclaration): LossStage | undefined {
    const figures = this.figures(declaration);
    if (figures?.when !== true) return undefined;
    const field = (name: string) => declaration.fields.find((one) => one.name.name === name)?.value;
    const named = field("loss");
    if (named?.kind !== "name") return undefined;
    const loss = declaredGraph(this.configuration, named.name);
    const expanded = this.expandLoss(loss, figures.batch);
    if (!expanded.ok) {
      this.faults.push(...expanded.diagnostics);
      return undefined;
    }
    const { graph, body } = expanded.value;
    this.checkResults(loss, graph);
    const inputs = this.inputs(loss, graph, field("inputs"));
    const trained = this.trained(declaration, { loss, body, figures });
    this.checkFrozen(field("inputs"), inputs, trained);
    const { optimizer, when, weightDecay, levels: density, levelPower: power, ...rest } = figures;
    const { name, span } = declaration.name;
    return { kind: "loss", name, span, loss: graph, inputs, trained: weightsTrained(trained), levels: { density, power }, ...rest };
  }

  private figures(declaration: TrainDeclaration): TrainFigures | undefined {
    const values = evaluateFields(
      this.configuration,
      declaration.fields.filter(({ name }) => !notFigures.includes(name.name)),
    );
    if (!values.ok) {
      this.faults.push(...values.diagnostics);
      return undefined;
    }
    const given = withTrainDefaults(Object.fromEntries([...values.value].map(([name, value]) => [name, plainOf(value)])));
    const faults = trainFigureFaults(given);
    for (const { figure, expected, found } of faults) {
      const field = declaration.fields.find(({ name }) => name.name === figure);
      const place = field === undefined ? declaration.name.span : sourceOfValue(this.configuration, field.value);
      this.refuse("train-value", place, { name: figure, expected, found: shown(found) });
    }
    return faults.length > 0 ? undefined : (given as unknown as TrainFigures);
  }

  /** What is minimised is one number, and so is what is reported beside it. */
  private checkResults(loss: GraphDeclaration, graph: Graph): void {
    for (const [i, { name, value: id, axes }] of graph.outputs.entries()) {
      const value = graph.values.find((one) => one.id === id);
      if (value === undefined || (value.type.dtype === "f32" && value.type.shape.length === 1 && value.type.shape[0] === 1)) continue;
      const what = graph.outputs.length === 1 ? `what \`${loss.name.name}\` returns` : `\`${name}\` of what \`${loss.name.name}\` returns`;
      const hint =
        value.type.dtype === "f32" && sizeOf(value.type.shape) > 1
          ? { hint: "take the mean over all elements: `mean(view(x, [A * B * …]), axis: 0)`" }
          : {};
      const expected = i === 0 ? "the one number that is minimised, `Tensor<f32, [1]>`" : "one number, `Tensor<f32, [1]>`";
      this.refuse("train-tensor", loss.result.span, { what, expected, found: showTensor({ ...value.type, axes }) }, hint);
    }
  }

  private inputs(loss: GraphDeclaration, graph: Graph, given: Expression | undefined): readonly TrainingInput[] {
    const fields = recordOf(given);
    return loss.parameters.flatMap(({ name: { name }, type }): TrainingInput[] => {
      const source = recordOf(fields.get(name));
      const from = source.get("from");
      if (from?.kind !== "string") return [];
      const shape = signatureShape(this.configuration.program, type, this.configuration.file);
      const tensor = { ...inputOf(graph, name), dtype: shape?.dtype ?? "" };
      const read = this.source(from.value as TrainSource, source, { name, tensor, span: from.span });
      return read === undefined ? [] : [{ name, source: read }];
    });
  }

  private source(from: TrainSource, fields: ReadonlyMap<string, Expression>, input: Input): TrainingSource | undefined {
    switch (from) {
      case "clip":
      case "image":
        return { from, encoder: this.encoder(from, fields.get("encoder"), input) };
      case "text":
        this.expect(
          input,
          input.tensor.dtype === "i32" && input.tensor.shape.length === 2,
          "tokens, `Tensor<i32, [B, L]>`, as it comes from text",
        );
        return { from, ...this.text(fields) };
      case "noise":
        this.expect(input, input.tensor.dtype !== "i32", "of floats, as it comes from noise");
        return { from };
      case "time":
      case "signal":
      case "sigma":
        this.expect(
          input,
          input.tensor.dtype === "f32" && input.tensor.shape.length === 1,
          "one f32 a clip, `Tensor<f32, [B]>`, as it comes from the noise level",
        );
        return { from };
      default:
        return never(from);
    }
  }

  private expect({ name, tensor, span }: Input, holds: boolean, expected: string): void {
    if (!holds) this.refuse("train-tensor", span, { what: `\`${name}\``, expected, found: showTensor(tensor) });
  }

  private text(fields: ReadonlyMap<string, Expression>): { readonly dropped: number; readonly unguided: string } {
    const given = [...fields].flatMap(([name, value]) =>
      name === "from" ? [] : [{ name: { name, span: value.span }, value, span: value.span }],
    );
    const values = evaluateFields(this.configuration, given);
    if (!values.ok) this.faults.push(...values.diagnostics);
    const read = new Map(values.ok ? [...values.value].map(([name, value]) => [name, plainOf(value)]) : []);
    const { dropped, unguided } = { dropped: read.get("dropped") ?? 0, unguided: read.get("unguided") ?? "" };
    const place = fields.get("dropped");
    if (!share.holds(dropped) && place !== undefined) {
      const holes = { name: "dropped", expected: share.expected, found: shown(dropped) };
      this.refuse("train-value", sourceOfValue(this.configuration, place), holes);
    }
    return { dropped: dropped as number, unguided: unguided as string };
  }

  /** Pixels reach the loss, or the graph that gives it what it takes. */
  private encoder(from: "clip" | "image", value: Expression | undefined, input: Input): string | null {
    if (value?.kind !== "name") {
      this.checkPixels(from, `\`${input.name}\``, input.tensor, input.span);
      return null;
    }
    const graph = this.built.graphs.get(value.name);
    const [parameter, ...others] = declaredGraph(this.configuration, value.name).parameters;
    if (graph === undefined) return value.name;
    if (parameter === undefined || others.length > 0) {
      const found = parameter === undefined ? "one with none" : `one with ${others.length + 1}`;
      this.refuse("train-tensor", value.span, { what: `\`${value.name}\``, expected: "a graph with one input", found });
      return value.name;
    }
    this.encoders.add(value.name);
    const taken = inputOf(graph, parameter.name.name);
    const result = resultOf(graph);
    if (!this.checkPixels(from, `\`${parameter.name.name}\` of \`${value.name}\``, taken, value.span)) return value.name;
    if (!beyondBatch(result, input.tensor) || result.shape[0] !== taken.shape[0]) {
      const holes = {
        what: `what \`${value.name}\` returns`,
        expected: `as \`${input.name}\`, ${showTensor(input.tensor)}`,
        found: showTensor(result),
      };
      this.refuse("train-tensor", value.span, holes);
    }
    return value.name;
  }

  /** All stages read the same clips, so they are of one size. */
  private checkPixels(from: "clip" | "image", what: string, tensor: Tensor, span: Span): boolean {
    const ranks = from === "clip" ? [5] : [4, 5];
    if (!isPictures(tensor) || !ranks.includes(tensor.shape.length)) {
      const expected = `${from === "clip" ? "a clip's frames, `[B, F, 3, H, W]`" : "pictures, `[B, 3, H, W]` or `[B, F, 3, H, W]`"} of floats, as it comes from ${from === "clip" ? "a clip" : "an image"}`;
      this.refuse("train-tensor", span, { what, expected, found: showTensor(tensor) });
      return false;
    }
    const [height = 0, width = 0] = tensor.shape.slice(-2);
    // Frames of several clips may be as many as one likes.
    const timed = from === "clip";
    const frames = tensor.shape.length === 5 ? (tensor.shape[1] ?? 1) : 1;
    const shape = { frames, height, width };
    const first = this.sized;
    if (first === undefined || (timed && !first.timed && isOfSize(first.shape, shape))) this.sized = { what, shape, timed };
    else if (!isOfSize(first.shape, shape) || (timed && first.timed && first.shape.frames !== frames)) {
      const { frames: count, height: rows, width: columns } = first.shape;
      const expected = `of the size of ${first.what}, ${first.timed ? `${count} frames of ` : ""}${rows}x${columns}, as both are of the same clips`;
      this.refuse("train-tensor", span, { what, expected, found: showTensor(tensor) });
      return false;
    }
    return true;
  }

  private trained(
    { name, fields }: TrainDeclaration,
    { loss, body, figures }: { readonly loss: GraphDeclaration; readonly body: Body; readonly figures: TrainFigures },
  ): ReturnType<typeof trainedBy> {
    const field = fields.find((one) => one.name.name === "weights");
    const own = weightsOf(body, "");
    this.checkShapes(loss, own);
    const entries = readEntries(this.configuration, field?.value, figures.weightDecay);
    if (!entries.ok) {
      this.faults.push(...entries.diagnostics);
      return new Map();
    }
    const trained = trainedBy(entries.value, new Set([...this.weights.keys(), ...own.keys()]));
    if (trained.size === 0) {
      const hint = 'name what is trained: `weights: [{ path: "…" }]`; what no entry names is frozen, and so is what has the rate 0';
      this.refuse("nothing-trained", field?.value.span ?? name.span, { stage: name.name }, { hint });
    }
    for (const entry of entries.value) {
      const unread = [...trained].filter(([path, of]) => of === entry && !own.has(path)).map(([path]) => path);
      const [first] = unread;
      if (first === undefined) continue;
      const hint = `freeze them behind it, \`{ path: "${outermost(first, own.keys())}", rate: 0 }\`, or call their block in \`${loss.name.name}\` under the same labels`;
      const holes = { path: entry.path, loss: loss.name.name, count: unread.length, first };
      this.refuse("unread-by-loss", entry.span, holes, { hint });
    }
    return trained;
  }

  /** One path is one tensor, whichever graphs read it. */
  private checkShapes(loss: GraphDeclaration, own: ReturnType<typeof weightsOf>): void {
    for (const [path, { shape }] of own) {
      const built = this.weights.get(path);
      if (built === undefined || built.shape.join() === shape.join()) continue;
      const holes = {
        path,
        first: built.graph,
        firstShape: `[${built.shape.join(", ")}]`,
        second: loss.name.name,
        secondShape: `[${shape.join(", ")}]`,
      };
      this.refuse("conflicting-weight", loss.name.span, holes, { hint: "give the call the arguments that it has there, or another label" });
      return;
    }
  }

  /** What an encoder gives is taken as it is: no gradient reaches it, and what is kept of it would be of other weights. */
  private checkFrozen(given: Expression | undefined, inputs: readonly TrainingInput[], trained: ReadonlyMap<string, unknown>): void {
    const fields = recordOf(given);
    for (const { name, source } of inputs) {
      const body = source.from === "clip" || source.from === "image" ? this.built.bodies.get(source.encoder ?? "") : undefined;
      const first = body && [...weightsOf(body, "").keys()].find((path) => trained.has(path));
      const span = recordOf(fields.get(name)).get("encoder")?.span;
      if (first === undefined || span === undefined || !("encoder" in source)) continue;
      const hint = "call its block in the loss, on pixels, or leave its weights out of `weights`";
      this.refuse("trained-encoder", span, { encoder: source.encoder ?? "", input: name, path: first }, { hint });
    }
  }

  private refuse(...told: Parameters<typeof expandDiagnostic>): void {
    this.faults.push(expandDiagnostic(...told));
  }
}

interface Input {
  readonly name: string;
  /** As the source writes it. */
  readonly tensor: Tensor;
  readonly span: Span;
}

function isOfSize(a: ClipShape, b: ClipShape): boolean {
  return a.height === b.height && a.width === b.width;
}

function recordOf(value: Expression | undefined): ReadonlyMap<string, Expression> {
  return new Map((value?.kind === "record" ? value.fields : []).map((field) => [field.name.name, field.value]));
}

/** The shortest beginning of a path that none of the others has. */
function outermost(path: string, others: Iterable<string>): string {
  const levels = path.split(".");
  const all = [...others];
  for (let count = 1; count < levels.length; count++) {
    const begin = levels.slice(0, count).join(".");
    if (!all.some((other) => other.startsWith(`${begin}.`))) return begin;
  }
  return path;
}
