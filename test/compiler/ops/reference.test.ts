// The references of the ops, against values worked out by hand or published; golden tensors of PyTorch are tested elsewhere.

import { describe, expect, it } from "vitest";
import { interpret } from "../../../compiler/analysis/interpret.ts";
import type { OpName } from "../../../compiler/graph/op-names.ts";
import { erf } from "../../../compiler/ops/reference/erf.ts";
import { apply, given, rounded, upward } from "./by-hand.ts";
import { byReference, graphOf, randomRun } from "./one-op.ts";

describe("linear and matmul", () => {
  it("multiplies rows with the weight's rows, across the blocks of four", () => {
    const weight = [1, 0, 0, 1, 1, 1, 2, 0, 0, 2, -1, 1];
    const made = apply("linear", [given([2, 2], [3, 5, 7, 11])], { out: 6 }, { weight, bias: [0, 0, 0, 0, 0, 100] });
    expect(made.data).toEqual([3, 5, 8, 6, 10, 102, 7, 11, 18, 14, 22, 104]);
  });

  it("multiplies each pair of matrices of a batch", () => {
    const made = apply("matmul", [given([2, 1, 2], [1, 2, 3, 4]), given([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])]);
    expect(made).toEqual({ shape: [2, 1, 2], data: [7, 10, 43, 50] });
  });
});

describe("norms", () => {
  it("groupNorm takes its statistics frame by frame, over a group's channels and pixels", () => {
    const frames = given([1, 2, 2, 1, 2], [0, 2, 4, 6, 100, 100, 100, 104]);
    const one = apply("groupNorm", [frames], { groups: 1, eps: 0 }, { weight: [1, 2], bias: [0, 1] });
    // Frame 0: mean 3, variance 5. Frame 1: mean 101, variance 3.
    const [r5, r3] = [Math.sqrt(5), Math.sqrt(3)];
    const expected = [-3 / r5, -1 / r5, 2 / r5 + 1, 6 / r5 + 1, -1 / r3, -1 / r3, -2 / r3 + 1, 6 / r3 + 1];
    expect(rounded(one.data, 6)).toEqual(rounded(expected, 6));
    const two = apply("groupNorm", [given([1, 2, 1, 2], [0, 2, 4, 8])], { groups: 2, eps: 0 }, { weight: [1, 1], bias: [0, 0] });
    expect(two.data).toEqual([-1, 1, -1, 1]);
  });

  it("rmsNorm divides by the root of the mean square, eps inside the root, and keeps the mean", () => {
    // (1 + 49) / 2 is 25, whose root is 5; with 75 more it is 10.
    const made = apply("rmsNorm", [given([2, 2], [1, 7, 5, 5])], { eps: 0 }, { weight: [1, 2] });
    expect([...made.data].map((x) => Number(x.toFixed(6)))).toEqual([0.2, 2.8, 1, 2]);
    const shifted = apply("rmsNorm", [given([1, 2], [1, 7])], { eps: 75 }, { weight: [1, 1] });
    expect([...shifted.data].map((x) => Number(x.toFixed(6)))).toEqual([0.1, 0.7]);
  });

  it("without affine own no weights, and neither scale nor shift", () => {
    expect(graphOf("layerNorm", [{ dtype: "f32", shape: [2, 2] }], { affine: false }).values.map(({ kind }) => kind)).toEqual([
      "input",
      "op",
    ]);
    expect(apply("layerNorm", [given([2, 2], [1, 3, 10, 10])], { eps: 3, affine: false }).data).toEqual([-0.5, 0.5, 0, 0]);
    expect(rounded(apply("rmsNorm", [given([2, 2], [1, 7, 5, 5])], { eps: 0, affine: false }).data, 6)).toEqual([0.2, 1.4, 1, 1]);
  });

  it("layerNorm normalises the last axis, eps inside the root", () => {
    const made = apply("layerNorm", [given([2, 2], [1, 3, 10, 10])], { eps: 3 }, { weight: [1, 2], bias: [0, 5] });
    expect(made.data).toEqual([-0.5, 6, 0, 5]);
  });
});

describe("attend", () => {
  it("splits the channels into heads, and scales by the root of a head's width", () => {
    // Head 0 sees logits (0, ln 3) after the scale, head 1 equal ones.
    const query = given([1, 1, 8], [2 * Math.log(3), 0, 0, 0, 0, 0, 0, 0]);
    const key = given([1, 2, 8], [0, 0, 0, 0, 9, 9, 9, 9, 1, 0, 0, 0, 5, 5, 5, 5]);
    const value = given([1, 2, 8], [0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(rounded(apply("attend", [query, key, value], { heads: 2 }).data, 5)).toEqual([3, 4, 5, 6, 6, 7, 8, 9]);
  });

  it("causal: the first token gets its own value, the second an average of two", () => {
    const zeros = given([1, 3, 1], [0, 0, 0]);
    const made = apply("attend", [zeros, zeros, given([1, 3, 1], [3, 9, 6])], { heads: 1, causal: true });
    expect(made.data).toEqual([3, 6, 6]);
  });

  it("adds a bias to the scaled scores, by clip, head, query and key", () => {
    const zeros = (n: number, tokens: number) => given([n, tokens, 2], new Array<number>(n * tokens * 2).fill(0));
    const value = given([1, 2, 2], [0, 0, 4, 8]);
    // Weights e^b / sum: of ln 3 and 0 they are 3/4 and 1/4, of 0 and ln 3 the reverse.
    const ln3 = Math.log(3);
    const bias = given([1, 2, 2, 2], [ln3, 0, 0, ln3, 0, 0, 0, -1e4]);
    const made = apply("attend", [zeros(1, 2), zeros(1, 2), value, bias], { heads: 2 });
    expect(rounded(made.data, 5)).toEqual([1, 4, 3, 0]);
    // One number a key, for all queries; with the scale 1 / sqrt 2 unscaled scores of sqrt(2) ln 3 are undone.
    const query = given([1, 1, 2], [Math.SQRT2 * ln3, 0]);
    const key = given([1, 2, 2], [1, 0, 0, 0]);
    const undone = apply("attend", [query, key, value, given([1, 1, 1, 2], [-ln3, 0])], { heads: 1 });
    expect(rounded(undone.data, 5)).toEqual([2, 4]);
    // Clips have biases of their own.
    const two = given([2, 2, 2], [0, 0, 4, 8, 0, 0, 4, 8]);
    const clips = apply("attend", [zeros(2, 1), zeros(2, 2), two, given([2, 1, 1, 2], [0, -1e4, -1e4, 0])], { heads: 1 });
    expect(clips.data).toEqual([0, 0, 4, 8]);
  });

  it("counts both products over the full square", async () => {
    const { costOf } = await import("../../../compiler/analysis/cost.ts");
    const type = (tokens: number) => ({ dtype: "f32", shape: [2, tokens, 8] }) as const;
    expect(costOf(graphOf("attend", [type(3), type(5), type(5)], { heads: 2 }), 1).flops).toBe(2 * (2 * 3 * 5 * 8) * 2);
  });
});

describe("functions of one element", () => {
  it("erf has the published values (Abramowitz and Stegun, table 7.1)", () => {
    expect(erf(0.5)).toBeCloseTo(0.5204998778, 10);
    expect(erf(1)).toBeCloseTo(0.8427007929, 10);
    expect(erf(2)).toBeCloseTo(0.995322265, 9);
    expect(1 - erf(3.5)).toBeCloseTo(7.43098e-7, 11);
    expect(erf(-1)).toBe(-erf(1));
    expect([erf(0), erf(40)]).toEqual([0, 1]);
  });

  it("gelu is the exact one", () => {
    const [half, one, minus] = apply("gelu", [given([3], [0.5, 1, -1])]).data;
    expect(half).toBeCloseTo(0.345731, 6);
    // The tanh form gives 0.841192 here.
    expect(one).toBeCloseTo(0.841345, 6);
    expect(minus).toBeCloseTo(-0.158655, 6);
  });

  it("gelu in its tanh form is 5e-4 off the exact one at most", () => {
    const [half, one, minus, far] = apply("gelu", [given([4], [0.5, 1, -1, -30])], { approximate: "tanh" }).data;
    // tanh(0.797885 * 0.505589) = 0.382856, tanh(0.797885 * 1.044715) = 0.682384.
    expect(half).toBeCloseTo(0.345714, 6);
    expect(one).toBeCloseTo(0.841192, 6);
    expect(minus).toBeCloseTo(-0.158808, 6);
    expect(far).toBeCloseTo(0, 12);
  });

  it("relu, abs, sqrt, log, sin, cos", () => {
    const of = (op: OpName, ...numbers: number[]) => rounded(apply(op, [given([numbers.length], numbers)]).data, 6);
    expect(of("relu", -2, 0, 3)).toEqual([0, 0, 3]);
    expect(of("abs", -2, 0, 3)).toEqual([2, 0, 3]);
    expect(of("sqrt", 0, 2.25, 1e6)).toEqual([0, 1.5, 1000]);
    expect(of("sqrt", -1)).toEqual([Number.NaN]);
    expect(of("log", 1, Math.E, 1e6)).toEqual([0, 1, 13.815511]);
    expect(of("log", 0, -1)).toEqual([Number.NEGATIVE_INFINITY, Number.NaN]);
    // Degrees 30, 90, and a thousand radians (159 turns and 0.97 rad).
    expect(of("sin", Math.PI / 6, Math.PI / 2, 1000)).toEqual([0.5, 1, 0.82688]);
    expect(of("cos", Math.PI / 3, 0, 1000)).toEqual([0.5, 1, 0.562379]);
  });

  it("silu, quickGelu, sigmoid, tanh, exp at 1", () => {
    const at1 = (op: OpName) => apply(op, [given([1], [1])]).data[0];
    expect(at1("silu")).toBeCloseTo(0.731059, 6);
    expect(at1("quickGelu")).toBeCloseTo(0.845796, 6);
    expect(at1("sigmoid")).toBeCloseTo(0.731059, 6);
    expect(at1("tanh")).toBeCloseTo(0.761594, 6);
    expect(at1("exp")).toBeCloseTo(Math.E, 6);
    expect(apply("silu", [given([2], [-1000, 1000])]).data).toEqual([-0, 1000]);
  });

  it("geglu scales the first half by gelu of the second", () => {
    const made = apply("geglu", [given([2, 4], [2, 3, 1, 0, 5, 7, 0, 1])]);
    expect(made.shape).toEqual([2, 2]);
    expect(rounded(made.data, 5)).toEqual([1.68269, 0, 0, 5.88941]);
  });
});

describe("softmax, sinusoid, upsample", () => {
  it("softmax runs along its axis only", () => {
    const ln = Math.log;
    expect(rounded(apply("softmax", [given([2, 2], [0, 0, ln(3), ln(4)])], { axis: 0 }).data, 6)).toEqual([0.25, 0.2, 0.75, 0.8]);
    expect(apply("maskedSoftmax", [given([2, 2], [5, 500, 1, 1])]).data).toEqual([1, 0, 0.5, 0.5]);
  });

  it("sum, mean and max run along their axis only, which stays", () => {
    const x = given([2, 3, 2], [1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -18]);
    expect(apply("sum", [x], { axis: 1 })).toEqual({ shape: [2, 1, 2], data: [9, -12, 27, -36] });
    expect(apply("mean", [x], { axis: 1 }).data).toEqual([3, -4, 9, -12]);
    expect(apply("mean", [x], { axis: 0 })).toEqual({ shape: [1, 3, 2], data: [4, -5, 6, -7, 8, -12] });
    expect(apply("max", [x], { axis: 2 })).toEqual({ shape: [2, 3, 1], data: [1, 3, 5, 7, 9, 11] });
    expect(apply("max", [x], { axis: 1 }).data).toEqual([5, -2, 11, -8]);
  });

  it("sinusoid puts cosines before sines, the first at frequency 1 and falling to 1/10000 of it", () => {
    const made = apply("sinusoid", [given([1], [2])], { width: 4 });
    expect(rounded(made.data, 6)).toEqual(rounded([Math.cos(2), Math.cos(0.02), Math.sin(2), Math.sin(0.02)], 6));
  });

  it("sinusoid's variants: sines first, a shift of the exponent, another longest period, a scale", () => {
    // The second of two frequencies is 16^(-1 / (2 - 1)) instead of 16^(-1 / 2).
    const attributes = { width: 4, order: "sin-cos", shift: 1, maxPeriod: 16, scale: 3 };
    const made = apply("sinusoid", [given([1], [2])], attributes);
    expect(rounded(made.data, 6)).toEqual(rounded([Math.sin(6), Math.sin(6 / 16), Math.cos(6), Math.cos(6 / 16)], 6));
  });

  it("rotary turns pairs by the position: half a turn of the first, a quarter of the second, which is half as fast", () => {
    const turned = (pairs: string, position: number) =>
      rounded(apply("rotary", [given([1, 4], [1, 2, 3, 4]), given([1], [position])], { base: 4, pairs }).data, 6);
    expect(turned("interleaved", Math.PI)).toEqual([-1, -2, -4, 3]);
    expect(turned("halves", Math.PI)).toEqual([-1, -4, -3, 2]);
    expect(turned("halves", 0)).toEqual([1, 2, 3, 4]);
  });

  it("rotary takes one position for all along an axis of 1", () => {
    const x = upward([2, 2, 2]);
    const byToken = apply("rotary", [x, given([1, 2], [0, Math.PI / 2])]);
    expect(rounded(byToken.data, 6)).toEqual([1, 2, -4, 3, 5, 6, -8, 7]);
    const byBatch = apply("rotary", [x, given([2, 1], [0, Math.PI / 2])]);
    expect(rounded(byBatch.data, 6)).toEqual([1, 2, 3, 4, -6, 5, -8, 7]);
  });

  it("upsample repeats rows and columns", () => {
    expect(apply("upsample", [upward([1, 2, 1, 2])], { factor: 2 }).data).toEqual([1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
  });
});

describe("data movement", () => {
  it("concat, slice, transpose, broadcast", () => {
    expect(apply("concat", [upward([2, 1, 2]), given([2, 2, 2], [5, 6, 7, 8, 9, 10, 11, 12])], { axis: 1 }).data).toEqual([
      1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12,
    ]);
    expect(apply("slice", [upward([2, 3, 2])], { axis: 1, start: 1, size: 1 }).data).toEqual([3, 4, 9, 10]);
    expect(apply("transpose", [upward([2, 1, 3])], { permutation: [2, 0, 1] })).toEqual({ shape: [3, 2, 1], data: [1, 4, 2, 5, 3, 6] });
    expect(apply("broadcast", [upward([2, 1])], { shape: [2, 3] }).data).toEqual([1, 1, 1, 2, 2, 2]);
  });

  it("pad puts zeros ahead of and behind each run of its axis", () => {
    expect(apply("pad", [upward([2, 2, 2])], { axis: 1, before: 1, after: 2 })).toEqual({
      shape: [2, 5, 2],
      data: [0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 5, 6, 7, 8, 0, 0, 0, 0],
    });
    expect(apply("pad", [upward([2, 2])], { axis: 1, before: 0, after: 1 }).data).toEqual([1, 2, 0, 3, 4, 0]);
    expect(apply("pad", [upward([2])], { axis: 0, before: 0, after: 0 }).data).toEqual([1, 2]);
  });

  it("operators stretch axes of size 1 on either side", () => {
    expect(apply("sub", [upward([2, 1]), given([1, 2], [10, 20])])).toEqual({ shape: [2, 2], data: [-9, -19, -8, -18] });
    expect(apply("div", [given([2], [1, 6]), given([2], [4, 3])]).data).toEqual([0.25, 2]);
  });

  it("gather puts the axes of its indices in the place of one axis, and refuses an index outside of it", () => {
    const taken = (axis: number, shape: readonly number[], ...indices: number[]) => {
      const types = [
        { dtype: "f32", shape: [2, 3, 2] },
        { dtype: "i32", shape },
      ] as const;
      const inputs = new Map([
        ["x0", { shape: [2, 3, 2], data: Float32Array.from(upward([2, 3, 2]).data) }],
        ["x1", { shape, data: Int32Array.from(indices) }],
      ]);
      const { shape: made, data } = byReference(graphOf("gather", types, { axis }), { inputs, weights: new Map() });
      return { shape: made, data: [...data] };
    };
    expect(taken(1, [1, 2], 2, 0)).toEqual({ shape: [2, 1, 2, 2], data: [5, 6, 1, 2, 11, 12, 7, 8] });
    expect(taken(2, [3], 1, 1, 0)).toEqual({ shape: [2, 3, 3], data: [2, 2, 1, 4, 4, 3, 6, 6, 5, 8, 8, 7, 10, 10, 9, 12, 12, 11] });
    expect(taken(0, [], 1)).toEqual({ shape: [3, 2], data: [7, 8, 9, 10, 11, 12] });
    expect(() => taken(1, [1], 3)).toThrow("index 3 is not in an axis of 3");
    expect(() => taken(1, [1], -1)).toThrow("index -1 is not in an axis of 3");
  });

  it("scatterAdd adds up what lies at equal indices, and refuses an index outside of the axis", () => {
    const added = (axis: number, size: number, ...indices: number[]) => {
      const types = [
        { dtype: "f32", shape: [2, 3, 2] },
        { dtype: "i32", shape: [indices.length] },
      ] as const;
      const inputs = new Map([
        ["x0", { shape: [2, 3, 2], data: Float32Array.from(upward([2, 3, 2]).data) }],
        ["x1", { shape: [indices.length], data: Int32Array.from(indices) }],
      ]);
      const { shape, data } = byReference(graphOf("scatterAdd", types, { axis, size }), { inputs, weights: new Map() });
      return { shape, data: [...data] };
    };
    expect(added(0, 2, 1, 1)).toEqual({ shape: [2, 3, 2], data: [0, 0, 0, 0, 0, 0, 8, 10, 12, 14, 16, 18] });
    expect(added(1, 2, 1, 0, 1)).toEqual({ shape: [2, 2, 2], data: [3, 4, 6, 8, 9, 10, 18, 20] });
    expect(added(2, 3, 2, 0)).toEqual({ shape: [2, 3, 3], data: [2, 0, 1, 4, 0, 3, 6, 0, 5, 8, 0, 7, 10, 0, 9, 12, 0, 11] });
    expect(() => added(0, 2, 0, 2)).toThrow("index 2 is not in an axis of 2");
  });

  it("step is 0 at 0, as PyTorch's relu has its slope", () => {
    expect(apply("step", [given([5], [-1, -0, 0, 1e-30, 2])]).data).toEqual([0, 0, 0, 1, 1]);
  });

  it("embedding reads rows, and refuses a token outside of the vocabulary", () => {
    const graph = graphOf("embedding", [{ dtype: "i32", shape: [3] }], { vocabulary: 3, width: 2 });
    const table = { shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
    const look = (...tokens: number[]) => interpret(graph, new Map([["x0", { shape: [3], data: Int32Array.from(tokens) }]]), () => table);
    expect([...(look(2, 0, 2).get("y")?.data ?? [])]).toEqual([5, 6, 1, 2, 5, 6]);
    expect(() => look(0, 3, 0)).toThrow("token 3 is not in a vocabulary of 3");
  });
});

describe("interpret", () => {
  it("gives each op's value to the tap, and names what does not fit", () => {
    const graph = graphOf("linear", [{ dtype: "f32", shape: [1, 2] }], { out: 3 });
    const run = randomRun(graph, 1);
    const weight = (path: string) => run.weights.get(path) ?? { shape: [], data: new Float32Array() };
    const tapped: string[] = [];
    const outputs = interpret(graph, run.inputs, weight, (value, tensor) => tapped.push(`${value.op} ${tensor.shape}`));
    expect(tapped).toEqual(["linear 1,3"]);
    expect(outputs.get("y")?.shape).toEqual([1, 3]);
    expect(() => interpret(graph, new Map(), weight)).toThrow("input x0 is missing");
    const wrong = new Map([["x0", { shape: [2], data: new Float32Array(2) }]]);
    expect(() => interpret(graph, wrong, weight)).toThrow("input x0 should be [1, 2], but it is [2]");
  });
});
