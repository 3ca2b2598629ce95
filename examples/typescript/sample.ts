/** A prompt to an MP4, and one graph run by itself. */

import { encodeMp4, loadPipeline, type SampledClip, type Tensors, writeAtomically, writeSafetensors } from "@mvc-lang/mvc/runtime";

export async function sampleTo(file: string, folder: string, prompt: string): Promise<SampledClip> {
  const pipeline = await loadPipeline(folder);
  try {
    const clip = await pipeline.sample(prompt, { seed: 1, steps: 25 });
    await writeAtomically(file, [await encodeMp4(clip, { fps: 8 })]);
    return clip;
  } finally {
    await pipeline.dispose();
  }
}

/** Of a package's own `bindings.ts`, `loadPipeline<Graphs>` knows names and shapes as well. */
export async function runTo(file: string, folder: string, graph: string, inputs: Tensors): Promise<void> {
  const pipeline = await loadPipeline(folder);
  try {
    await writeSafetensors(file, await pipeline.run(graph, inputs));
  } finally {
    await pipeline.dispose();
  }
}
