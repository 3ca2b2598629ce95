/** A manifest to the files that a clip needs, by what computes it. */

import type { FileSpec, GraphSpec, Manifest } from "../../compiler/package/manifest.ts";
import { sampledGraphs } from "../roles.ts";

/** What computes: each has files of its own in a package. */
export type Target = "webgpu" | "onnx";

/** The graphs that make a clip; all of them where nothing is sampled. */
export function neededGraphs({ graphs, sampler }: Manifest): readonly GraphSpec[] {
  const names = sampler === null ? Object.keys(graphs) : sampledGraphs(sampler);
  return names.flatMap((name) => (Object.hasOwn(graphs, name) && graphs[name] !== undefined ? [graphs[name]] : []));
}

/** Small files first, weights last. */
export function filesToSample(manifest: Manifest, target: Target): readonly FileSpec[] {
  const graphs = neededGraphs(manifest);
  const ofGraphs = graphs.flatMap(({ onnx, webgpu }) => (target === "onnx" ? [onnx] : [webgpu?.plan, webgpu?.kernels]));
  const own = graphs.flatMap(({ onnx }) => (target === "onnx" && onnx?.weights !== undefined ? [onnx.weights] : []));
  const all = own.length === graphs.filter(({ parameters }) => parameters > 0).length && own.length > 0 ? [] : [allWeights(manifest)];
  return [manifest.tokenizer ?? undefined, ...ofGraphs, ...own, ...all].filter((one) => one !== undefined);
}

/** Every file whose size and hash a manifest states. */
export function statedFiles(manifest: Manifest): readonly FileSpec[] {
  const ofGraphs = Object.values(manifest.graphs).flatMap(({ onnx, webgpu }) => [onnx, onnx?.weights, webgpu?.plan, webgpu?.kernels]);
  return [...ofGraphs, manifest.tokenizer ?? undefined, allWeights(manifest)].filter((one) => one !== undefined);
}

function allWeights({ weights: { file, bytes, sha256 } }: Manifest): FileSpec | undefined {
  return sha256 === undefined ? undefined : { file, bytes, sha256 };
}
