// The losses that are emitted beside PyTorch models: what they give against hand-written PyTorch, their gradients against autograd in f64, on a model that stays what it is.

import { rmSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { interpret } from "../../compiler/analysis/interpret.ts";
import { compileTraining } from "../../compiler/compile-training.ts";
import type { Choices } from "../../compiler/expand/configure.ts";
import { sizeOf } from "../../compiler/graph/graph.ts";
import { opSignatures } from "../../compiler/ops/table.ts";
import { check, type Host } from "../../dsl/index.ts";
import { normals, streamOf, uniforms } from "../../runtime/sampler/random.ts";
import { f32, floatsOf, i32, type TensorData } from "../../runtime/tensor.ts";
import { goldenWeight, host, readCase } from "./cases.ts";
import { expectRows, gradientGoldens } from "./gradient-rows.ts";
import { compileTrainingCodeOf, type LossCase, pythons, runTorchFiles, type TorchFile, writeTorchFiles } from "./torch-files.ts";
import { awkwardTraining } from "./torch-names.ts";

/** As of whole graphs: two engines sum the same products in different orders. */
const tolerance = 1e-4;

const golden = gradientGoldens("losses");

interface Expected extends LossCase {
  readonly outputs: readonly number[];
  /** Its name among the goldens of gradients. */
  readonly rows?: string;
}

interface Trained {
  readonly file: TorchFile;
  readonly cases: readonly Expected[];
}

function trained(
  name: string,
  file: string,
  choices: Partial<Choices>,
  casesOf: (losses: Losses) => readonly Expected[],
  from = host,
): Trained {
  const { program } = check(file, from, opSignatures);
  const compiled = program && compileTraining(program, { precision: "f32", ...choices }, 2);
  if (!compiled?.ok) throw new Error(`${file} is not trained`);
  const { stages, weights } = compiled.value;
  const cases = casesOf(new Map(stages.flatMap((stage) => (stage.kind === "loss" ? [[stage.name, stage.loss] as const] : []))));
  const code = compileTrainingCodeOf(file, choices, from);
  const shapes = new Map([...weights].map(([path, { type }]) => [path, type.shape]));
  return { file: { name, code: code.model, training: { code, cases }, weights: shapes, cases: [] }, cases };
}

type Losses = ReadonlyMap<string, Extract<Parameters<typeof interpret>[0], object>>;

/** Mini at its own size, against what hand-written PyTorch gave. */
function mini(): Trained {
  const made = trained("Mini", "models/magicvideo.mv", { preset: "Mini" }, (losses) =>
    [...losses.keys()].map((stage) => {
      const { inputs, tensors } = readCase(`loss-${stage}`);
      return { stage, inputs, gradients: false, outputs: [...floatsOf(tensors.get("output") as TensorData)] };
    }),
  );
  // The model's own graph still keeps the mean alone, though a loss keeps the variance too.
  const encoded = readCase("graph-encode");
  return { ...made, file: { ...made.file, cases: [{ graph: "encode", golden: encoded }] } };
}

/** Inputs as golden/reference/make_gradients.py makes them. */
function withGradients(name: string, file: string, choices: Partial<Choices>): Trained {
  const levels = new Map<string, TensorData>([
    ["t", f32([2], Float32Array.of(7, 0.5))],
    ["signal", f32([2], Float32Array.of(0.3, 0.99))],
    ["sigma", f32([2], Float32Array.of(Math.sqrt(1 - 0.3 ** 2), Math.sqrt(1 - 0.99 ** 2)))],
  ]);
  return trained(name, file, choices, (losses) =>
    [...losses].map(([stage, { values }]) => {
      const rows = `${name}-${stage}`;
      const inputs = values.flatMap((value) => {
        if (value.kind !== "input") return [];
        const { shape, dtype } = value.type;
        const count = sizeOf(shape);
        const stream = streamOf(`${rows}/${value.name}`);
        const made =
          dtype === "i32"
            ? i32(
                shape,
                Int32Array.from(uniforms(7, stream, count), (x) => Math.floor(x * 32)),
              )
            : f32(shape, normals(7, stream, count));
        return [[value.name, levels.get(value.name) ?? made] as const];
      });
      return { stage, inputs: new Map(inputs), gradients: true, outputs: golden(rows).losses, rows };
    }),
  );
}

/** By the reference interpreter: PyTorch has no model of it. */
function awkward(): Trained {
  const from: Host = { read: (path) => (path === "awkward.mv" ? awkwardTraining : undefined), resolve: (_, path) => path };
  const casesOf = (losses: Losses) =>
    [...losses].map(([stage, loss]): Expected => {
      const inputs = loss.values.flatMap((value) =>
        value.kind === "input"
          ? [[value.name, { shape: value.type.shape, data: normals(7, streamOf(value.name), sizeOf(value.type.shape)) }] as const]
          : [],
      );
      const shapes = new Map(loss.values.flatMap((value) => (value.kind === "weight" ? [[value.path, value.type.shape] as const] : [])));
      const weightOf = (path: string) => {
        const shape = shapes.get(path) ?? [];
        return { shape, data: goldenWeight(path, shape) };
      };
      const outputs = interpret(loss, new Map(inputs), weightOf);
      return {
        stage,
        inputs: new Map(inputs.map(([name, { shape, data }]) => [name, f32(shape, data)])),
        gradients: false,
        outputs: loss.outputs.map(({ name }) => outputs.get(name)?.data[0] ?? Number.NaN),
      };
    });
  return trained("awkward", "awkward.mv", {}, casesOf, from);
}

/** One layer, with its bias only where it is trained. */
function refused(): Trained {
  const source = `dim B = 2;
type X = Tensor<float, [B, 4]>;
block Layer(x: X, bias: bool): X { return x |> linear(4, bias: bias) as way; }
model Apart {
  graph run(x: X): X { return Layer(x, false) as layer; }
  graph loss(x: X): Tensor<f32, [1]> { return view(Layer(x, true) as layer, [B * 4]) |> mean(axis: 0); }
  train only { loss: loss, inputs: { x: { from: "noise" } }, weights: [{ path: "layer" }], learningRate: 1e-3, batch: 2, steps: 3 }
}
`;
  const from: Host = { read: (path) => (path === "apart.mv" ? source : undefined), resolve: (_, path) => path };
  return trained("apart", "apart.mv", {}, () => [], from);
}

/** All of MagicVideo's stages at sizes that take no time. */
const tiny = {
  preset: "Mini",
  settings: {
    H: 4,
    W: 4,
    F: 3,
    L: 5,
    D: 8,
    levels: [
      { width: 8, attends: true },
      { width: 16, attends: true },
    ],
    heads: 2,
    groups: 4,
    textLayers: 1,
    textHeads: 2,
    vaeWidths: [8, 8, 8, 16],
  },
};

describe.skipIf(pythons.length === 0)("PyTorch", () => {
  const made =
    pythons.length === 0
      ? []
      : [
          mini(),
          withGradients("magicvideo", "models/magicvideo.mv", tiny),
          withGradients("video-diffusion", "models/video-diffusion/unet.mv", { preset: "Mini" }),
          awkward(),
        ];
  const apart = refused();
  const folder = pythons.length === 0 ? "" : writeTorchFiles([...made, apart].map(({ file }) => file));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.each(pythons)("$version", ({ python }) => {
    const results = runTorchFiles(folder, python);
    test("a layer that has a bias in a loss alone is refused when the loss is made", () => {
      expect(results.get(apart.file.name)?.failure).toContain("ValueError: the loss has a bias that the model lacks in Linear(");
    });
    test.each(made.map((one) => [one.file.name, one] as const))("%s", (name, { file, cases }) => {
      const { failure, keys, errors, losses = {} } = results.get(name) ?? {};
      expect(failure).toBeUndefined();
      expect(keys).toEqual([...file.weights.keys()].sort());
      expect(Object.values(errors ?? {}).filter((error) => !(typeof error === "number" && error < tolerance))).toEqual([]);
      expect(Object.keys(losses)).toEqual(cases.map(({ stage }) => stage));
      for (const { stage, outputs, rows } of cases) {
        const found = losses[stage];
        expect(found?.more).toEqual([]);
        // All that is read is called as the model's module, whatever class calls it: hooks of the outermost and of the owner of a weight run.
        const paths = Object.keys(found?.rows ?? {});
        const owners = new Set(paths.flatMap((path) => [path.slice(0, path.indexOf(".")), path.slice(0, path.lastIndexOf("."))]));
        expect([...owners].filter((owner) => !found?.called.includes(owner))).toEqual([]);
        const values = Object.values(found?.outputs ?? {});
        expect([stage, values]).toEqual([
          stage,
          outputs.map((expected) => expect.toSatisfy((value: number) => Math.abs(value / expected - 1) < tolerance)),
        ]);
        if (rows !== undefined) expectRows(new Map(Object.entries(found?.rows ?? {})), golden(rows).rows);
      }
    });
  });
});
