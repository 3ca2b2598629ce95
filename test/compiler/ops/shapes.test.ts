// What the shape rules say of values that do not fit, and the axes of those that do.

import { describe, expect, it } from "vitest";
import { plainAxis } from "../../../compiler/graph/axis.ts";
import type { Attributes, DType } from "../../../compiler/graph/graph.ts";
import { type AxisType, isProblem } from "../../../compiler/ops/op.ts";
import { axes, axis, B, channels, F, H, infer, refusal, value, W } from "./named-values.ts";

describe("refusals", () => {
  it("of operators", () => {
    const [left, right] = [value([B, F, channels(640), H, W]), value([B, F, channels(320), H, W])];
    expect(refusal("add", [left, right])).toMatchInlineSnapshot(
      `"shape-mismatch at call: \`+\` needs equal axes, but axis C is 640 on the left and 320 on the right"`,
    );
    expect(refusal("mul", [value([B, plainAxis(4)]), value([B, axis("S", 5)])])).toMatchInlineSnapshot(
      `"shape-mismatch at call: \`*\` needs equal axes, but axis S is 4 on the left and 5 on the right"`,
    );
    expect(refusal("sub", [value([B, plainAxis(4)]), value([B, plainAxis(5)])])).toMatchInlineSnapshot(
      `"shape-mismatch at call: \`-\` needs equal axes, but axis 1 is 4 on the left and 5 on the right"`,
    );
    expect(refusal("add", [left, value([F, channels(640)])])).toMatchInlineSnapshot(
      `"wrong-rank at call: \`+\` needs values with as many axes, but the left has 5 axes: [B, F, C, H, W] and the right 2 axes: [F, C] | hint: give the right side axes of size 1 where it stretches: \`view(…, [1, 1, 1, F, C])\`"`,
    );
    expect(refusal("div", [value([B]), value([B], "i32")])).toMatchInlineSnapshot(
      `"wrong-dtype at call: \`/\` needs values of one dtype, but one is f32 and the other i32"`,
    );
  });

  it("of conv2d", () => {
    const x = value([B, channels(3), H, W]);
    const conv = (given: Attributes, input = x) => refusal("conv2d", [input], { out: 4, kernel: 3, ...given });
    expect(conv({}, value([axis("N", 2), channels(3)]))).toMatchInlineSnapshot(
      `"wrong-rank at 0: \`conv2d\` reads the channels from the third axis from the end, but the value has 2 axes: [N, C]"`,
    );
    expect(conv({}, value([channels(3), H, W]))).toMatchInlineSnapshot(
      `"wrong-rank at 0: \`conv2d\` reads [..., C, H, W] behind at least one axis of the batch, but the value has 3 axes: [C, H, W]"`,
    );
    expect(conv({}, value([B, channels(3), H, W], "i32"))).toMatchInlineSnapshot(
      `"wrong-dtype at 0: \`conv2d\` computes on floats, but the value is i32 [B, C, H, W]"`,
    );
    expect(conv({ out: 0 })).toMatchInlineSnapshot(`"bad-attribute at out: \`conv2d\` needs \`out\` of at least 1, but it is 0"`);
    expect(conv({ stride: 0 })).toMatchInlineSnapshot(`"bad-attribute at stride: \`conv2d\` needs \`stride\` of at least 1, but it is 0"`);
    expect(conv({ kernel: 1, stride: 2, padding: "end" })).toMatchInlineSnapshot(
      `"bad-attribute at kernel: \`conv2d\` with padding "end" needs a kernel no smaller than the stride, but the kernel is 1 and the stride 2 | hint: \`kernel: 2\`"`,
    );
    expect(conv({ kernel: 12, stride: 12, padding: "end" })).toMatchInlineSnapshot(
      `"bad-attribute at kernel: \`conv2d\` has a kernel of 12, which is larger than axis H (8) of [B, C, H, W]"`,
    );
  });

  it("of windows along other axes", () => {
    const x = value([B, channels(6), F, H, W]);
    const conv = (given: Attributes, input = x) => refusal("conv3d", [input], { out: 4, kernel: 3, ...given });
    expect(refusal("conv1d", [value([B, channels(6)])], { out: 4, kernel: 3 })).toMatchInlineSnapshot(
      `"wrong-rank at 0: \`conv1d\` reads [..., C, T] behind at least one axis of the batch, but the value has 2 axes: [B, C]"`,
    );
    expect(conv({ kernel: [3, 3] })).toMatchInlineSnapshot(
      `"bad-attribute at kernel: \`conv3d\` goes along 3 axes, but the list of \`kernel\` has 2"`,
    );
    expect(conv({ stride: [1, 2, 0] })).toMatchInlineSnapshot(
      `"bad-attribute at stride: \`conv3d\` needs \`stride\` of at least 1, but it is 0"`,
    );
    expect(conv({ padding: ["causal", "same"] })).toMatchInlineSnapshot(
      `"bad-attribute at padding: \`conv3d\` goes along 3 axes, but the list of \`padding\` has 2"`,
    );
    expect(conv({ padding: -1 })).toMatchInlineSnapshot(
      `"bad-attribute at padding: \`conv3d\` needs \`padding\` of at least 0, but it is -1"`,
    );
    expect(conv({ dilation: 0 })).toMatchInlineSnapshot(
      `"bad-attribute at dilation: \`conv3d\` needs \`dilation\` of at least 1, but it is 0"`,
    );
    expect(conv({ groups: 0 })).toMatchInlineSnapshot(`"bad-attribute at groups: \`conv3d\` needs \`groups\` of at least 1, but it is 0"`);
    expect(conv({ groups: 4 })).toMatchInlineSnapshot(
      `"not-divisible at groups: \`conv3d\` splits 6 channels (axis C of [B, C, F, H, W]) into 4 groups, which does not divide"`,
    );
    expect(conv({ groups: 3 })).toMatchInlineSnapshot(
      `"not-divisible at groups: \`conv3d\` splits 4 channels of the result into 3 groups, which does not divide"`,
    );
    expect(conv({ kernel: [3, 5, 3], dilation: 2, padding: "none" })).toMatchInlineSnapshot(
      `"bad-attribute at kernel: \`conv3d\` has a kernel of 5 (9 places with its dilation), which is larger than axis H (8) of [B, C, F, H, W]"`,
    );
    expect(conv({ kernel: 2 ** 31 - 1 })).toMatchInlineSnapshot(
      `"bad-attribute at kernel: \`conv3d\` has a kernel of 2147483647, which with its padding brings axis F (16) of [B, C, F, H, W] beyond 2147483647 places"`,
    );
    const spread = (given: Attributes) => refusal("convTranspose2d", [value([B, channels(6), H, W])], { out: 4, kernel: 3, ...given });
    expect(spread({ stride: 4 })).toMatchInlineSnapshot(
      `"bad-attribute at kernel: \`convTranspose2d\` with padding "same" needs a kernel no smaller than the stride, but the kernel is 3 and the stride 4 | hint: \`kernel: 4\`"`,
    );
    expect(spread({ padding: [5, 0] })).toMatchInlineSnapshot(
      `"bad-attribute at padding: \`convTranspose2d\` leaves nothing of axis H (8) of [B, C, H, W]: its padding cuts 10 places"`,
    );
    expect(refusal("averagePool2d", [value([H])], { kernel: 2 })).toMatchInlineSnapshot(
      `"wrong-rank at 0: \`averagePool2d\` reads the last 2 axes, but the value has 1 axis: [H]"`,
    );
    expect(refusal("averagePool2d", [value([H, W])], { kernel: [2, 9] })).toMatchInlineSnapshot(
      `"bad-attribute at kernel: \`averagePool2d\` has a kernel of 9, which is larger than axis W (6) of [H, W]"`,
    );
  });

  it("of linear and norms", () => {
    expect(refusal("linear", [value([])], { out: 3 })).toMatchInlineSnapshot(
      `"wrong-rank at 0: \`linear\` reads the channels from the last axis, but the value has 0 axes: []"`,
    );
    expect(refusal("linear", [value([B])], { out: -1 })).toMatchInlineSnapshot(
      `"bad-attribute at out: \`linear\` needs \`out\` of at least 1, but it is -1"`,
    );
    expect(refusal("groupNorm", [value([B, F, channels(48), H, W])], { groups: 32 })).toMatchInlineSnapshot(
      `"not-divisible at groups: \`groupNorm\` splits 48 channels (axis C) into 32 groups, which does not divide | hint: \`groups: 24\`"`,
    );
    expect(refusal("groupNorm", [value([B, channels(48)])], { groups: 8 })).toMatchInlineSnapshot(
      `"wrong-rank at 0: \`groupNorm\` reads the channels from the third axis from the end, but the value has 2 axes: [B, C]"`,
    );
    expect(refusal("groupNorm", [value([channels(48), H, W])], { groups: 0 })).toMatchInlineSnapshot(
      `"bad-attribute at groups: \`groupNorm\` needs \`groups\` of at least 1, but it is 0"`,
    );
    expect(refusal("layerNorm", [value([])])).toMatchInlineSnapshot(
      `"wrong-rank at 0: \`layerNorm\` reads the channels from the last axis, but the value has 0 axes: []"`,
    );
  });

  it("of functions of one element", () => {
    expect(refusal("relu", [value([B, H], "i32")])).toMatchInlineSnapshot(
      `"wrong-dtype at 0: \`relu\` computes on floats, but the value is i32 [B, H]"`,
    );
    expect(axes("gelu", [value([B, H])], { approximate: "tanh" })).toBe("[B, H]");
  });

  it("of attention and products", () => {
    const tokens = (n: number, s: number, c: number) => value([axis("N", n), axis("S", s), channels(c)]);
    const attend = (q: AxisType, k: AxisType, v: AxisType, heads = 4) => refusal("attend", [q, k, v], { heads });
    const query = tokens(2, 5, 48);
    expect(attend(query, tokens(3, 7, 48), query)).toMatchInlineSnapshot(
      `"shape-mismatch at 1: \`attend\` needs query and key with equal first axes, but it is 2 in [N, S, C] and 3 in [N, S, C]"`,
    );
    expect(attend(query, tokens(2, 7, 40), query)).toMatchInlineSnapshot(
      `"shape-mismatch at 1: \`attend\` needs query and key with equal last axes, but it is 48 in [N, S, C] and 40 in [N, S, C]"`,
    );
    expect(attend(query, tokens(2, 7, 48), query)).toMatchInlineSnapshot(
      `"shape-mismatch at 2: \`attend\` needs key and value with equal second axes, but it is 7 in [N, S, C] and 5 in [N, S, C]"`,
    );
    expect(attend(query, query, query, 5)).toMatchInlineSnapshot(
      `"not-divisible at heads: \`attend\` splits 48 channels (axis C) into 5 heads, which does not divide"`,
    );
    expect(attend(value([B, channels(48)]), query, query)).toMatchInlineSnapshot(
      `"wrong-rank at 0: \`attend\` takes its query as [N, tokens, C], but the value has 2 axes: [B, C]"`,
    );
    const key = tokens(2, 7, 48);
    const biased = (sizes: readonly number[], dtype: DType = "f32") =>
      refusal("attend", [query, key, key, value(sizes.map(plainAxis), dtype)], { heads: 4 });
    for (const sizes of [
      [2, 4, 5, 7],
      [1, 1, 1, 7],
    ])
      expect(biased(sizes)).toBe("accepted [N, S, C]");
    expect(
      [
        [3, 4, 5, 7],
        [2, 3, 5, 7],
        [2, 4, 4, 7],
        [2, 4, 5, 1],
        [4, 5, 7],
      ].map((sizes) => biased(sizes)),
    ).toMatchInlineSnapshot(`
      [
        "shape-mismatch at 3: \`attend\` needs a bias with its first axis 2 as the query has it, or 1, but it is 3 in [3, 4, 5, 7]",
        "shape-mismatch at 3: \`attend\` needs a bias with its second axis 4, its heads, or 1, but it is 3 in [2, 3, 5, 7]",
        "shape-mismatch at 3: \`attend\` needs a bias with its third axis 5, its queries, or 1, but it is 4 in [2, 4, 4, 7]",
        "shape-mismatch at 3: \`attend\` needs a bias with its last axis 7, its keys, but it is 1 in [2, 4, 5, 1]",
        "wrong-rank at 3: \`attend\` takes its bias as [N, heads, queries, keys], but the value has 3 axes: [4, 5, 7]",
      ]
    `);
    expect(biased([2, 4, 5, 7], "i32")).toMatchInlineSnapshot(
      `"wrong-dtype at 3: \`attend\` computes on floats, but the value is i32 [2, 4, 5, 7]"`,
    );
    expect(biased([2, 4, 5, 7], "f16")).toMatchInlineSnapshot(
      `"wrong-dtype at 3: \`attend\` needs values of one dtype, but one is f32 and the other f16"`,
    );
    expect(refusal("matmul", [tokens(2, 3, 4), tokens(2, 5, 6)])).toMatchInlineSnapshot(
      `"shape-mismatch at 1: \`matmul\` sums over the last axis of the first value, 4 (C), and the last but one of the second, 5 (S), which must be equal"`,
    );
    expect(refusal("matmul", [tokens(2, 3, 4), tokens(3, 4, 6)])).toMatchInlineSnapshot(
      `"shape-mismatch at 1: \`matmul\` needs equal leading axes, but axis 0 is 2 in [N, S, C] and 3 in [N, S, C]"`,
    );
    expect(refusal("matmul", [tokens(2, 3, 4), value([B, H])])).toMatchInlineSnapshot(
      `"wrong-rank at 1: \`matmul\` needs values with as many axes, but the first has 3 axes: [N, S, C] and the second 2 axes: [B, H]"`,
    );
  });

  it("of the others", () => {
    const x = value([B, channels(5), H, W]);
    expect(refusal("geglu", [value([B, channels(5)])])).toMatchInlineSnapshot(
      `"not-divisible at 0: \`geglu\` halves the last axis, but axis C is 5, which is odd"`,
    );
    expect(refusal("softmax", [x], { axis: 4 })).toMatchInlineSnapshot(
      `"bad-attribute at axis: \`softmax\` counts axes from 0 to 3 in [B, C, H, W], but \`axis\` is 4"`,
    );
    expect(refusal("silu", [value([B], "i32")])).toMatchInlineSnapshot(
      `"wrong-dtype at 0: \`silu\` computes on floats, but the value is i32 [B]"`,
    );
    expect(refusal("embedding", [x], { vocabulary: 5, width: 4 })).toMatchInlineSnapshot(
      `"wrong-dtype at 0: \`embedding\` looks up i32 tokens, but the value is float [B, C, H, W]"`,
    );
    expect(refusal("sinusoid", [value([B])], { width: 5 })).toMatchInlineSnapshot(
      `"bad-attribute at width: \`sinusoid\` fills half of its width with cosines and half with sines, but \`width\` is 5, which is odd"`,
    );
    expect(refusal("sinusoid", [value([B, F])], { width: 4 })).toMatchInlineSnapshot(
      `"wrong-rank at 0: \`sinusoid\` takes t as [B], but the value has 2 axes: [B, F]"`,
    );
    const steps = (attributes: Attributes) => refusal("sinusoid", [value([B])], { width: 4, ...attributes });
    expect([steps({ shift: 2 }), steps({ maxPeriod: 0 }), steps({ shift: 1.5, maxPeriod: 1 })]).toMatchInlineSnapshot(`
      [
        "bad-attribute at shift: \`sinusoid\` needs a \`shift\` below 2, the half of its width, but it is 2",
        "bad-attribute at maxPeriod: \`sinusoid\` needs a positive \`maxPeriod\`, but it is 0",
        "accepted [B, 4]",
      ]
    `);
    const indices = value([axis("R", 3), axis("S", 5)], "i32");
    expect(axes("gather", [x, indices], { axis: 1 })).toBe("[B, R, S, H, W]");
    expect(refusal("gather", [x, x])).toMatchInlineSnapshot(
      `"wrong-dtype at 1: \`gather\` takes indices of i32, but the value is float [B, C, H, W]"`,
    );
    expect(refusal("gather", [x, indices], { axis: 4 })).toMatchInlineSnapshot(
      `"bad-attribute at axis: \`gather\` counts axes from 0 to 3 in [B, C, H, W], but \`axis\` is 4"`,
    );
    const turned = (positions: AxisType, given: Attributes = {}) => refusal("rotary", [value([B, F, channels(6)]), positions], given);
    expect(turned(value([plainAxis(1), F], "i32"))).toBe("accepted [B, F, C]");
    expect([turned(value([F])), turned(value([B, H])), turned(value([B, F]), { base: 0 })]).toMatchInlineSnapshot(`
      [
        "wrong-rank at 1: \`rotary\` takes a position for each axis of [B, F, C] but the last, but the positions have 1 axis: [F] | hint: give them axes of size 1 where one serves all: \`view(…, [1, F])\`",
        "shape-mismatch at 1: \`rotary\` needs positions with axis F of 16, or 1, but it is 8 in [B, H]",
        "bad-attribute at base: \`rotary\` needs a positive \`base\`, but it is 0",
      ]
    `);
    expect(refusal("rotary", [value([B, channels(7)]), value([B])])).toMatchInlineSnapshot(
      `"not-divisible at 0: \`rotary\` turns pairs of the last axis, up to 32768 of them, but axis C is 7"`,
    );
    expect(refusal("upsample", [x], { factor: 0 })).toMatchInlineSnapshot(
      `"bad-attribute at factor: \`upsample\` needs \`factor\` of at least 1, but it is 0"`,
    );
    expect(refusal("concat", [x, value([B, channels(5), H, axis("V", 7)])], { axis: 1 })).toMatchInlineSnapshot(
      `"shape-mismatch at 0: \`concat\` along axis 1 needs the other axes equal, but axis W is 6 in [B, C, H, W] and 7 in [B, C, H, V]"`,
    );
    expect(refusal("concat", [x, value([B, H])], { axis: 1 })).toMatchInlineSnapshot(
      `"wrong-rank at 0: \`concat\` needs values with as many axes, but value 0 has 4 axes: [B, C, H, W] and value 1 2 axes: [B, H]"`,
    );
    expect(refusal("concat", [], { axis: 1 })).toMatchInlineSnapshot(
      `"bad-attribute at 0: \`concat\` needs at least one value, but the list is empty"`,
    );
    expect(refusal("slice", [x], { axis: 1, start: 3, size: 4 })).toMatchInlineSnapshot(
      `"bad-attribute at size: \`slice\` takes the elements 3 to 6 of axis C, but it has only 5"`,
    );
    expect(refusal("sum", [x], { axis: -1 })).toMatchInlineSnapshot(
      `"bad-attribute at axis: \`sum\` counts axes from 0 to 3 in [B, C, H, W], but \`axis\` is -1"`,
    );
    expect(refusal("mean", [value([B], "i32")], { axis: 0 })).toMatchInlineSnapshot(
      `"wrong-dtype at 0: \`mean\` computes on floats, but the value is i32 [B]"`,
    );
    expect(refusal("pad", [x], { axis: 4, before: 1, after: 0 })).toMatchInlineSnapshot(
      `"bad-attribute at axis: \`pad\` counts axes from 0 to 3 in [B, C, H, W], but \`axis\` is 4"`,
    );
    expect(refusal("pad", [x], { axis: 1, before: -1, after: 0 })).toMatchInlineSnapshot(
      `"bad-attribute at before: \`pad\` needs \`before\` of at least 0, but it is -1"`,
    );
    expect(refusal("pad", [x], { axis: 1, before: 0, after: -2 })).toMatchInlineSnapshot(
      `"bad-attribute at after: \`pad\` needs \`after\` of at least 0, but it is -2"`,
    );
    expect(refusal("pad", [value([B], "i32")], { axis: 0, before: 1, after: 0 })).toMatchInlineSnapshot(
      `"wrong-dtype at 0: \`pad\` computes on floats, but the value is i32 [B]"`,
    );
    expect(refusal("reshape", [value([B, H])], { shape: [3, 5] })).toMatchInlineSnapshot(
      `"shape-mismatch at shape: \`reshape\` keeps all elements, but [B, H] has 16 and [3, 5] has 15"`,
    );
    expect(refusal("transpose", [value([B, H])], { permutation: [0, 0] })).toMatchInlineSnapshot(
      `"bad-attribute at permutation: \`transpose\` takes each of the 2 axes of [B, H] once, but the permutation is [0, 0]"`,
    );
    expect(refusal("broadcast", [value([B, H])], { shape: [4, 8] })).toMatchInlineSnapshot(
      `"shape-mismatch at shape: \`broadcast\` stretches axes of size 1 only, but [B, H] does not stretch to [4, 8]"`,
    );
  });
});

describe("axes of results", () => {
  it("keep the names of what passes through, and name strides and enlargements as a source would", () => {
    const x = value([B, F, channels(3), H, W]);
    expect(axes("conv2d", [x], { out: 7, kernel: 3 })).toBe("[B, F, 7, H, W]");
    expect(axes("conv2d", [x], { out: 7, kernel: 3, stride: 2 })).toBe("[B, F, 7, H / 2, W / 2]");
    // What four places fewer leave is a half and a third by chance: it is named after nothing.
    expect(axes("conv2d", [x], { out: 7, kernel: 5, padding: "none" })).toBe("[B, F, 7, 4, 2]");
    expect(axes("conv2d", [x], { out: 7, kernel: [3, 4], stride: [1, 2], padding: ["none", 1] })).toBe(`[B, F, 7, ${H.size - 2}, W / 2]`);
    const video = value([B, channels(3), F, H, W]);
    expect(axes("conv3d", [video], { out: 7, kernel: 3, stride: [1, 2, 2], padding: ["causal", "same", "same"] })).toBe(
      "[B, 7, F, H / 2, W / 2]",
    );
    expect(axes("convTranspose3d", [video], { out: 7, kernel: [1, 4, 4], stride: [1, 2, 2] })).toBe("[B, 7, F, H * 2, W * 2]");
    expect(axes("convTranspose1d", [x], { out: 7, kernel: 3, stride: 2, padding: "none" })).toBe(`[B, F, C, 7, ${2 * W.size + 1}]`);
    expect(axes("averagePool2d", [x], { kernel: 2 })).toBe("[B, F, C, H / 2, W / 2]");
    expect(axes("averagePool2d", [x], { kernel: 3, stride: 1 })).toBe(`[B, F, C, ${H.size - 2}, ${W.size - 2}]`);
    expect(axes("upsample", [x], { factor: 2 })).toBe("[B, F, C, H * 2, W * 2]");
    expect(axes("linear", [x], { out: 9 })).toBe("[B, F, C, H, 9]");
    expect(axes("concat", [x, x], { axis: 2 })).toBe("[B, F, C * 2, H, W]");
    expect(axes("slice", [x], { axis: 2, start: 0, size: 2 })).toBe("[B, F, 2, H, W]");
    expect(axes("max", [x], { axis: 1 })).toBe("[B, 1, C, H, W]");
    expect(axes("sum", [value([axis("N", 1), B])], { axis: 0 })).toBe("[1, B]");
    expect(axes("pad", [x], { axis: 1, before: 2, after: 1 })).toBe("[B, F + 3, C, H, W]");
    expect(axes("pad", [x], { axis: 1, before: 0, after: 0 })).toBe("[B, F, C, H, W]");
    expect(axes("geglu", [value([B, channels(8)])])).toBe("[B, C / 2]");
    expect(axes("add", [x, value([plainAxis(1), F, plainAxis(3), plainAxis(1), plainAxis(1)])])).toBe("[B, F, C, H, W]");
  });

  it("are the same objects", () => {
    const result = infer("groupNorm", [value([B, channels(8), H, W])], { groups: 4 });
    expect(isProblem(result) ? undefined : result.axes[2]).toBe(H);
  });
});
