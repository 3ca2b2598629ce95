// What a sampler declares to the recipe that packages hold: conditions by name, graphs that are made beside the source's, and what is left out.

import { expect, test } from "vitest";
import { idBounds } from "../../compiler/analysis/id-bounds.ts";
import { compile } from "../../compiler/compile.ts";
import type { Module } from "../../compiler/module/module.ts";
import { compileFile } from "../golden/cases.ts";
import { programOf } from "./expand/expanded.ts";

const figures = 'method: "ddim", steps: 10, guidance: 1.0, predicts: "epsilon", schedule: "cosine", betas: [0.1, 0.2], trainSteps: 1000';
const model = (graphs: string, more = "") =>
  `dim B = 1; dim D = 4; type Row = Tensor<float, [B, D]>;\nmodel M {\n  ${graphs}\n  sampler denoise(z, t) { ${figures}, ${more} }\n}\n`;
const denoise = (inputs: string, sum: string) => `graph denoise(z: Row, t: Tensor<f32, [B]>, ${inputs}): Row { return z + ${sum}; }`;

function moduleOf(source: string): Module {
  const result = compile(programOf(source), { precision: "f32" });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join("; "));
  return result.module;
}
const inputsOf = (module: Module, graph: string) =>
  (module.graphs.get(graph)?.values ?? []).flatMap((value) => (value.kind === "input" ? [`${value.name} ${value.type.shape}`] : []));

test("an input that no condition declares is a tensor by its name, the same in both halves", () => {
  const module = moduleOf(model(denoise("image: Row, text: Row", "(text |> linear(D) as w) + (image |> linear(D) as v)")));
  const tensor = { from: "tensor", encoder: null, unguided: null };
  expect(module.sampler?.conditions).toEqual([
    { name: "image", ...tensor },
    { name: "text", ...tensor },
  ]);
  expect(module.sampler).toMatchObject({ prepare: "prepare", step: "step", frames: null });
  expect(inputsOf(module, "prepare")).toEqual(["image 1,4", "text 1,4"]);
});

test("a condition that only the steps read is fed to them, and nothing is prepared", () => {
  const module = moduleOf(model(denoise("image: Row", "image")));
  expect(module.sampler).toMatchObject({ prepare: null, step: "step", conditions: [{ name: "image" }] });
  expect([...module.graphs.keys()]).toEqual(["denoise", "step"]);
  expect(inputsOf(module, "step")).toEqual(["z 1,4", "t 1", "image 1,4"]);
});

test("one that both read is fed to both; one that nothing reads is left out, and said", () => {
  const module = moduleOf(model(denoise("image: Row, text: Row", "image * (image |> linear(D) as v)")));
  expect(inputsOf(module, "prepare")).toEqual(["image 1,4"]);
  expect(module.sampler?.conditions.map(({ name }) => name)).toEqual(["image"]);
  expect(module.unused).toEqual(["nothing in `denoise` reads `text`, so no clip depends on it"]);
});

test("a model is directed where its looped graph and its frames are, of every input that has the frames' axis", () => {
  const clip = (looped: string, decoded: string) =>
    moduleOf(`dim B = 1; dim F = 4; type Clip = Tensor<float, [B, F, 3, 2, 2]>;
      block Along(x: Clip, causal: bool): Clip {
        const rows = view(x, [B, F, 12]);
        return attend(rows, rows, rows, heads: 1, causal: causal) |> view([B, F, 3, 2, 2]);
      }
      model M {
        graph denoise(z: Clip, t: Tensor<f32, [B]>, mask: Tensor<float, [B, F]>): Clip { return ${looped}; }
        graph decode(z: Clip): Clip { return ${decoded}; }
        sampler denoise(z, t) { ${figures}, frames: decode }
      }`).sampler?.directed;
  const masked = "+ view(mask, [B, F, 1, 1, 1])";
  expect(clip(`z ${masked}`, "z")).toBe(true);
  expect(clip(`Along(z, causal: true) ${masked}`, "Along(z, causal: true)")).toBe(true);
  expect(clip(`Along(z, causal: false) ${masked}`, "z")).toBe(false);
  expect(clip(`z ${masked}`, "Along(z, causal: false)")).toBe(false);
  expect(clip("z + view(softmax(mask, axis: 1), [B, F, 1, 1, 1])", "z")).toBe(false);
  const undirected = compileFile("models/magicvideo.mv", { preset: "Mini", ablations: ["Undirected"] });
  expect([undirected.sampler?.directed, undirected.sampler?.latents]).toEqual([false, "encode"]);
});

test("the loop runs at twice the batch where a condition that it reads differs in the unguided half", () => {
  const loop = denoise("image: Row, text: Row", "image * (image |> linear(D) as v)");
  const guided = (name: string) => model(loop, `conditions: { ${name}: { from: "tensor", unguided: 0.0 } }`);
  expect(inputsOf(moduleOf(guided("image")), "step")[0]).toBe("z 2,4");
  expect(inputsOf(moduleOf(guided("text")), "step")[0]).toBe("z 1,4");
});

test("a result is called what the sampler makes of it, where that is one thing and the source has not named it", () => {
  const outputsOf = (module: Module, graph: string) => module.graphs.get(graph)?.outputs.map(({ name }) => name);
  const mini = compileFile("models/magicvideo.mv", { preset: "Mini" });
  expect(["encodeText", "denoise", "step", "decode", "encode"].map((graph) => outputsOf(mini, graph)?.join())).toEqual([
    "text",
    "v",
    "v",
    "frames",
    "encode",
  ]);
  const taken = moduleOf(model(denoise("epsilon: Row", "epsilon")));
  expect(outputsOf(taken, "step")).toEqual(["denoise"]);
});

test("graphs of the source keep their names, whatever the compiler makes", () => {
  const own = "graph step(x: Row): Row { return x * 2.0; }\n  graph Prepare(x: Row): Row { return x * 3.0; }\n  ";
  const module = moduleOf(model(own + denoise("text: Row", "(text |> linear(D) as w)")));
  expect([...module.graphs.keys()]).toEqual(["step", "Prepare", "denoise", "denoise.prepare", "denoise.step"]);
  expect(module.sampler).toMatchObject({ prepare: "denoise.prepare", step: "denoise.step" });
  expect(inputsOf(module, "step")).toEqual(["x 1,4"]);
  expect([...module.origins.keys()]).toEqual([...module.graphs.keys()]);
});

test("ids are bound by the smallest table that they reach, through views and cuts; counted ones by none", () => {
  const look = (rows: number) => `(view(label, [B]) |> embedding(${rows}, D) as label${rows})`;
  const module = moduleOf(model(denoise("label: Tensor<i32, [B]>", `${look(9)} + ${look(7)}`)));
  const prepare = module.graphs.get("prepare");
  expect(prepare && idBounds(prepare)).toEqual(new Map([["label", 7]]));
});
