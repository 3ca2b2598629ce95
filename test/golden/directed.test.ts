// Directedness: changing a frame of the latent changes no output of the frames before it, bit for bit, through the whole network.

import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadPipeline } from "../../runtime/index.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { elements, f32, floatsOf, type TensorData } from "../../runtime/tensor.ts";
import { compileFile, goldenWeight } from "./cases.ts";
import { writePackage } from "./package-folder.ts";

const changed = 9;

/** The frames whose output differs in any bit when frame 9 of the latent is changed. */
async function framesThatChange(graph: "denoise" | "decode", ablations: readonly string[]): Promise<number[]> {
  const compiled = compileFile("models/magicvideo.mv", { preset: "Mini", ablations });
  const kept = compiled.graphs.get(graph);
  if (kept === undefined) throw new Error(`no graph ${graph}`);
  const folder = writePackage({ ...compiled, graphs: new Map([[graph, kept]]), sampler: null }, goldenWeight);
  const pipeline = await loadPipeline(folder, { threads: 1 });
  try {
    const specs = pipeline.package.manifest.graphs[graph]?.inputs ?? [];
    const feeds = Object.fromEntries(
      specs.map(({ name, shape }, i): [string, TensorData] => [name, f32(shape, normals(3, i, elements(shape)))]),
    );
    const latent = feeds.z as TensorData;
    const [, frames = 0] = latent.shape;
    const size = latent.data.length / frames;
    const other = Float32Array.from(latent.data, (value, i) => (Math.floor(i / size) === changed ? -3 * value : value));
    const run = async (z: TensorData) => floatsOf(Object.values(await pipeline.run(graph, { ...feeds, z }))[0] as TensorData);
    const [before, after] = [await run(latent), await run(f32(latent.shape, other))];
    const length = before.length / frames;
    return Array.from({ length: frames }, (_, frame) => frame).filter((frame) => {
      const bits = (values: Float32Array) => Buffer.from(values.slice(frame * length, (frame + 1) * length).buffer);
      return !bits(before).equals(bits(after));
    });
  } finally {
    await pipeline.dispose();
    rmSync(folder, { recursive: true });
  }
}

const later = Array.from({ length: 16 - changed }, (_, i) => changed + i);
const all = Array.from({ length: 16 }, (_, i) => i);

describe.each(["denoise", "decode"] as const)("%s", (graph) => {
  test("directed: only the changed frame and later ones", async () => {
    expect(await framesThatChange(graph, [])).toEqual(later);
  });
  test("undirected: every frame", async () => {
    expect(await framesThatChange(graph, ["Undirected"])).toEqual(all);
  });
  test("image model: only the changed frame", async () => {
    expect(await framesThatChange(graph, ["ImageModel"])).toEqual([changed]);
  });
});
