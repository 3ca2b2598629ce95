/** The inputs of a loss to where each comes from, checked against the tensors that such a source makes. */

import { type Expression, type GraphDeclaration, type NameExpression, never, type Span } from "../../../dsl/index.ts";
import type { TrainSource } from "../../../dsl/training.ts";
import type { Graph } from "../../graph/graph.ts";
import type { TrainingInput, TrainingSource } from "../../module/training.ts";
import { upToOne } from "../../package/figure-rules.ts";
import type { Configuration } from "../configure.ts";
import { declaredGraph } from "../expand.ts";
import { shown } from "../plain-values.ts";
import { beyondBatch, inputOf, isPictures, resultOf, showTensor, type Tensor } from "../signatures.ts";
import { sourceOfValue } from "../source-of-value.ts";
import { signatureShape } from "../types.ts";
import type { StageFaults } from "./stage-faults.ts";

/** The size of clips in pixels, and their frames. */
export interface ClipShape {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

interface Input {
  readonly name: string;
  /** As the source writes it. */
  readonly tensor: Tensor;
  readonly span: Span;
}

/** Reads the inputs of all stages of a model, which are of the same clips. */
export class InputReading {
  /** Names of the graphs that clips are put through. */
  readonly encoders = new Set<string>();
  private readonly configuration: Configuration;
  private readonly graphs: ReadonlyMap<string, Graph>;
  private readonly faults: StageFaults;
  private sized: { readonly what: string; readonly shape: ClipShape; readonly timed: boolean } | undefined;

  constructor(configuration: Configuration, graphs: ReadonlyMap<string, Graph>, faults: StageFaults) {
    this.configuration = configuration;
    this.graphs = graphs;
    this.faults = faults;
  }

  get clip(): ClipShape | null {
    return this.sized?.shape ?? null;
  }

  of(loss: GraphDeclaration, graph: Graph, given: Expression | undefined): readonly TrainingInput[] {
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
        return { from, encoder: this.pixels(from, fields.get("encoder"), input) };
      case "text":
        this.expect(
          input,
          input.tensor.dtype === "i32" && input.tensor.shape.length === 2,
          "tokens, `Tensor<i32, [B, L]>`, as it comes from text",
        );
        return { from, ...this.text(fields) };
      case "label":
        this.expect(
          input,
          input.tensor.dtype === "i32" && input.tensor.shape.length === 1,
          "one class a clip, `Tensor<i32, [B]>`, as it comes from a label",
        );
        return { from, ...this.label(fields) };
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
    if (!holds) this.faults.refuse("train-tensor", span, { what: `\`${name}\``, expected, found: showTensor(tensor) });
  }

  /** Pixels reach the loss, or the graph that gives it what it takes. */
  private pixels(from: "clip" | "image", encoder: Expression | undefined, input: Input): string | null {
    if (encoder?.kind !== "name") {
      this.checkPixels(from, `\`${input.name}\``, input.tensor, input.span);
      return null;
    }
    this.encoder(from, encoder, input);
    return encoder.name;
  }

  private text(fields: ReadonlyMap<string, Expression>): { readonly dropped: number; readonly unguided: string } {
    const { dropped = 0, unguided = "" } = this.values(fields);
    if (!upToOne.holds(dropped)) this.refuseValue(fields, "dropped", upToOne.expected, dropped);
    return { dropped: dropped as number, unguided: unguided as string };
  }

  private label(fields: ReadonlyMap<string, Expression>): { readonly of: string; readonly classes: number } {
    const { of = "", classes = 2 } = this.values(fields);
    if (typeof classes !== "number" || classes < 2) this.refuseValue(fields, "classes", "a whole number from 2", classes);
    return { of: of as string, classes: classes as number };
  }

  /** What a source says beside where it comes from. */
  private values(fields: ReadonlyMap<string, Expression>): { readonly [name: string]: unknown } {
    const given = [...fields].flatMap(([name, value]) =>
      name === "from" ? [] : [{ name: { name, span: value.span }, value, span: value.span }],
    );
    return Object.fromEntries(this.faults.plainFields(this.configuration, given) ?? []);
  }

  private refuseValue(fields: ReadonlyMap<string, Expression>, name: string, expected: string, found: unknown): void {
    const place = fields.get(name);
    if (place !== undefined)
      this.faults.refuse("train-value", sourceOfValue(this.configuration, place), { name, expected, found: shown(found) });
  }

  /** The graph that pixels are put through for an input, or to be measured; undefined where it does not take them, or did not expand. */
  encoder(from: "clip" | "image", { name, span }: NameExpression, input: Input | undefined): { name: string; input: string } | undefined {
    const graph = this.graphs.get(name);
    const [parameter, ...others] = declaredGraph(this.configuration, name).parameters;
    if (graph === undefined) return undefined;
    if (parameter === undefined || others.length > 0) {
      const found = parameter === undefined ? "one with none" : `one with ${others.length + 1}`;
      this.faults.refuse("train-tensor", span, { what: `\`${name}\``, expected: "a graph with one input", found });
      return undefined;
    }
    this.encoders.add(name);
    const taken = inputOf(graph, parameter.name.name);
    const result = resultOf(graph);
    if (!this.checkPixels(from, `\`${parameter.name.name}\` of \`${name}\``, taken, span)) return undefined;
    if (input !== undefined && (!beyondBatch(result, input.tensor) || result.shape[0] !== taken.shape[0])) {
      const holes = {
        what: `what \`${name}\` returns`,
        expected: `as \`${input.name}\`, ${showTensor(input.tensor)}`,
        found: showTensor(result),
      };
      this.faults.refuse("train-tensor", span, holes);
    }
    return { name, input: parameter.name.name };
  }

  /** All stages read the same clips, so they are of one size. */
  private checkPixels(from: "clip" | "image", what: string, tensor: Tensor, span: Span): boolean {
    const ranks = from === "clip" ? [5] : [4, 5];
    if (!isPictures(tensor) || !ranks.includes(tensor.shape.length)) {
      const expected = `${from === "clip" ? "a clip's frames, `[B, F, 3, H, W]`" : "pictures, `[B, 3, H, W]` or `[B, F, 3, H, W]`"} of floats, as it comes from ${from === "clip" ? "a clip" : "an image"}`;
      this.faults.refuse("train-tensor", span, { what, expected, found: showTensor(tensor) });
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
      this.faults.refuse("train-tensor", span, { what, expected, found: showTensor(tensor) });
      return false;
    }
    return true;
  }
}

function isOfSize(a: ClipShape, b: ClipShape): boolean {
  return a.height === b.height && a.width === b.width;
}

/** The fields of a record as it is written. */
export function recordOf(value: Expression | undefined): ReadonlyMap<string, Expression> {
  return new Map((value?.kind === "record" ? value.fields : []).map((field) => [field.name.name, field.value]));
}
