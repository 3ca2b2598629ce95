/** Ops' requests to the nodes and initialisers of one ONNX graph, with unique names that follow the weight paths (law 6). */

import type { DType, TensorType } from "../../graph/graph.ts";
import type { Opset } from "./opsets.ts";
import { type Initialiser, makeExternal, makeInitialiser, makeNode, type Node, type NodeAttributes, onnxDataType } from "./proto.ts";

/** Channels that lie side by side in ONNX Runtime's blocked layout: 16 where the processor has AVX-512, else 8. */
export type Block = 8 | 16;

/** The operators that ONNX Runtime's CPU provider has for its blocked layout, [images, channels / block, height, width, block]: its own, and no part of ONNX. */
const blockedDomain = "com.microsoft.nchwc";

export class OnnxWriter {
  readonly opset: Opset;
  /** Where it is known, blocked operators may be written. */
  readonly block: Block | undefined;
  readonly nodes: Node[] = [];
  readonly initialisers: Initialiser[] = [];
  private readonly taken = new Set<string>();
  private readonly constants = new Map<string, string>();
  private readonly onesByCount = new Map<number, string>();
  private readonly blockedByKey = new Map<string, string>();
  private path = "";
  private doc = "";

  constructor(opset: Opset, block?: Block) {
    this.opset = opset;
    this.block = block;
  }

  /** Nodes written from here on are named below `path`, and say where they come from. */
  at(path: string, doc: string): void {
    this.path = path;
    this.doc = doc;
  }

  /** Takes a name that the graph's interface has fixed, so that no node gets it. */
  reserve(name: string): void {
    if (this.taken.has(name)) throw new Error(`onnx: the name ${name} is taken twice`);
    this.taken.add(name);
  }

  /** A node of one output, whose name is the node's. */
  node(opType: string, inputs: readonly string[], attributes: NodeAttributes = {}): string {
    const name = this.unique(this.path === "" ? opType : `${this.path}/${opType}`);
    this.nodes.push(makeNode(opType, name, inputs, [name], attributes, this.doc));
    return name;
  }

  /** A node of the blocked layout. Equal ones are written once: a value is reordered as often as it is read else. */
  blocked(opType: "Conv" | "ReorderInput" | "ReorderOutput", inputs: readonly string[], attributes: NodeAttributes = {}): string {
    const key = JSON.stringify([opType, inputs, attributes]);
    const known = this.blockedByKey.get(key);
    if (known !== undefined) return known;
    const name = this.unique(this.path === "" ? opType : `${this.path}/${opType}`);
    this.nodes.push(makeNode(opType, name, inputs, [name], attributes, this.doc, blockedDomain));
    this.blockedByKey.set(key, name);
    return name;
  }

  /** A node of two outputs. */
  twoOutputs(opType: string, inputs: readonly string[], attributes: NodeAttributes): readonly [string, string] {
    const name = this.unique(this.path === "" ? opType : `${this.path}/${opType}`);
    const outputs = [this.unique(`${name}:0`), this.unique(`${name}:1`)] as const;
    this.nodes.push(makeNode(opType, name, inputs, outputs, attributes, this.doc));
    return outputs;
  }

  /** Gives a value the name of the graph's output, which is reserved before; ONNX Runtime removes the node. */
  output(name: string, from: string): void {
    this.nodes.push(makeNode("Identity", `output/${name}`, [from], [name], {}, ""));
  }

  /**
   * An output by a node that stays. ONNX Runtime runs what the last node needs that nothing reads, then what the one before it needs: gradients that are written in
   * the order of the forward pass leave in that of the backward pass, and what each was made of is free. Else it goes the whole way back before it makes the first (measured: 1,477 to 1,389 MB, and to 955 of what is computed again).
   */
  orderedOutput(name: string, from: string): void {
    this.nodes.push(makeNode("Sum", `output/${name}`, [from], [name], {}, ""));
  }

  /** Nothing where the shapes are written alike; -1 stands for what is left over. */
  reshape(name: string, from: readonly number[], to: readonly number[]): string {
    const same = from.length === to.length && from.every((size, i) => size === to[i] || size === -1 || to[i] === -1);
    return same ? name : this.node("Reshape", [name, this.ints(to)]);
  }

  cast(name: string, from: DType, to: DType): string {
    return from === to ? name : this.node("Cast", [name], { to: onnxDataType(to) });
  }

  /** A list of 64-bit ints, as shapes and axes are given. */
  ints(values: readonly number[]): string {
    return this.constant("i64", [values.length], values);
  }

  /** Ones, computed while the model is loaded: as an initialiser they would be most of the file. As many are made once. */
  ones(count: number): string {
    const known = this.onesByCount.get(count);
    if (known !== undefined) return known;
    const name = this.unique(`ones.${count}`);
    this.nodes.push(makeNode("Expand", name, [this.scalar(1, "f32"), this.ints([count])], [name], {}, ""));
    this.onesByCount.set(count, name);
    return name;
  }

  /** A sum, a mean or a largest element along one axis, which stays; those but the sum take the axis as an input from opset 18 on. */
  reduce(opType: "ReduceSum" | "ReduceMean" | "ReduceMax", input: string, axis: number): string {
    const asInput = opType === "ReduceSum" || this.opset >= 18;
    return asInput
      ? this.node(opType, [input, this.ints([axis])], { keepdims: 1 })
      : this.node(opType, [input], { axes: [axis], keepdims: 1 });
  }

  /** A number that stretches to any shape. */
  scalar(value: number, dtype: DType): string {
    return this.constant(dtype, [], [value]);
  }

  /** A small tensor in the model file; equal ones are written once. */
  constant(dtype: DType | "i64", shape: readonly number[], data: readonly number[]): string {
    const key = `${dtype}[${shape.join(",")}]${data.map((element) => (Object.is(element, -0) ? "-0" : element)).join(",")}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const name = this.unique("constant");
    this.constants.set(key, name);
    this.initialisers.push(makeInitialiser(name, dtype, shape, data));
    return name;
  }

  /** A weight by its path, which is reserved before; its bytes stay in the weight file. */
  weight(path: string, type: TensorType, at: { location: string; offset: number; length: number }): void {
    this.initialisers.push(makeExternal(path, type, at));
  }

  private unique(wanted: string): string {
    let name = wanted;
    for (let copy = 2; this.taken.has(name); copy++) name = `${wanted}.${copy}`;
    this.taken.add(name);
    return name;
  }
}
