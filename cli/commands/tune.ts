/** `mvc tune`: tries every kernel that a graph may be run with on this machine's graphics card, and keeps the fastest beside the package. */

import pc from "picocolors";
import { graphSpec } from "../../runtime/feeds.ts";
import { openPackage, packageFolder } from "../../runtime/index.ts";
import { openDawn } from "../../runtime/node/dawn.ts";
import { tuningFile } from "../../runtime/node/tuning-file.ts";
import { openDevice } from "../../runtime/webgpu/device.ts";
import { webgpuRunner } from "../../runtime/webgpu/runner.ts";
import { choicesOf, type TunedKernel, tuneGraph } from "../../runtime/webgpu/tuning.ts";
import { startProgress } from "../progress.ts";
import { randomFeeds } from "../random-feeds.ts";
import { shownPath } from "../shown-path.ts";
import { table } from "../table.ts";
import { interruptible, type Outcome } from "../terminal.ts";

export interface TuneOptions {
  readonly graph?: readonly string[];
}

export async function tune(folder: string, options: TuneOptions): Promise<Outcome> {
  const signal = interruptible();
  const pack = await openPackage(packageFolder(folder));
  const graphs = options.graph ?? Object.keys(pack.manifest.graphs);
  const specs = graphs.map((name) => ({ name, feeds: randomFeeds(graphSpec(pack.manifest, name)) }));
  const store = tuningFile(folder);
  const runner = webgpuRunner(pack, await openDevice(await openDawn()), { signal });
  try {
    // A file that cannot be added to is told before the work, not after it.
    for (const { name } of specs) await store.read(runner.device.name, name);
    for (const { name, feeds } of specs) {
      const loaded = await runner.feed(name, feeds);
      const progress = startProgress(`tune ${name}`, 100, "steps");
      const tuned = await tuneGraph(runner, loaded, { signal, onProgress: (share) => progress.to(100 * share) }).finally(progress.stop);
      await store.write(runner.device.name, name, choicesOf(tuned));
      process.stdout.write(shown(name, tuned));
    }
  } finally {
    await runner.dispose();
  }
  process.stdout.write(`${shownPath(folder)}/tuning.json: the choices for ${runner.device.name}\n`);
  return "done";
}

function shown(name: string, tuned: readonly TunedKernel[]): string {
  const changed = tuned.filter(({ usual, best }) => usual !== best);
  const sum = (of: (one: TunedKernel) => number) => tuned.reduce((total, one) => total + one.count * of(one), 0) / 1e6;
  const rows = changed.map(({ usual, best, count, before, after }) => [
    `${usual} by ${best}`,
    String(count),
    figure(before / 1e6),
    figure(after / 1e6),
  ]);
  const all = ["all kernels that were tried", String(tuned.length), figure(sum(({ before }) => before)), figure(sum(({ after }) => after))];
  if (tuned.length === 0) return `${pc.bold(name)}: no kernel with others beside it\n`;
  return `${[`${pc.bold(name)}: ${changed.length} of ${tuned.length} kernels changed`, ...table(["kernel", "calls", "ms before", "after"], [...rows, all])].join("\n")}\n`;
}

const figure = (milliseconds: number) => milliseconds.toFixed(2);
