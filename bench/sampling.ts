/** Times the sampling of one clip (text, guided steps, decoding) by the runtime: the other side of golden/reference/time_sampling.py. */

import { loadPipeline } from "../runtime/index.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: node dist/bench/sampling.js PACKAGE");
const pipeline = await loadPipeline(folder, { threads: 2 });
const times: number[] = [];
for (let seed = 0; seed < 6; seed++) {
  const started = performance.now();
  await pipeline.sample("a red circle moves right", { seed });
  // The first clip also loads the graphs.
  if (seed > 0) times.push((performance.now() - started) / 1000);
}
const sorted = times.sort((a, b) => a - b);
const steps = pipeline.package.manifest.sampler?.steps ?? 0;
console.log(`mvc: least ${sorted[0]?.toFixed(2)} s, median ${sorted[2]?.toFixed(2)} s a clip of ${steps} guided steps`);
await pipeline.dispose();
