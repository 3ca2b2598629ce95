/** A graph declaration of a configured model to the graph of ops that it stands for. */

import {
  type Field,
  type GraphDeclaration,
  lossesOf,
  type SamplerDeclaration,
  type TokenizerDeclaration,
  type TrainDeclaration,
} from "../../dsl/index.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { GraphBuilder } from "../rewriting/builder.ts";
import { axisNames } from "./arrange.ts";
import { axisExpressionSize } from "./axes.ts";
import { checkResult } from "./blocks.ts";
import { type Returned, runBody } from "./body.ts";
import { call } from "./calls.ts";
import type { Run } from "./code/recorder.ts";
import { type Configuration, globalsOf, staticFrame } from "./configure.ts";
import { evaluate } from "./evaluate.ts";
import { type Attempt, attempt, Faults } from "./failure.ts";
import { type Frame, fail, newValue, Scope } from "./frame.ts";
import { type Globals, globalKey } from "./globals.ts";
import type { KnownCalls } from "./known-calls.ts";
import { MadeWeights } from "./made-weights.ts";
import type { Body } from "./parts.ts";
import { declaredAxes, type TensorPart, tensorParts } from "./results.ts";
import { sourceOfArgument } from "./source-of-value.ts";
import { axisOf, constant, describe, int, type Static } from "./static.ts";
import { dtypeOf, signatureShape, type TensorShape } from "./types.ts";
import { WeightReads } from "./unread-weights.ts";

/** The graphs that are built: all but the losses that only training needs. */
export function graphsOf({ model }: Configuration): GraphDeclaration[] {
  const losses = lossesOf(model);
  return model.members.filter((member) => member.kind === "graph").filter(({ name }) => !losses.has(name.name));
}

/** A graph of the model by its name, a loss too. */
export function declaredGraph({ model }: Configuration, name: string): GraphDeclaration {
  const found = model.members.filter((member) => member.kind === "graph").find((graph) => graph.name.name === name);
  if (found === undefined) throw new Error(`expand: there is no graph ${name}, which check should have found`);
  return found;
}

export function stagesOf({ model }: Configuration): TrainDeclaration[] {
  return model.members.filter((member) => member.kind === "train");
}

export function samplerOf(configuration: Configuration): SamplerDeclaration | undefined {
  return configuration.model.members.find((member) => member.kind === "sampler");
}

export function tokenizerOf(configuration: Configuration): TokenizerDeclaration | undefined {
  return configuration.model.members.find((member) => member.kind === "tokenizer");
}

/**
 * Expands one graph of the model. With `known`, only shapes are checked: calls of a block with arguments that it had before
 * are taken as they came out then, and the graph is not whole. One `known` serves the graphs of one configuration.
 */
export function expandGraph(configuration: Configuration, declaration: GraphDeclaration, known?: KnownCalls): Attempt<ExpandedGraph> {
  const expanded = attempt((faults) => expandBody(configuration, declaration, faults, known));
  if (!expanded.ok) return expanded;
  const { reads, ...found } = expanded.value;
  if (reads.allRead(found.graph)) return { ok: true, value: found };
  if (known === undefined) return { ok: false, diagnostics: reads.unread(found.graph) };
  const whole = expandGraph(configuration, declaration);
  return whole.ok ? { ok: true, value: found } : whole;
}

/** A graph of which only shapes are known, for who asks what it takes: what stands for calls like earlier ones is no input of it. */
export function withoutStandIns(graph: Graph, { parameters }: GraphDeclaration): Graph {
  const values = graph.values.map((value, i): Value => {
    return value.kind === "input" && i >= parameters.length ? { kind: "constant", id: value.id, type: value.type, data: [] } : value;
  });
  return { ...graph, values };
}

export interface ExpandedGraph {
  readonly graph: Graph;
  /** All weights by the calls that made them, those of calls that were left out too. */
  readonly body: Body;
  /** Where in what it returns each output lies. */
  readonly paths: readonly TensorPart["path"][];
  /** What was heard of it, where the configuration has a recorder. */
  readonly run: Run | undefined;
}

interface ExpandedBody extends ExpandedGraph {
  readonly reads: WeightReads;
}

function expandBody(configuration: Configuration, declaration: GraphDeclaration, faults: Faults, known?: KnownCalls): ExpandedBody {
  const frame = graphFrame(configuration, faults, known);
  const { builder } = frame.expansion;
  for (const parameter of declaration.parameters) {
    const shape = typeShape(configuration, declaration.parameters.indexOf(parameter), declaration);
    const axes = shape.axes.map((axis) => axisOf(axisExpressionSize(axis, frame)));
    const type = { dtype: dtypeOf(shape.dtype, frame.expansion.precision), axes };
    const id = builder.input(parameter.name.name, newValue(frame, parameter.type.span, type), axisNames(axes));
    frame.scope.declare(parameter.name.name, { kind: "tensor", id, type });
  }
  const run = frame.expansion.recorder?.graph(frame);
  if (run !== undefined) for (const { name } of declaration.parameters) frame.expansion.recorder?.bound(run, name.name, frame);
  const returned = runBody(declaration.body, frame);
  if (returned === undefined) throw new Error(`expand: graph ${declaration.name.name} ends without return, which check should have found`);
  const outputs = outputsOf(configuration, declaration, returned, frame);
  const graph = builder.finish(
    declaration.name.name,
    outputs.map(({ path, ...output }) => output),
  );
  return { graph, paths: outputs.map(({ path }) => path), body: frame.body, run, reads: frame.expansion.reads };
}

/** The tensors that a graph returns. One alone is named after the graph, those of a record after their fields, of a list by their numbers. */
function outputsOf(
  configuration: Configuration,
  declaration: GraphDeclaration,
  returned: Returned,
  frame: Frame,
): readonly (Graph["outputs"][number] & Pick<TensorPart, "path">)[] {
  const { name, result } = declaration;
  const taken = new Set(declaration.parameters.map((parameter) => parameter.name.name));
  const typed = { name: name.name, value: returned.value, type: result, file: configuration.file, source: returned.expression };
  const outputs = tensorParts(typed, frame).map(({ name: of, path, shape, value, span }) => {
    checkResult(of, value, shape, span, frame);
    const plain = (typeof path[0] === "string" ? path : [name.name, ...path]).join(".");
    const own = unused(plain, taken);
    taken.add(own);
    return { name: own, path, value: value.id, axes: axisNames(declaredAxes(shape.axes, value.type.axes, frame)) };
  });
  if (outputs.length > 0) return outputs;
  return fail(frame, "wrong-kind", returned.expression.span, { expected: "at least one tensor", found: describe(returned.value) });
}

/** No input and output may share a name, which the source alone does not see to. */
function unused(name: string, taken: ReadonlySet<string>): string {
  return taken.has(name) ? unused(`${name}Result`, taken) : name;
}

/** The same configuration with another batch, the first axis of a graph's input: `batch` tells it of the one that the source has. */
export function withBatch(
  configuration: Configuration,
  declaration: GraphDeclaration,
  input: string,
  batchOf: (own: number) => number,
): Configuration {
  const index = declaration.parameters.findIndex((parameter) => parameter.name.name === input);
  const batch = typeShape(configuration, index, declaration).axes[0];
  const name = batch?.expression.kind === "name" ? batch.expression.name : undefined;
  const declared = name === undefined || batch === undefined ? undefined : configuration.program.files.get(batch.file)?.names.get(name);
  if (declared?.declaration.kind !== "dim")
    throw new Error(`expand: the first axis of ${input} is not a dim, which check should have found`);
  const frame = graphFrame(configuration);
  const size = axisExpressionSize(batch as NonNullable<typeof batch>, frame).value;
  const overrides = new Map(configuration.overrides).set(globalKey(declared.file, declared.declaration.name.name), int(batchOf(size)));
  return { ...configuration, overrides };
}

/** The same with another batch of a loss, whose inputs all have it. */
export function atBatch(configuration: Configuration, loss: GraphDeclaration, batchOf: (own: number) => number): Configuration {
  const [input] = loss.parameters;
  return input === undefined ? configuration : withBatch(configuration, loss, input.name.name, batchOf);
}

/** The fields of a sampler, tokenizer or stage of training as plain values. */
export function evaluateFields(configuration: Configuration, fields: readonly Field[]): Attempt<ReadonlyMap<string, Static>> {
  return attempt(() => {
    const frame = graphFrame(configuration);
    return new Map(fields.map((field) => [field.name.name, evaluate(field.value, frame)]));
  });
}

function typeShape(configuration: Configuration, index: number, declaration: GraphDeclaration): TensorShape {
  const parameter = declaration.parameters[index];
  const shape = parameter && signatureShape(configuration.program, parameter.type, configuration.file);
  if (shape === undefined) throw new Error(`expand: an input of ${declaration.name.name} is no tensor, which check should have found`);
  return shape;
}

/** A fresh frame at the root of a graph: the model's dims and consts are in scope. */
function graphFrame(configuration: Configuration, faults = new Faults(), known?: KnownCalls): Frame {
  const { program, file, choices, overrides, model, budget } = configuration;
  budget.beginGraph();
  const globals: Globals = globalsOf(program, overrides, budget, configuration.reads);
  const scope = new Scope();
  for (const [name, value] of configuration.modelDims) scope.declare(name, value);
  const builder = new GraphBuilder();
  const frame: Frame = {
    expansion: {
      program,
      globals,
      builder,
      reads: new WeightReads(builder),
      precision: choices.precision,
      known,
      budget,
      faults,
      made: new MadeWeights(),
      weights: configuration.weights,
      recorder: configuration.recorder,
      sourceOf: (origin, slot) => sourceOfArgument(configuration, origin, slot),
      call,
    },
    file,
    scope,
    path: "",
    label: undefined,
    sharesRounds: false,
    rounds: [],
    body: { block: undefined, path: "", argument: () => undefined, parts: [] },
    expandedFrom: [],
  };
  const outside = staticFrame(program, globals, file, budget, scope);
  for (const member of model.members)
    if (member.kind === "const") scope.declare(member.name.name, constant(member.name.name, evaluate(member.value, outside)));
  return frame;
}
