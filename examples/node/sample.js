// A prompt to an animated GIF: node sample.js PACKAGE PROMPT CLIP.gif

import { encodeGif, loadPipeline, MvcError, writeAtomically } from "@mvc-lang/mvc/runtime";

const [folder = "out/mini", prompt = "a red circle moves right", file = "clip.gif"] = process.argv.slice(2);

try {
  const pipeline = await loadPipeline(folder);
  const onProgress = ({ phase, step, steps }) => process.stderr.write(`\r${phase} ${step} of ${steps} `);
  const clip = await pipeline.sample(prompt, { seed: 1, onProgress });
  await writeAtomically(file, [encodeGif(clip, { fps: 8 })]);
  await pipeline.dispose();
  process.stderr.write("\n");
  process.stdout.write(`${file}: ${clip.frameCount} frames of ${clip.width}x${clip.height}\n`);
} catch (error) {
  if (!(error instanceof MvcError)) throw error;
  process.stderr.write(`${error.message}\n  ${error.hint}\n`);
  process.exitCode = 1;
}
