/** A loaded graph to the kernels that its device runs fastest, found by running them; and where that is kept. */

import type { Dispatch } from "../../compiler/package/plan.ts";
import { throwIfAborted } from "../errors.ts";
import { type GpuGraph, kernelsFor } from "./graph.ts";
import { timeEach } from "./profile.ts";
import type { WebGpuRunner } from "./runner.ts";

/** By the names of the plan's kernels, which of their variants is taken, or that they are; where none is named, the runtime's default. */
export type Choices = { readonly [kernel: string]: string };

/** Where choices outlive the program. `adapter` is the device's name. */
export interface TuningStore {
  read(adapter: string, graph: string): Promise<Choices | undefined>;
  write(adapter: string, graph: string, choices: Choices): Promise<void>;
}

/** What another kernel must be better by to be taken: less is noise. */
const margin = 0.95;
const rounds = 3;

export interface TunedKernel {
  /** In the plan. */
  readonly kernel: string;
  /** What is taken where none is chosen. */
  readonly usual: string;
  /** The fastest; the usual where none is clearly better. */
  readonly best: string;
  /** Dispatches of it in a run. */
  readonly count: number;
  /** Nanoseconds of one, as it was and as it is. */
  readonly before: number;
  readonly after: number;
}

/**
 * Times every kernel that has others beside it on the graph's own buffers, those with the most work first, until all are
 * done or `milliseconds` have passed. Throws MvcError `aborted`, `device-…`.
 */
export async function tuneGraph(
  runner: WebGpuRunner,
  graph: GpuGraph,
  options: {
    readonly milliseconds?: number;
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: (share: number) => void;
  } = {},
): Promise<readonly TunedKernel[]> {
  const { milliseconds = Number.POSITIVE_INFINITY, signal, onProgress } = options;
  const until = performance.now() + milliseconds;
  const kinds = kernelsWithVariants(graph);
  const found: TunedKernel[] = [];
  for (const [done, { at, dispatch, count }] of kinds.entries()) {
    throwIfAborted(signal, "tuning");
    if (performance.now() > until) break;
    const candidates = kernelsFor(runner.device, dispatch);
    const works = await Promise.all(candidates.map((candidate) => graph.encodeAs(candidate, at)));
    const times = await timeEach(runner, works, rounds);
    const [before = 0] = times;
    const least = Math.min(...times);
    const usual = candidates[0].kernel;
    const best = least < margin * before ? candidates[times.indexOf(least)] : undefined;
    found.push({ kernel: dispatch.kernel, usual, best: best?.kernel ?? usual, count, before, after: best === undefined ? before : least });
    onProgress?.((done + 1) / kinds.length);
  }
  return found;
}

export function choicesOf(tuned: readonly TunedKernel[]): Choices {
  return Object.fromEntries(tuned.filter(({ usual, best }) => usual !== best).map(({ kernel, best }) => [kernel, best]));
}

function kernelsWithVariants({ plan }: GpuGraph): readonly { readonly at: number; readonly dispatch: Dispatch; readonly count: number }[] {
  const kinds = new Map<string, { at: number; dispatch: Dispatch; count: number }>();
  for (const [at, dispatch] of plan.dispatches.entries()) {
    const known = kinds.get(dispatch.kernel);
    if (known !== undefined) known.count++;
    else if (dispatch.variants !== undefined) kinds.set(dispatch.kernel, { at, dispatch, count: 1 });
  }
  return [...kinds.values()].sort((a, b) => b.count * b.dispatch.flops - a.count * a.dispatch.flops);
}
