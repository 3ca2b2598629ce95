/** The sampler of a configured model to the recipe that packages hold, its figures and tensors checked against the graphs. */

import type { Diagnostic, Expression, SamplerDeclaration, Span } from "../../dsl/index.ts";
import { same } from "../../dsl/index.ts";
import type { Source } from "../../dsl/sampling.ts";
import { idBounds } from "../analysis/id-bounds.ts";
import type { Graph } from "../graph/graph.ts";
import type { ConditionSpec, SamplerSpec } from "../package/manifest.ts";
import { figureFaults, type SamplerFigures, withDefaults } from "../package/sampler-figures.ts";
import type { Configuration } from "./configure.ts";
import { declaredGraph, evaluateFields, samplerOf } from "./expand.ts";
import type { Attempt } from "./failure.ts";
import { expandDiagnostic } from "./messages.ts";
import { plainOf, shown } from "./plain-values.ts";
import { unmixed } from "./rows.ts";
import { beyondBatch, inputOf, isMultiple, isPictures, piecesOf, resultOf, showTensor, type Tensor } from "./signatures.ts";
import { sourceOfValue } from "./source-of-value.ts";
import type { Static } from "./static.ts";
import { signatureShape } from "./types.ts";

/** All of the sampler but the graphs that are made of the looped one. */
export type Recipe = Omit<SamplerSpec, "prepare" | "step" | "directed">;

const graphFields = ["conditions", "frames", "latents"];

/** The recipe; undefined where the model has no sampler. Graphs that did not expand are passed over: their errors are told. */
export function recipeOf(configuration: Configuration, graphs: ReadonlyMap<string, Graph>): Attempt<Recipe | undefined> {
  const declaration = samplerOf(configuration);
  if (declaration === undefined) return { ok: true, value: undefined };
  const figures = declaration.fields.filter(({ name }) => !graphFields.includes(name.name));
  const values = evaluateFields(configuration, figures);
  if (!values.ok) return values;
  const reading = new Reading(configuration, declaration, graphs);
  const value = reading.recipe(values.value);
  return reading.faults.length > 0 ? { ok: false, diagnostics: reading.faults } : { ok: true, value };
}

class Reading {
  readonly faults: Diagnostic[] = [];
  private readonly configuration: Configuration;
  private readonly declaration: SamplerDeclaration;
  private readonly graphs: ReadonlyMap<string, Graph>;

  constructor(configuration: Configuration, declaration: SamplerDeclaration, graphs: ReadonlyMap<string, Graph>) {
    this.configuration = configuration;
    this.declaration = declaration;
    this.graphs = graphs;
  }

  recipe(values: ReadonlyMap<string, Static>): Recipe {
    const looped = this.graphs.get(this.declaration.graph.name);
    const [latent, time] = this.varying(looped);
    if (looped !== undefined) this.checkLooped(looped, latent, time);
    return {
      ...this.figures(values),
      graph: this.declaration.graph.name,
      latent,
      time,
      conditions: this.conditions(looped, [latent, time]),
      frames: this.frames(looped, latent),
      latents: this.latents(looped, latent),
    };
  }

  /** The latent and the time step. Where they stand the other way round that is said, and nothing that follows from it. */
  private varying(looped: Graph | undefined): readonly [latent: string, time: string] {
    const [first, second] = this.declaration.inputs;
    if (first === undefined || second === undefined) throw new Error("recipe: a sampler without inputs, which check should have found");
    const isTime = (name: string) => looped !== undefined && inputOf(looped, name).shape.length === 1;
    if (looped === undefined || !isTime(first.name) || isTime(second.name)) return [first.name, second.name];
    const holes = {
      what: `the latent \`${first.name}\``,
      expected: `what each step changes, as \`${looped.name}\` returns it`,
      found: showTensor(inputOf(looped, first.name)),
    };
    const hint = `the latent comes first, the time step second: \`sampler ${looped.name}(${second.name}, ${first.name})\``;
    this.refuse("sampler-tensor", { ...first.span, end: second.span.end }, holes, { hint });
    return [second.name, first.name];
  }

  private figures(values: ReadonlyMap<string, Static>): SamplerFigures {
    const given = Object.fromEntries([...values].map(([name, value]) => [name, plainOf(value)]));
    const figures = withDefaults(given);
    for (const { figure, expected, found } of figureFaults(figures)) {
      const field = this.declaration.fields.find(({ name }) => name.name === figure);
      const place = field === undefined ? this.declaration.graph.span : sourceOfValue(this.configuration, field.value);
      this.refuse("sampler-value", place, { name: figure, expected, found: shown(found) });
    }
    return figures as unknown as SamplerFigures;
  }

  /** A step gives the network a latent and a time, and takes its result for what is in the latent. */
  private checkLooped(looped: Graph, latent: string, time: string): void {
    const declared = this.graphDeclared(looped.name);
    const [z, t] = [inputOf(looped, latent), inputOf(looped, time)];
    const result = resultOf(looped);
    const at = (name: string) => declared.parameters.find((parameter) => parameter.name.name === name)?.type.span ?? declared.name.span;
    if (z.dtype === "i32")
      this.refuse("sampler-tensor", at(latent), { what: `the latent \`${latent}\``, expected: "of floats", found: showTensor(z) });
    if (t.dtype === "i32" || t.shape.length !== 1) {
      const what = `the time step \`${time}\``;
      this.refuse("sampler-tensor", at(time), { what, expected: "one float a clip, `Tensor<f32, [B]>`", found: showTensor(t) });
    }
    if (z.shape[0] !== result.shape[0] || !beyondBatch(result, z)) {
      const what = `what \`${looped.name}\` returns`;
      const expected = `as the latent \`${latent}\`, ${showTensor(z)}`;
      this.refuse("sampler-tensor", declared.result.span, { what, expected, found: showTensor(result) });
    }
  }

  private conditions(looped: Graph | undefined, varying: readonly string[]): ConditionSpec[] {
    const fields = recordOf(this.field("conditions"));
    const names = this.graphDeclared(this.declaration.graph.name).parameters.map((parameter) => parameter.name.name);
    return names
      .filter((name) => !varying.includes(name))
      .map((name) => this.condition(name, recordOf(fields.get(name)), looped && inputOf(looped, name)));
  }

  /** An input that no condition declares is a tensor that is fed by name, the same in both halves. */
  private condition(name: string, fields: ReadonlyMap<string, Expression>, tensor: Tensor | undefined): ConditionSpec {
    const [from, encoder, unguided] = ["from", "encoder", "unguided"].map((field) => fields.get(field));
    const source = (from?.kind === "string" ? from.value : "tensor") as Source;
    const graph = encoder?.kind === "name" ? encoder.name : null;
    const spec = { name, from: source, encoder: graph, unguided: this.unguided(name, unguided, source, tensor) };
    if (tensor === undefined || from === undefined) return spec;
    if (encoder !== undefined) this.checkEncoder(spec, encoder.span, tensor);
    else this.checkEntry(source, `\`${name}\``, tensor, this.declaredDtype(name), from.span);
    return spec;
  }

  private unguided(name: string, value: Expression | undefined, source: Source, tensor: Tensor | undefined): number | string | null {
    if (value === undefined || (value.kind === "string" && value.value === same)) return null;
    const read = evaluateFields(this.configuration, [{ name: { name, span: value.span }, value, span: value.span }]);
    if (!read.ok) {
      this.faults.push(...read.diagnostics);
      return null;
    }
    const found = plainOf(read.value.get(name));
    if (source === "text") return String(found);
    const ids = tensor?.dtype === "i32" ? (this.boundOf(name) ?? Number.POSITIVE_INFINITY) : undefined;
    const whole = ids === undefined || (Number.isSafeInteger(found) && (found as number) >= 0 && (found as number) < ids);
    if (!whole || !Number.isFinite(found)) {
      const most = ids === undefined || ids === Number.POSITIVE_INFINITY ? "" : ` to ${ids - 1}`;
      const expected = ids === undefined ? "a finite number" : `a whole number from 0${most}`;
      this.refuse("sampler-value", sourceOfValue(this.configuration, value), { name: "unguided", expected, found: shown(found) });
    }
    return found as number;
  }

  /** The graph takes what the source makes, and gives what the condition is. */
  private checkEncoder({ name, from, encoder, unguided }: ConditionSpec, span: Span, tensor: Tensor): void {
    const graph = this.graphs.get(encoder ?? "");
    if (graph === undefined) return;
    const input = this.onlyInput(graph, span);
    if (input === undefined) return;
    const entry = inputOf(graph, input);
    const dtype = this.declaredDtype(input, graph.name);
    if (!this.checkEntry(from, `\`${input}\` of \`${graph.name}\``, entry, dtype, span)) return;
    const result = resultOf(graph);
    const pieces = from === "text" ? piecesOf(result, tensor) : beyondBatch(result, tensor) ? 1 : undefined;
    const rows = (tensor.shape[0] ?? 0) * (typeof unguided === "string" ? 2 : 1) * (pieces ?? 1);
    const fits = (result.shape[0] ?? 0) === (entry.shape[0] ?? 0) && rows % (entry.shape[0] ?? 1) === 0;
    if (fits && pieces !== undefined) return this.checkRows(graph);
    const holes = { what: `what \`${graph.name}\` returns`, expected: `as \`${name}\`, ${showTensor(tensor)}`, found: showTensor(result) };
    const [one, all] = [result.axes[1], (tensor.shape[1] ?? 0) / (result.shape[1] ?? 1)];
    const unnamed = from === "text" && pieces === undefined && isMultiple(result, tensor);
    const hint = `where each text is several pieces of ${one} tokens, name its axis so: \`${one} * ${all}\`, or ${one} times a param`;
    this.refuse("sampler-tensor", span, holes, unnamed ? { hint } : {});
  }

  /** What a source makes: `tensor` is the condition itself, or what its encoder takes. */
  private checkEntry(source: Source, what: string, tensor: Tensor, dtype: string, span: Span): boolean {
    const rank = tensor.shape.length;
    const wanted: { readonly [S in Source]: readonly [holds: boolean, expected: string] } = {
      text: [tensor.dtype === "i32" && rank === 2, "tokens, `Tensor<i32, [B, L]>`, as it comes from text"],
      image: [isPictures(tensor), "pictures, `[B, 3, H, W]` or `[B, F, 3, H, W]` of floats, as it comes from an image"],
      number: [dtype === "f32" && rank === 1, "one f32 a clip, `Tensor<f32, [B]>`, as it comes from a number"],
      class: [tensor.dtype === "i32" && rank === 1, "one i32 a clip, `Tensor<i32, [B]>`, as it comes from a class"],
      tensor: [true, "a tensor"],
    };
    const [holds, expected] = wanted[source];
    if (!holds) this.refuse("sampler-tensor", span, { what, expected, found: showTensor({ ...tensor, dtype }) });
    return holds;
  }

  /** The graph that a field names, and its input; undefined where that is not just one, or there is no loop to look at it beside. */
  private oneInputGraph(field: string, looped: Graph | undefined) {
    const named = this.field(field);
    const value = named?.kind === "name" ? named : undefined;
    const graph = value && this.graphs.get(value.name);
    return { value, graph, input: looped && graph && value && this.onlyInput(graph, value.span) };
  }

  private frames(looped: Graph | undefined, latent: string): string | null {
    const { value, graph, input } = this.oneInputGraph("frames", looped);
    if (value === undefined) return null;
    if (graph === undefined || input === undefined || looped === undefined) return value.name;
    const [z, taken, result] = [inputOf(looped, latent), inputOf(graph, input), resultOf(graph)];
    if (!beyondBatch(taken, z) || (z.shape[0] ?? 0) % (taken.shape[0] ?? 1) !== 0) {
      const holes = {
        what: `\`${input}\` of \`${graph.name}\``,
        expected: `as the latent \`${latent}\`, ${showTensor(z)}`,
        found: showTensor(taken),
      };
      this.refuse("sampler-tensor", value.span, holes);
    } else if (!isPictures(result)) {
      const expected = "pictures, `[B, 3, H, W]` or `[B, F, 3, H, W]` of floats";
      this.refuse("sampler-tensor", value.span, { what: `what \`${graph.name}\` returns`, expected, found: showTensor(result) });
    } else this.checkRows(graph);
    return value.name;
  }

  private latents(looped: Graph | undefined, latent: string): string | null {
    const { value, graph, input } = this.oneInputGraph("latents", looped);
    if (value === undefined) return null;
    if (graph === undefined || input === undefined || looped === undefined) return value.name;
    const [z, taken, result] = [inputOf(looped, latent), inputOf(graph, input), resultOf(graph)];
    const frames = this.decoded();
    const refuse = (what: string, expected: string, found: Tensor) =>
      this.refuse("sampler-tensor", value.span, { what, expected, found: showTensor(found) });
    const takes = `\`${input}\` of \`${graph.name}\``;
    if (!isPictures(taken)) refuse(takes, "pictures, `[B, 3, H, W]` or `[B, F, 3, H, W]` of floats", taken);
    else if (frames !== undefined && !beyondBatch(taken, frames)) refuse(takes, `as the frames, ${showTensor(frames)}`, taken);
    else if (taken.shape.length !== z.shape.length) refuse(takes, `with the axes of the latent, ${showTensor(z)}`, taken);
    else if (!beyondBatch(result, z) || (z.shape[0] ?? 0) % (taken.shape[0] ?? 1) !== 0 || result.shape[0] !== taken.shape[0]) {
      refuse(`what \`${graph.name}\` returns`, `as the latent \`${latent}\`, ${showTensor(z)}`, result);
    } else this.checkRows(graph);
    return value.name;
  }

  /** What `frames` makes of the latent, where that is right. */
  private decoded(): Tensor | undefined {
    const value = this.field("frames");
    const graph = value?.kind === "name" ? this.graphs.get(value.name) : undefined;
    return graph && isPictures(resultOf(graph)) ? resultOf(graph) : undefined;
  }

  /** It may take several rows at once, and must give of each what it would give of it alone. */
  private checkRows(graph: Graph): void {
    const found = unmixed(this.configuration, this.graphDeclared(graph.name), graph);
    if (!found.ok) this.faults.push(...found.diagnostics);
  }

  /** As the source declares it: a graph of which only shapes are known has more. */
  private onlyInput(graph: Graph, span: Span): string | undefined {
    const [first, ...others] = this.graphDeclared(graph.name).parameters.map((parameter) => parameter.name.name);
    if (first !== undefined && others.length === 0) return first;
    const found = first === undefined ? "one with none" : `one with ${others.length + 1}`;
    this.refuse("sampler-tensor", span, { what: `\`${graph.name}\``, expected: "a graph with one input", found });
    return undefined;
  }

  private field(name: string): Expression | undefined {
    return this.declaration.fields.find((field) => field.name.name === name)?.value;
  }

  private boundOf(input: string): number | undefined {
    const looped = this.graphs.get(this.declaration.graph.name);
    return looped && idBounds(looped).get(input);
  }

  private graphDeclared(name: string) {
    return declaredGraph(this.configuration, name);
  }

  /** The element type as it is written: `float` differs from `f32` in a build of halves. */
  private declaredDtype(input: string, graph = this.declaration.graph.name): string {
    const parameter = this.graphDeclared(graph).parameters.find((one) => one.name.name === input);
    return (parameter && signatureShape(this.configuration.program, parameter.type, this.configuration.file)?.dtype) ?? "";
  }

  private refuse(...told: Parameters<typeof expandDiagnostic>): void {
    this.faults.push(expandDiagnostic(...told));
  }
}

function recordOf(value: Expression | undefined): ReadonlyMap<string, Expression> {
  return new Map((value?.kind === "record" ? value.fields : []).map((field) => [field.name.name, field.value]));
}
