// Mini's graphs in both precisions, opened by ONNX Runtime as users open them: those of every ablation by their paths in Node, those without one in Chromium too.

import { copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { configurationsOf } from "../../compiler/check-sizes.ts";
import { compile } from "../../compiler/compile.ts";
import type { Module } from "../../compiler/module/module.ts";
import { opSignatures } from "../../compiler/ops/table.ts";
import { emitPackage } from "../../compiler/package-files.ts";
import { check, type Program } from "../../dsl/index.ts";
import { loadPipeline } from "../../runtime/index.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { elements, f32, floatsOf, i32, type TensorData, toDType } from "../../runtime/tensor.ts";
import { browse, noChromium, serve } from "../web/chromium.ts";
import { goldenWeight, host, relativeError } from "./cases.ts";
import { writePackage } from "./package-folder.ts";

/** By the graph's precision: engines sum in other orders, and halves are rounded to 11 bits, some hundred in a row (half.test.ts). */
const tolerances = { f32: 1e-4, f16: 2e-2 } as const;
const precisions = ["f32", "f16"] as const;

const program = check("models/magicvideo.mv", host, opSignatures).program as Program;
const ablations = configurationsOf(program).flatMap((choices) => choices.ablations ?? []);
const site = mkdtempSync(join(tmpdir(), "mvc-graphs-"));
let server: Server | undefined;
let address = "";

interface Variant {
  readonly place: string;
  readonly module: Module;
}
const baselines: Variant[] = [];
const ablated: Variant[] = [];

function compiled(precision: "f32" | "f16", ...chosen: readonly string[]): Module {
  const result = compile(program, { preset: "Mini", ablations: chosen, precision });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join("; "));
  return result.module;
}

/** The graphs over weights that are all zero, which take no room: opening reads where weights lie, and not what they are. */
function writeGraphs(module: Module): string {
  const folder = mkdtempSync(join(site, "ablated-"));
  const { graphs, layout } = emitPackage(module, "test");
  for (const [path, bytes] of graphs) if (path.endsWith(".onnx")) writeFileSync(join(folder, path), bytes);
  writeFileSync(join(folder, "weights.safetensors"), "");
  truncateSync(join(folder, "weights.safetensors"), layout.bytes);
  return folder;
}

beforeAll(async () => {
  const known = new Map<string, Float32Array>();
  const weightOf = (path: string, shape: readonly number[]) => {
    const made = known.get(path) ?? goldenWeight(path, shape);
    known.set(path, made);
    return made;
  };
  for (const precision of precisions) {
    const module = compiled(precision);
    baselines.push({ place: writePackage(module, weightOf, undefined, { onnx: true }, site), module });
  }
  // All 96 were opened once, in Node and in Chromium: here each ablation is in one of the precisions, to save half the time.
  for (const [i, ablation] of ablations.entries()) {
    const module = compiled(precisions[i % 2] ?? "f32", ablation);
    ablated.push({ place: writeGraphs(module), module });
  }
  for (const file of ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"])
    copyFileSync(join("node_modules/onnxruntime-web/dist", file), join(site, file));
  writeFileSync(join(site, "index.html"), "<!doctype html><title>test</title>");
  ({ server, address } = await serve(site));
}, 120_000);
afterAll(() => {
  server?.close();
  rmSync(site, { recursive: true, force: true });
});

test("those of every ablation in Node, by nothing but their paths", async () => {
  expect(ablations).toHaveLength(7);
  for (const { place, module } of ablated) {
    expect(module.graphs.size).toBe(6);
    for (const graph of module.graphs.keys()) {
      // What opening optimises is not asked here.
      const session = await InferenceSession.create(join(place, `${graph}.onnx`), { graphOptimizationLevel: "disabled" });
      await session.release();
    }
  }
});

/** In the page: each graph's outputs as plain numbers, halves as their bits. */
const runInPage = `async (packages) => {
  const { env, InferenceSession, Tensor } = await import("/ort.wasm.bundle.min.mjs");
  env.wasm.proxy = true;
  const types = { f32: ["float32", Float32Array], f16: ["float16", Uint16Array], i32: ["int32", Int32Array] };
  const found = [];
  for (const { place, graphs } of packages) {
    for (const { graph, feeds } of graphs) {
      const session = await InferenceSession.create(place + "/" + graph + ".onnx", {
        externalData: [{ path: "weights.safetensors", data: place + "/weights.safetensors" }],
      });
      const inputs = Object.entries(feeds).map(([name, { dtype, shape, data }]) => {
        const [type, array] = types[dtype];
        return [name, new Tensor(type, array.from(data), shape)];
      });
      const outputs = await session.run(Object.fromEntries(inputs));
      found.push(Object.fromEntries(Object.entries(outputs).map(([name, { type, data }]) =>
        [name, Array.from(type === "float16" ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data)])));
      await session.release();
    }
  }
  return found;
}`;

test.skipIf(noChromium)(
  "those without an ablation in Chromium, where they give what they give in Node",
  async () => {
    const wanted: { readonly graph: string; readonly outputs: { readonly [name: string]: TensorData } }[] = [];
    const run: unknown[] = [];
    for (const { place, module } of baselines) {
      const pipeline = await loadPipeline(place, { backend: "onnx", threads: 1 });
      const graphs: unknown[] = [];
      for (const [graph, { inputs }] of Object.entries(pipeline.package.manifest.graphs)) {
        const feeds = Object.fromEntries(
          inputs.map(({ name, shape, dtype }, stream): [string, TensorData] => {
            const numbers = normals(5, stream, elements(shape));
            if (dtype === "i32")
              return [
                name,
                i32(
                  shape,
                  Int32Array.from(numbers, (number) => Math.abs(Math.trunc(number * 3))),
                ),
              ];
            return [name, toDType(f32(shape, numbers), dtype) as TensorData];
          }),
        );
        wanted.push({ graph: `${graph} in ${module.precision}`, outputs: await pipeline.run(graph, feeds) });
        const plain = Object.entries(feeds).map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: [...data] }]);
        graphs.push({ graph, feeds: Object.fromEntries(plain) });
      }
      await pipeline.dispose();
      run.push({ place: place.slice(site.length), graphs });
    }
    const found = await browse([], async (context) => {
      const page = await context.newPage();
      await page.goto(`${address}/index.html`);
      return page.evaluate<{ readonly [name: string]: readonly number[] }[]>(`(${runInPage})(${JSON.stringify(run)})`);
    });
    expect(found).toHaveLength(12);
    for (const [i, { graph, outputs }] of wanted.entries()) {
      expect(Object.keys(found[i] ?? {})).toEqual(Object.keys(outputs));
      for (const [name, expected] of Object.entries(outputs)) {
        const numbers = found[i]?.[name] ?? [];
        const tensor: TensorData =
          expected.dtype === "f16" ? { ...expected, data: Uint16Array.from(numbers) } : f32(expected.shape, Float32Array.from(numbers));
        const error = relativeError(floatsOf(tensor), floatsOf(expected));
        expect(error, `${name} of ${graph}`).toBeLessThan(tolerances[expected.dtype === "f16" ? "f16" : "f32"]);
      }
    }
  },
  120_000,
);
