// Layouts: the keys that a declaration stands for, worked out by hand, and what wins where several entries match.

import { expect, test } from "vitest";
import { checkSizes } from "../../../compiler/check-sizes.ts";
import { compile, layoutsOf } from "../../../compiler/compile.ts";
import type { KeyPlace, Layout } from "../../../compiler/module/layout.ts";
import { renderAll } from "../../../dsl/index.ts";
import { checkFiles } from "../../dsl/sources.ts";
import { programOf } from "./expanded.ts";

const blocks = `param widths: int[] = [4, 4];
type Rows<C> = Tensor<float, [2, C]>;

block Attend<C>(x: Rows<C>): Rows<C> {
  const q = x |> linear(C) as query;
  return (q + (x |> linear(C) as key)) |> linear(C, bias: false) as project;
}

block Inner<C>(x: Rows<C>): Rows<C> { return x |> Attend() as attend; }
block Plain<C>(x: Rows<C>): Rows<C> { return x |> linear(C) as layer; }
block Stack<C>(x: Rows<C>, depths: int[]): Rows<C> {
  weight position: Tensor<float, [C]> = zeros;
  let h = x + view(position, [1, C]);
  repeat i of depths.length as layer { h = h |> layerNorm() as norm |> Inner() as ""; }
  return h |> Plain() as plain |> linear(C) as added;
}
model Tiny<H = 4> {
  graph run(x: Rows<H>): Rows<H> { return x |> Stack(widths) as stack; }
}
preset Three of Tiny { widths: [4, 4, 4] }
`;

function layouts(declared: string, preset?: string): readonly Layout[] {
  const read = layoutsOf(programOf(blocks + declared), { precision: "f32", preset });
  if (!read.ok) throw new Error(read.diagnostics.map(({ message }) => message).join("\n"));
  return read.value;
}

/** The keys of the weights that have some, the first spelling alone. */
function keys(declared: string, preset?: string): { [path: string]: string } {
  const [layout] = layouts(declared, preset);
  return Object.fromEntries([...(layout?.places ?? [])].map(([path, [first]]) => [path, first?.key ?? ""]));
}

function places(declared: string, path: string): readonly KeyPlace[] {
  return layouts(declared)[0]?.places.get(path) ?? [];
}

const ofTiny = (text: string) => `layout ours of Tiny { ${text} }\n`;

test("a model has the layouts that are declared of it, and no others", () => {
  expect(layouts("")).toEqual([]);
  expect(layouts('layout ours of Attend { query: "q" }')).toEqual([]);
  expect(layouts(`${ofTiny('"stack.added": "a"')}layout theirs, last of Tiny { "stack.added": "b" }`).map(({ name }) => name)).toEqual([
    "ours",
    "theirs",
    "last",
  ]);
});

test("below a label names are kept, in a block too that has no layout of the name; what no entry leads to has no key", () => {
  expect(keys(ofTiny('"stack.plain": "p", "stack.layer.1": "second"'))).toEqual({
    "stack.layer.1.norm.weight": "second.norm.weight",
    "stack.layer.1.norm.bias": "second.norm.bias",
    "stack.layer.1.attend.query.weight": "second.attend.query.weight",
    "stack.layer.1.attend.query.bias": "second.attend.query.bias",
    "stack.layer.1.attend.key.weight": "second.attend.key.weight",
    "stack.layer.1.attend.key.bias": "second.attend.key.bias",
    "stack.layer.1.attend.project.weight": "second.attend.project.weight",
    "stack.plain.layer.weight": "p.layer.weight",
    "stack.plain.layer.bias": "p.layer.bias",
  });
});

test("blocks' layouts compose; numbers, arguments of the call and the file's params are computed with", () => {
  const own = `layout ours of Attend { query: "to_q", project: "to_out.0" }
layout ours of Stack { position: "pos", "layer.{i}.attend": "blocks.{depths.length - 1 - i}.attn_{widths[i] + 1}" }
${ofTiny('stack: "unet/"')}`;
  const layer = (path: number, key: number) => [
    [`stack.layer.${path}.attend.query.weight`, `unet/blocks.${key}.attn_5.to_q.weight`],
    [`stack.layer.${path}.attend.query.bias`, `unet/blocks.${key}.attn_5.to_q.bias`],
    [`stack.layer.${path}.attend.project.weight`, `unet/blocks.${key}.attn_5.to_out.0.weight`],
  ];
  const position = ["stack.position", "unet/pos"];
  expect(keys(own)).toEqual(Object.fromEntries([position, ...layer(0, 1), ...layer(1, 0)]));
  expect(keys(own, "Three")).toEqual(Object.fromEntries([position, ...layer(0, 2), ...layer(1, 1), ...layer(2, 0)]));
});

test("an outer block's longer path wins over an inner block's layout, and what is written out over a hole", () => {
  const own = `layout ours of Attend { query: "to_q", key: "to_k" }
layout ours of Stack { "layer.{i}": "l.{i}", "layer.{i}.attend.query": "q.{i}", "layer.0.attend.query": "first" }
${ofTiny('stack: ""')}`;
  const found = keys(own);
  expect(found["stack.layer.0.attend.query.weight"]).toBe("first.weight");
  expect(found["stack.layer.1.attend.query.weight"]).toBe("q.1.weight");
  expect(found["stack.layer.1.attend.key.weight"]).toBe("l.1.attend.to_k.weight");
  expect(found["stack.layer.1.norm.bias"]).toBe("l.1.norm.bias");
  expect(found["stack.layer.1.attend.project.weight"]).toBeUndefined();
});

test("a block whose label adds no level is asked where the block around it says nothing", () => {
  const wrap = `block Wrap<C>(x: Rows<C>): Rows<C> { return x |> Inner() as "" |> Plain() as ""; }
model Wrapped<H = 4> { graph run(x: Rows<H>): Rows<H> { return x |> Wrap() as wrap; } }
layout ours of Wrapped { wrap: "w" }
layout ours of Inner { attend: "a" }
`;
  const found = (declared: string) => {
    const read = layoutsOf(programOf(blocks.replace(/model(.|\n)*/, "") + wrap + declared), { precision: "f32" });
    return read.ok ? [...(read.value[0]?.places ?? [])].map(([path, [first]]) => `${path} ${first?.key}`) : [];
  };
  const inner = ["query.weight", "query.bias", "key.weight", "key.bias", "project.weight"];
  const plain = ["weight", "bias"].map((name) => `wrap.layer.${name} w.p.${name}`);
  expect(found('layout ours of Wrap { layer: "p" }')).toEqual([...inner.map((name) => `wrap.attend.${name} w.a.${name}`), ...plain]);
  expect(found('layout ours of Wrap { layer: "p", attend: "own" }')[0]).toBe("wrap.attend.query.weight w.own.query.weight");
});

test("rows go with all that is below", () => {
  const own = `layout ours of Attend { key: "k" }\nlayout ours of Stack { "layer.0.attend": "both_" rows 1 of 2, "layer.1.attend": "both_" rows 0 of 2 }\n${ofTiny('stack: ""')}`;
  expect(places(own, "stack.layer.0.attend.key.bias")).toEqual([{ key: "both_k.bias", part: { index: 1, of: 2 } }]);
});

test("the first spelling is the first of each part, and shapes and rows go with their own", () => {
  const own = `layout ours of Attend { query: "q" as [_, 1, _] | "qk_" rows 0 of 2, key: "k" | "qk_" rows 1 of 2, project: "out" }
layout ours of Stack { "layer.{i}.attend": "a.{i}" | "old.{i}" }
${ofTiny('stack: ""')}`;
  expect(places(own, "stack.layer.1.attend.query.weight")).toEqual([
    { key: "a.1.q.weight", shape: [4, 1, 4] },
    { key: "a.1.qk_weight", part: { index: 0, of: 2 } },
    { key: "old.1.q.weight", shape: [4, 1, 4] },
    { key: "old.1.qk_weight", part: { index: 0, of: 2 } },
  ]);
  expect(places(own, "stack.layer.1.attend.query.bias")[0]).toEqual({ key: "a.1.q.bias" });
  expect(places(own, "stack.layer.0.attend.key.bias")[1]).toEqual({ key: "a.0.qk_bias", part: { index: 1, of: 2 } });
});

test("a vector has another shape where the entry names the weight itself", () => {
  expect(places(ofTiny('"stack.position": "p" as [1, _]'), "stack.position")).toEqual([{ key: "p", shape: [1, 4] }]);
});

test("keys are dropped where the block stands, once", () => {
  const own = `layout ours of Inner { attend: "a", drop: ["ids"] }
layout ours of Stack { "layer.{i}": "l.{i}", drop: ["b.{depths.length}", "ids"] }
${ofTiny('stack: "s", drop: ["scale"]')}`;
  expect(layouts(own)[0]?.dropped).toEqual(["scale", "s.b.2", "s.ids", "s.l.0.ids", "s.l.1.ids"]);
});

test("a module has the layouts too", () => {
  const declared = `layout ours of Tiny { stack: "s" }`;
  const compiled = compile(programOf(blocks + declared), { precision: "f32" });
  expect(compiled.ok && compiled.module.layouts).toEqual(layouts(declared));
});

test("more spellings than a graph may have items are refused before they are made", () => {
  const names = Array.from({ length: 24 }, (_, i) => `B${i}`);
  const chain = names.map((name, i) => {
    const body = names[i + 1] === undefined ? "x |> linear(C) as a" : `x |> ${names[i + 1]}() as a`;
    return `block ${name}<C>(x: Tensor<float, [2, C]>): Tensor<float, [2, C]> { return ${body}; }\nlayout ours of ${name} { a: "a" | "b" }\n`;
  });
  const source = `${chain.reverse().join("")}model M<H = 4> { graph run(x: Tensor<float, [2, H]>): Tensor<float, [2, H]> { return x |> B0() as b; } }
layout ours of M { b: "" }`;
  const read = layoutsOf(programOf(source), { precision: "f32" });
  expect(read.ok ? [] : read.diagnostics.map(({ code }) => code)).toEqual(["too-large"]);
});

test("what no configuration has a use for is told of once all have been read, and not in a library", () => {
  const stack = 'layout ours of Stack { "layer.2.attend": "third", position: "p" }\n';
  const codes = (declared: string, own = blocks) => checkSizes(programOf(own + declared)).map(({ code }) => code);
  expect(codes(stack + ofTiny('stack: ""'))).toEqual([]);
  expect(codes(stack + ofTiny('stack: ""'), blocks.replace(/preset.*/, ""))).toEqual(["unmatched-path"]);
  expect(codes(stack)).toEqual(["unused-layout"]);
  // The source alone tells that.
  expect(codes(`layout ours of Stack { positon: "p" }\n${ofTiny('stack: ""')}`)).toEqual([]);
  expect(codes(stack, blocks.replace(/model(.|\n)*/, ""))).toEqual([]);
});

test("what is wrong in a preset alone says so", () => {
  const [found] = checkSizes(programOf(blocks + ofTiny('"stack.layer.{i}.norm": "n.{widths.length == 3 ? 0 : i}"')));
  expect([found?.code, found?.foundIn]).toEqual(["layout-clash", { preset: "Three", ablations: [], others: 0 }]);
});

/** A file of layouts that imports one block, and leaves the others to whoever brings it. */
const shared = {
  "attend.mv": `type Rows<C> = Tensor<float, [2, C]>;
const last = 7;
block Attend<C>(x: Rows<C>): Rows<C> { return x |> linear(C) as query; }
`,
  "layouts.mv": `import { Attend } from "./attend.mv";
layout ours of Attend { query: "q{last}" }
layout ours of Stack { "layer.{i}": "l.{depth - i}" }
layout ours of Tiny { stack: "s{depth}" }
`,
};

/** A model of the others, with so many layers. */
const stacked = (depth: number, layer = "Attend() as attend", imports = "") => `import { Attend, Rows } from "./attend.mv";
import layouts from "./layouts.mv";
${imports}param depth: int = ${depth};
block Stack<C>(x: Rows<C>): Rows<C> {
  let h = x;
  repeat i of depth as layer { h = h |> ${layer}; }
  return h;
}
model Tiny<H = 4> { graph run(x: Rows<H>): Rows<H> { return x |> Stack() as stack; } }
`;

function biasesOf(files: { readonly [path: string]: string }): readonly string[] {
  const { program, diagnostics, texts } = checkFiles(new Map(Object.entries({ ...files, ...shared })));
  if (program === undefined || diagnostics.length > 0) throw new Error(renderAll(diagnostics, texts));
  expect(checkSizes(program)).toEqual([]);
  const read = layoutsOf(program, { precision: "f32" });
  if (!read.ok) throw new Error(renderAll(read.diagnostics, texts));
  return read.value
    .flatMap(({ places }) => [...places].map(([path, [first]]) => `${path} ${first?.key}`))
    .filter((one) => /bias/.test(one));
}

test("a file of layouts is of the blocks of whoever brings it, where it imports none by the name: of a copy too, with its numbers", () => {
  const one = ["stack.layer.0.attend.query.bias s1.l.1.attend.q7.bias"];
  expect(biasesOf({ "model.mv": stacked(1) })).toEqual(one);
  const two = [0, 1].map((i) => `stack.layer.${i}.attend.query.bias s2.l.${2 - i}.attend.q7.bias`);
  expect(biasesOf({ "copy.mv": stacked(2) })).toEqual(two);
});

test("two files that bring it, one of which has a block of the other's, read it each with its own blocks and numbers", () => {
  const whole = stacked(2, "Deep() as deep", 'import { Deep } from "./deep.mv";\n').replace("Attend, ", "");
  const deep = `${stacked(1)}block Deep<C>(x: Rows<C>): Rows<C> { return x |> Stack() as inner; }\n`;
  const keys = [0, 1].map((i) => `stack.layer.${i}.deep.inner.layer.0.attend.query.bias s2.l.${2 - i}.deep.inner.l.1.attend.q7.bias`);
  expect(biasesOf({ "whole.mv": whole, "deep.mv": deep })).toEqual(keys);
});

// Ablations are not read again where all that keys are made of is as it was: each of these changes one such thing.
test.each([
  ["a weight that is new", "more: true", "layout-clash"],
  ["a param that a key reads", "shift: 1", "layout-clash"],
  ["an argument that a key reads", "turned: true", "layout-clash"],
  ["a part that is gone", "whole: false", "layout-parts"],
  ["another shape", "width: 3", "layout-parts"],
])("an ablation is wrong alone by %s", (_, changed, code) => {
  const source = `param more: bool = false;
param shift: int = 0;
param turned: bool = false;
param whole: bool = true;
param width: int = 4;
type Rows<C> = Tensor<float, [2, C]>;
block Pair<C>(x: Rows<C>, at: int): Rows<C> {
  let y = x |> linear(4, bias: false) as one;
  if (whole) { y = y + (x |> linear(width, bias: false) as two |> linear(4) as back); }
  return more ? (y |> linear(C) as again) * at : y * at;
}
model Tiny<H = 4> {
  graph run(x: Rows<H>): Rows<H> { return x |> Pair(turned ? 2 : 1) as a |> Pair(2) as b; }
}
ablation Wrong of Tiny { ${changed} }
layout ours of Pair {
  one: "p{shift == 0 ? at : 1}.w_" rows 0 of 2, two: "p{shift == 0 ? at : 1}.w_" rows 1 of 2, back: "p{at}.back", again: "again",
}
layout ours of Tiny { a: "x", b: "x" }
`;
  const errors = checkSizes(programOf(source)).filter(({ severity }) => severity === "error");
  expect(errors.map((one) => [one.code, one.foundIn?.ablations])).toEqual([[code, ["Wrong"]]]);
});
