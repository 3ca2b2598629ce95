/** Makes a checkpoint of a model in one of its layouts, in numbers like trained ones, as large as the real one: to time what reads it. */

import { exportedFiles } from "../cli/weights/exported.ts";
import { readModel } from "../cli/weights/read-model.ts";
import { elementsOf } from "../cli/weights/streams.ts";
import { writeTensorFolder, writeTensors } from "../cli/weights/write-tensors.ts";
import { sizeOf } from "../compiler/graph/graph.ts";
import { normals } from "../runtime/sampler/random.ts";

const [file, name, output, ...ablation] = process.argv.slice(2);
const usage = "usage: node dist/bench/random-checkpoint.js MODEL LAYOUT OUTPUT [ABLATION…]";
if (file === undefined || name === undefined || output === undefined) throw new Error(usage);
const model = readModel(file, { ablation });
const layout = model?.module.layouts.find((one) => one.name === name);
if (model === undefined || layout === undefined) throw new Error(`${file} has no layout ${name}`);

/** One run of numbers over and over, which costs no time. */
const noise = normals(0, 0, 2 ** 20).map((value) => value * 0.02);
const source = {
  of: ({ path, type: { shape } }: { readonly path: string; readonly type: { readonly shape: readonly number[] } }) =>
    elementsOf("F32", function* () {
      const count = sizeOf(shape);
      if (shape.length === 1) yield new Float32Array(count).fill(path.endsWith("weight") ? 1 : 0);
      else for (let done = 0; done < count; done += noise.length) yield noise.subarray(0, Math.min(noise.length, count - done));
    }),
};
const { files } = exportedFiles(layout, model.weights, source);
const { signal } = new AbortController();
const single = files.get("");
const bytes = single === undefined ? await writeTensorFolder(output, files, {}, signal) : await writeTensors(output, single, {}, signal);
console.log(`${output}: ${(bytes / 1e9).toFixed(2)} GB`);
