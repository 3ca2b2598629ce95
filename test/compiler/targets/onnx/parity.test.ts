// The ONNX nodes of every op compute what its reference does, on ONNX Runtime.
import { describe, expect, it } from "vitest";
import type { TensorType } from "../../../../compiler/graph/graph.ts";
import { opTable } from "../../../../compiler/ops/table.ts";
import { byOnnx, byReference, graphOf, randomNumbers, randomRun, relativeError } from "../../ops/one-op.ts";
import { build, type Case, cases, titled } from "./op-cases.ts";

describe("ONNX Runtime agrees with the reference", () => {
  // f32 sums of up to a few hundred terms of size 1, and transcendental functions approximated to a few units of the last place.
  it.each(titled)("f32 %s", async (_title, row) => {
    const graph = build(row, "f32");
    const run = randomRun(graph, 7, 2);
    expect(relativeError(await byOnnx(graph, run), byReference(graph, run))).toBeLessThan(1e-5);
  });

  // Each half has 11 bits, so a rounding errs by 5e-4; an attention rounds about ten times on the way, some before an exponential.
  it.each(titled)("f16 %s", async (_title, row) => {
    const graph = build(row, "f16");
    const run = randomRun(graph, 7, 2);
    expect(relativeError(await byOnnx(graph, run), byReference(graph, run))).toBeLessThan(2e-2);
  });

  it.each(["f32", "f16"] as const)("embedding and sinusoid make %s", async (dtype) => {
    const tokens = graphOf("embedding", [{ dtype: "i32", shape: [2, 5] }], { vocabulary: 6, width: 4 });
    const run = randomRun(tokens, 3, 1.9);
    expect(relativeError(await byOnnx(tokens, run), byReference(tokens, run))).toBe(0);
    const steps = graphOf("sinusoid", [{ dtype: "f32", shape: [3] }], { width: 8, dtype });
    const angles = randomRun(steps, 3, 999);
    // At t = 999 an f32 angle errs by 3e-5, and so does its cosine.
    expect(relativeError(await byOnnx(steps, angles), byReference(steps, angles))).toBeLessThan(dtype === "f32" ? 1e-4 : 2e-3);
    // Numbers of the graph's own, such as places of frames, are of its precision.
    const places = graphOf("sinusoid", [{ dtype, shape: [3] }], { width: 8, dtype });
    const small = randomRun(places, 3, 1);
    expect(relativeError(await byOnnx(places, small), byReference(places, small))).toBeLessThan(dtype === "f32" ? 1e-4 : 2e-3);
  });

  it.each(["f32", "f16"] as const)("gather and rotary at numbers of i32, and sinusoid's variants, make %s", async (dtype) => {
    for (const [shape, indices, axis] of [
      [[5, 4], [2, 3], 0],
      [[2, 5, 4], [3, 2], 1],
      [[3, 5], [7], 1],
      [[3, 5], [], 0],
    ] as const) {
      const graph = graphOf(
        "gather",
        [
          { dtype, shape },
          { dtype: "i32", shape: indices },
        ],
        { axis },
      );
      const run = randomRun(graph, 5);
      expect(relativeError(await byOnnx(graph, run), byReference(graph, run))).toBe(0);
    }
    for (const [shape, indices, axis] of [
      [[2, 3, 4], [2, 3], 0],
      [[2, 9, 4], [9], 1],
      [[3, 7], [7], 1],
    ] as const) {
      const graph = graphOf(
        "scatterAdd",
        [
          { dtype, shape },
          { dtype: "i32", shape: indices },
        ],
        { axis, size: 4 },
      );
      const run = randomRun(graph, 5);
      // Sums of a few numbers, which halves are rounded to once.
      expect(relativeError(await byOnnx(graph, run), byReference(graph, run))).toBeLessThan(dtype === "f32" ? 1e-6 : 1e-3);
    }
    const turned = graphOf(
      "rotary",
      [
        { dtype, shape: [2, 3, 6] },
        { dtype: "i32", shape: [1, 3] },
      ],
      { pairs: "halves" },
    );
    const places = randomRun(turned, 5, 20);
    // Angles of some dozen radians, in f32; one rounding to halves of each product and the sum.
    expect(relativeError(await byOnnx(turned, places), byReference(turned, places))).toBeLessThan(dtype === "f32" ? 1e-5 : 2e-3);
    const variant = { width: 10, order: "sin-cos", shift: 1, maxPeriod: 100, scale: 0.5, dtype };
    const steps = graphOf("sinusoid", [{ dtype: "f32", shape: [3] }], variant);
    const angles = randomRun(steps, 3, 99);
    expect(relativeError(await byOnnx(steps, angles), byReference(steps, angles))).toBeLessThan(dtype === "f32" ? 1e-5 : 2e-3);
  });

  it("divides, and casts both ways", async () => {
    const quotient = graphOf("div", [
      { dtype: "f32", shape: [4, 1] },
      { dtype: "f32", shape: [4, 3] },
    ]);
    const run = {
      inputs: new Map([
        ["x0", { shape: [4, 1], data: Float32Array.of(1, -2, 3, 0) }],
        ["x1", { shape: [4, 3], data: Float32Array.from({ length: 12 }, (_, i) => i + 0.5) }],
      ]),
      weights: new Map(),
    };
    expect(relativeError(await byOnnx(quotient, run), byReference(quotient, run))).toBeLessThan(1e-6);
    const cut = graphOf("cast", [{ dtype: "f32", shape: [4] }], { to: "i32" });
    const fractions = { inputs: new Map([["x0", { shape: [4], data: Float32Array.of(1.9, -1.9, 0.5, 3) }]]), weights: new Map() };
    expect([...(await byOnnx(cut, fractions)).data]).toEqual([1, -1, 0, 3]);
    expect([...byReference(cut, fractions).data]).toEqual([1, -1, 0, 3]);
  });

  it("takes roots of positive numbers, and of a negative one none", async () => {
    const graph = graphOf("sqrt", [{ dtype: "f32", shape: [5] }]);
    const data = Float32Array.of(0, 1e-12, 2, 6.25, 1e30);
    const run = (numbers: Float32Array) => ({ inputs: new Map([["x0", { shape: [5], data: numbers }]]), weights: new Map() });
    const found = await byOnnx(graph, run(data));
    expect([...found.data]).toEqual([...byReference(graph, run(data)).data]);
    const negative = run(data.map((x) => -x - 1));
    expect([...(await byOnnx(graph, negative)).data, ...byReference(graph, negative).data].every(Number.isNaN)).toBe(true);
  });

  it("takes logarithms of positive numbers, and of a negative one none", async () => {
    const graph = graphOf("log", [{ dtype: "f32", shape: [5] }]);
    const run = (numbers: Float32Array) => ({ inputs: new Map([["x0", { shape: [5], data: numbers }]]), weights: new Map() });
    const data = run(Float32Array.of(1, 1e-12, 2, 6.25, 1e30));
    // An ulp of 69, where engines take the nearest number or the one beside it.
    expect(relativeError(await byOnnx(graph, data), byReference(graph, data))).toBeLessThan(2e-7);
    const zero = run(Float32Array.of(0, 0, 0, 0, 0));
    expect([...(await byOnnx(graph, zero)).data, ...byReference(graph, zero).data]).toEqual(new Array(10).fill(Number.NEGATIVE_INFINITY));
    const negative = run(Float32Array.of(-1, -1e-12, -2, -6.25, -1e30));
    expect([...(await byOnnx(graph, negative)).data, ...byReference(graph, negative).data].every(Number.isNaN)).toBe(true);
  });

  it("covers every op of the table", () => {
    const tested = new Set([...cases.map(([op]) => op), "embedding", "sinusoid", "gather", "scatterAdd", "div", "cast", "sqrt", "log"]);
    expect(Object.keys(opTable).filter((op) => !tested.has(op))).toEqual([]);
  });
});

describe("on random shapes", () => {
  const random = randomNumbers(20221120);
  const upTo = (most: number): number => 1 + Math.floor(Math.abs(random()) * most * 0.999);
  const shape = (rank: number): number[] => Array.from({ length: rank }, () => upTo(5));
  const makers: readonly (() => Case)[] = [
    () => {
      const kernel = upTo(3);
      const stride = Math.min(kernel, upTo(2));
      const padding = random() > 0 ? "same" : "end";
      return ["conv2d", [[...shape(upTo(2)), upTo(4), stride + upTo(6), stride + upTo(6)]], { out: upTo(5), kernel, stride, padding }];
    },
    () => ["linear", [shape(upTo(4))], { out: upTo(6), bias: random() > 0 }],
    () => {
      const groups = upTo(3);
      // At least two elements a group: of one, the deviation is zero and only eps is tested.
      return ["groupNorm", [[...shape(upTo(2)), groups * upTo(3), upTo(4), 1 + upTo(4)]], { groups }];
    },
    () => {
      const [heads, n, s, width] = [upTo(3), upTo(3), upTo(6), upTo(4)];
      const causal = random() > 0;
      const t = causal ? s : upTo(6);
      return [
        "attend",
        [
          [n, s, heads * width],
          [n, t, heads * width],
          [n, t, heads * width],
        ],
        { heads, causal },
      ];
    },
  ];

  it.each(Array.from({ length: 40 }, (_, i) => [i]))("case %i", async (i) => {
    const row = (makers[i % makers.length] ?? (() => ["silu", [[1]]] as Case))();
    const graph = build(row, "f32");
    const run = randomRun(graph, i + 1);
    // As above; rows of very few elements have small variances, which magnify the rounding of their input.
    expect(relativeError(await byOnnx(graph, run), byReference(graph, run)), JSON.stringify(row)).toBeLessThan(3e-5);
  });
});

describe("hard numbers", () => {
  it("a norm whose mean is far larger than its deviation keeps its digits", async () => {
    const type: TensorType = { dtype: "f32", shape: [1, 4, 16, 16] };
    const graph = graphOf("groupNorm", [type], { groups: 2 });
    const run = randomRun(graph, 5);
    const moved = { shape: type.shape, data: run.inputs.get("x0")?.data.map((x) => x + 100) ?? new Float32Array() };
    const far = { ...run, inputs: new Map([["x0", moved]]) };
    // An f32 at 100 is spaced by 8e-6, and the mean errs by as much: 1e-5 of the deviation, and a few times that in all.
    expect(relativeError(await byOnnx(graph, far), byReference(graph, far))).toBeLessThan(5e-5);
  });

  it("squares that leave the range of halves survive in f16", async () => {
    const graph = graphOf("layerNorm", [{ dtype: "f16", shape: [2, 64] }]);
    const run = randomRun(graph, 5, 5000);
    // One rounding to 11 bits at the end.
    expect(relativeError(await byOnnx(graph, run), byReference(graph, run))).toBeLessThan(2e-3);
  });

  it("softmax of large logits neither overflows nor loses its sum", async () => {
    const graph = graphOf("softmax", [{ dtype: "f32", shape: [2, 4] }], { axis: 1 });
    const run = {
      inputs: new Map([["x0", { shape: [2, 4], data: Float32Array.of(1e4, 1e4, -1e4, 0, 88, 89, 90, 91) }]]),
      weights: new Map(),
    };
    const expected = byReference(graph, run);
    expect([...expected.data.slice(0, 4)]).toEqual([0.5, 0.5, 0, 0]);
    expect(relativeError(await byOnnx(graph, run), expected)).toBeLessThan(1e-6);
  });

  it.each(["maskedSoftmax", "attend"] as const)("%s: what is masked changes no bit", async (op) => {
    const causal = op === "attend";
    const shape = causal ? [3, 16, 48] : [3, 4, 16, 16];
    const inputs = causal ? [shape, shape, shape] : [shape];
    const graph = graphOf(
      op,
      inputs.map((each) => ({ dtype: "f32", shape: each })),
      causal ? { heads: 4, causal } : {},
    );
    const run = randomRun(graph, 11);
    const changed = new Map(
      [...run.inputs].map(([name, { data }]) => [
        name,
        { shape, data: Float32Array.from(data, (x, i) => (masked(i, shape, causal) ? 1e3 * x + 7 : x)) },
      ]),
    );
    for (const compute of [byOnnx, async (g: typeof graph, r: typeof run) => byReference(g, r)]) {
      const [before, after] = [await compute(graph, run), await compute(graph, { ...run, inputs: changed })];
      const seen = (_: number, i: number) => !masked(i, shape, causal);
      expect([...after.data].filter(seen)).toEqual([...before.data].filter(seen));
      expect([...after.data]).not.toEqual(causal ? [...before.data] : []);
    }
  });

  /** Of scores the columns behind the diagonal; of tokens the last six. */
  function masked(index: number, shape: readonly number[], tokens: boolean): boolean {
    const [rows = 1, columns = 1] = shape.slice(-2);
    const row = Math.floor(index / columns) % rows;
    return tokens ? row >= 10 : index % columns > row;
  }
});
