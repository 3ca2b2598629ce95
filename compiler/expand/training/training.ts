/** The stages of a configured model to what training runs, their figures, tensors and weights checked against the graphs. */

import type { Expression, GraphDeclaration, Span, TrainDeclaration } from "../../../dsl/index.ts";
import { levelSources } from "../../../dsl/training.ts";
import { type Graph, sizeOf } from "../../graph/graph.ts";
import type { LatentLayer, LossStage, MeasureStage, TrainingInput, TrainingStage } from "../../module/training.ts";
import type { Configuration } from "../configure.ts";
import { declaredGraph, type ExpandedGraph, stagesOf } from "../expand.ts";
import type { Attempt } from "../failure.ts";
import { type Body, weightsOf } from "../parts.ts";
import { shown } from "../plain-values.ts";
import { showTensor } from "../signatures.ts";
import { sourceOfValue } from "../source-of-value.ts";
import { EntryUse } from "./entry-use.ts";
import { type TrainFigures, trainFigureFaults, withTrainDefaults } from "./figures.ts";
import { type ClipShape, InputReading, recordOf } from "./inputs.ts";
import { readerOf, writerOf } from "./latent-layers.ts";
import { StageFaults } from "./stage-faults.ts";
import { type Entry, namesAny, readEntries, trainedBy, weightsTrained } from "./trained.ts";

/** The graphs of a model that are built, of which only shapes may be known, and what each made. */
export interface Built {
  readonly configuration: Configuration;
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly bodies: ReadonlyMap<string, Body>;
}

export interface Expanding {
  /** A loss at a batch of so many examples; where only shapes are asked for, at any. */
  readonly loss: (declaration: GraphDeclaration, batch: number) => Attempt<ExpandedGraph>;
  /** A graph that is built, of which more than shapes is asked for. */
  readonly whole: (declaration: GraphDeclaration) => Attempt<ExpandedGraph>;
}

export interface Stages {
  readonly stages: readonly TrainingStage[];
  /** Names of the stages whose `when` is false. */
  readonly left: readonly string[];
  readonly clip: ClipShape | null;
  /** What the stage of each name that has a loss says of weights. */
  readonly entries: ReadonlyMap<string, readonly Entry[]>;
  /** Names of the graphs that clips are put through. */
  readonly encoders: readonly string[];
}

/** All stages that are run, in the order of the source; `use` is told of their entries. Graphs that did not expand are passed over: their errors are told. */
export function readStages(built: Built, expanding: Expanding, use = new EntryUse()): Attempt<Stages> {
  const reading = new Reading(built, expanding, use);
  const stages = stagesOf(built.configuration).flatMap((declaration) => reading.stage(declaration) ?? []);
  if (reading.faults.found.length > 0) return { ok: false, diagnostics: reading.faults.found };
  const { left, entries, inputs } = reading;
  return { ok: true, value: { stages, left, entries, clip: inputs.clip, encoders: [...inputs.encoders] } };
}

const notFigures = ["loss", "inputs", "weights"];

class Reading {
  readonly faults = new StageFaults();
  readonly inputs: InputReading;
  readonly left: string[] = [];
  readonly entries = new Map<string, readonly Entry[]>();
  private readonly configuration: Configuration;
  private readonly built: Built;
  private readonly expanding: Expanding;
  private readonly use: EntryUse;
  /** Every weight of the model that is built. */
  private readonly weights: ReadonlyMap<string, { readonly graph: string; readonly shape: readonly number[] }>;

  constructor(built: Built, expanding: Expanding, use: EntryUse) {
    this.configuration = built.configuration;
    this.built = built;
    this.expanding = expanding;
    this.use = use;
    this.inputs = new InputReading(built.configuration, built.graphs, this.faults);
    const weights = [...built.bodies].flatMap(([graph, body]) =>
      [...weightsOf(body, "")].map(([path, { shape }]) => [path, { graph, shape }] as const),
    );
    this.weights = new Map(weights);
  }

  /** Undefined where the stage is not run, or not as it stands. */
  stage(declaration: TrainDeclaration): TrainingStage | undefined {
    const when = declaration.fields.filter(({ name }) => name.name === "when");
    const run = this.faults.plainFields(this.configuration, when);
    if (run?.get("when") === false) this.left.push(declaration.name.name);
    if (run?.get("when") !== true && run?.size !== 0) return undefined;
    const field = (name: string) => declaration.fields.find((one) => one.name.name === name)?.value;
    const measured = field("normalises");
    return measured === undefined ? this.lossStage(declaration, field) : this.measureStage(declaration, measured, field);
  }

  private lossStage(declaration: TrainDeclaration, field: (name: string) => Expression | undefined): LossStage | undefined {
    const figures = this.figures(declaration);
    const named = field("loss");
    if (figures === undefined || named?.kind !== "name") return undefined;
    const loss = declaredGraph(this.configuration, named.name);
    const expanded = this.expanding.loss(loss, figures.batch);
    if (!expanded.ok) {
      this.faults.add(expanded.diagnostics);
      return undefined;
    }
    const { graph, body } = expanded.value;
    this.checkResults(loss, graph);
    const inputs = this.inputs.of(loss, graph, field("inputs"));
    this.checkUseful(field, inputs);
    const read = weightsOf(body, "");
    this.checkShapes(loss, read);
    const trained = this.trained(declaration, read, figures.weightDecay);
    const encoding = this.checkFrozen(field("inputs"), inputs, trained);
    this.checkRead(loss, trained, (path) => read.has(path) || encoding.has(path));
    const { optimizer, when, weightDecay, levels: density, levelPower: power, ...rest } = figures;
    const { name, span } = declaration.name;
    return { kind: "loss", name, span, loss: graph, inputs, trained: weightsTrained(trained), levels: { density, power }, ...rest };
  }

  /** Figures that would change nothing. */
  private checkUseful(field: (name: string) => Expression | undefined, inputs: readonly TrainingInput[]): void {
    const comes = (from: readonly string[]) => inputs.some(({ source }) => from.includes(source.from));
    const idle = [
      ...(comes(levelSources)
        ? []
        : (["levels", "levelPower"] as const).map((name) => ({ name, where: "no input comes from the noise level" }))),
      ...(comes(["clip"]) ? [] : [{ name: "stills", where: "no input comes from clips" }]),
    ];
    for (const { name, where } of idle) {
      const value = field(name);
      if (value === undefined) continue;
      const found = this.faults.plainFields(this.configuration, [{ name: { name, span: value.span }, value, span: value.span }])?.get(name);
      this.faults.refuse("train-value", value.span, { name, expected: `left out where ${where}`, found: shown(found) });
    }
  }

  private measureStage(
    declaration: TrainDeclaration,
    measured: Expression,
    field: (name: string) => Expression | undefined,
  ): MeasureStage | undefined {
    if (measured.kind !== "name") return undefined;
    const graph = this.inputs.encoder("clip", measured, undefined);
    const writer = field("writer");
    const readers = field("readers");
    if (graph === undefined || writer?.kind !== "string" || readers?.kind !== "list") return undefined;
    const whole = this.whole(graph.name);
    const found = whole === undefined ? undefined : writerOf(whole, writer.value);
    if (found === undefined) return undefined;
    if (typeof found === "string") {
      this.faults.refuse("latent-layer", writer.span, { path: writer.value, why: found });
      return undefined;
    }
    const { axis, channels, ...layer } = found;
    const read = readers.items.flatMap((reader) =>
      reader.kind === "string" ? (this.reader(reader.value, reader.span, channels) ?? []) : [],
    );
    const { name, span } = declaration.name;
    return { kind: "measure", name, span, graph: graph.name, input: graph.input, axis, channels, writer: layer, readers: read };
  }

  private reader(path: string, span: Span, channels: number): LatentLayer | undefined {
    const reading = [...this.built.bodies].filter(([, body]) => weightsOf(body, "").has(`${path}.weight`)).map(([graph]) => graph);
    const graphs = reading.map((graph) => this.whole(graph));
    if (graphs.includes(undefined)) return undefined;
    const found = graphs.flatMap((graph) => (graph === undefined ? [] : [readerOf(graph, path, channels)]));
    const right = found.find((one) => typeof one !== "string");
    if (right !== undefined) return right;
    const why = found.find((one) => typeof one === "string") ?? "no graph that is built has it";
    this.faults.refuse("latent-layer", span, { path, why });
    return undefined;
  }

  /** A graph of which more than shapes is known. */
  private whole(name: string): Graph | undefined {
    const expanded = this.expanding.whole(declaredGraph(this.configuration, name));
    if (expanded.ok) return expanded.value.graph;
    this.faults.add(expanded.diagnostics);
    return undefined;
  }

  private figures(declaration: TrainDeclaration): TrainFigures | undefined {
    const values = this.faults.plainFields(
      this.configuration,
      declaration.fields.filter(({ name }) => !notFigures.includes(name.name)),
    );
    if (values === undefined) return undefined;
    const given = withTrainDefaults(Object.fromEntries(values));
    const faults = trainFigureFaults(given);
    for (const { figure, expected, found } of faults) {
      const field = declaration.fields.find(({ name }) => name.name === figure);
      const place = field === undefined ? declaration.name.span : sourceOfValue(this.configuration, field.value);
      this.faults.refuse("train-value", place, { name: figure, expected, found: shown(found) });
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
      this.faults.refuse("train-tensor", loss.result.span, { what, expected, found: showTensor({ ...value.type, axes }) }, hint);
    }
  }

  /** `read` are the weights of the loss. */
  private trained({ name, fields }: TrainDeclaration, read: ReturnType<typeof weightsOf>, weightDecay: number): ReadonlyMap<string, Entry> {
    const field = fields.find((one) => one.name.name === "weights");
    const entries = readEntries(this.configuration, field?.value, weightDecay);
    if (!entries.ok) {
      this.faults.add(entries.diagnostics);
      return new Map();
    }
    this.entries.set(name.name, entries.value);
    const paths = new Set([...this.weights.keys(), ...read.keys()]);
    for (const entry of entries.value) this.use.add(entry, this.configuration.model.name.name, namesAny(entry, paths));
    const trained = trainedBy(entries.value, paths);
    if (trained.size === 0) {
      const hint = 'name what is trained: `weights: [{ path: "…" }]`; what no entry names is frozen, and so is what has the rate 0';
      this.faults.refuse("nothing-trained", field?.value.span ?? name.span, { stage: name.name }, { hint });
    }
    return trained;
  }

  /** What is trained is read by the loss, but for what has been told of otherwise. */
  private checkRead({ name: { name } }: GraphDeclaration, trained: ReadonlyMap<string, Entry>, isRead: (path: string) => boolean): void {
    for (const entry of new Set(trained.values())) {
      const paths = [...trained].flatMap(([path, of]) => (of === entry ? [path] : []));
      const unread = paths.filter((path) => !isRead(path));
      const [first] = unread;
      if (first === undefined) continue;
      const frozen = outermost(first, [...trained.keys()].filter(isRead));
      const hint = `freeze them behind it, \`{ path: "${frozen}", rate: 0 }\`, or call their block in \`${name}\` under the same labels`;
      this.faults.refuse("unread-by-loss", entry.span, { path: entry.path, loss: name, count: unread.length, first }, { hint });
    }
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
      this.faults.refuse("conflicting-weight", loss.name.span, holes, {
        hint: "give the call the arguments that it has there, or another label",
      });
      return;
    }
  }

  /** What an encoder gives is taken as it is: no gradient reaches it, and what is kept of it would be of other weights. Gives those that are told of. */
  private checkFrozen(
    given: Expression | undefined,
    inputs: readonly TrainingInput[],
    trained: ReadonlyMap<string, Entry>,
  ): ReadonlySet<string> {
    const fields = recordOf(given);
    const told = new Set<string>();
    for (const { name, source } of inputs) {
      const body = source.from === "clip" || source.from === "image" ? this.built.bodies.get(source.encoder ?? "") : undefined;
      const both = body === undefined ? [] : [...weightsOf(body, "").keys()].filter((path) => trained.has(path));
      const [first] = both;
      const span = recordOf(fields.get(name)).get("encoder")?.span;
      if (first === undefined || span === undefined || !("encoder" in source)) continue;
      for (const path of both) told.add(path);
      const hint = "call its block in the loss, on pixels, or leave its weights out of `weights`";
      this.faults.refuse("trained-encoder", span, { encoder: source.encoder ?? "", input: name, path: first }, { hint });
    }
    return told;
  }
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
