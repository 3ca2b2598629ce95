/** What a backend is asked for: graphs on named tensors, and, where it has a loop of its own, whole clips. */

import type { KeptPart } from "./clips/keeping.ts";
import type { Windows } from "./clips/windows.ts";
import type { ConditionFeed } from "./conditions.ts";
import type { Guidance } from "./guidance.ts";
import type { Progress } from "./options.ts";
import type { Roles } from "./roles.ts";
import type { SamplerStep } from "./sampler/step.ts";
import type { TensorData, Tensors } from "./tensor.ts";

export interface SamplingJob {
  readonly parts: Roles;
  /** Joint windows of a clip that is no window by itself; a backend's own loop has none. */
  readonly windows: Windows | undefined;
  /** Of each window, or of all the same. Checked: a backend feeds them as they are. */
  readonly feeds: readonly (readonly ConditionFeed[])[];
  /** What all steps keep, and with it all latents that are heard. */
  readonly kept: KeptPart | undefined;
  /** What the first step begins with, of all clips, [batch, F, Z, H, W], F the whole clip's frames; it stays as it is. */
  readonly start: Float32Array;
  /** Standard normals of all clips for a step, counted from 0. */
  readonly noise: (step: number) => Float32Array;
  readonly steps: readonly SamplerStep[];
  readonly guidance: Guidance;
  /** Whether `frames` runs. */
  readonly result: "pictures" | "latents";
  readonly report: (progress: Progress) => void;
  /** Hears the latents, f32 [batch, F, Z, H, W], after each step, which it may keep; the loop waits for it. */
  readonly watch: ((step: number, latent: TensorData) => void | Promise<void>) | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface SamplingResult {
  /** f32 [batch, F, Z, H, W]. */
  readonly latent: TensorData;
  /** f32 or f16 [rows, F, 3, height, width] or [rows, 3, height, width], one after another; none where the latent is the result. */
  readonly frames: readonly TensorData[];
}

/** A backend: everything above it is the same on every device. */
export interface GraphRunner {
  /**
   * Runs a graph of the package once; floats may be given in either precision, and come out in the graph's own.
   * @throws MvcError `graph-unknown`, `tensor-…`, `id-out-of-range`, `graph-failed`, `weights-absent`, `disposed`.
   */
  run(graph: string, feeds: Tensors): Promise<Tensors>;
  /** Loads what sampling needs before the first clip asks for it; later calls do nothing. Throws as `run`, and `aborted`. */
  load(parts: Roles, signal: AbortSignal | undefined): Promise<void>;
  dispose(): Promise<void>;
  /** The whole sampling loop, where the backend has one of its own; others are led graph by graph. */
  sample?(job: SamplingJob): Promise<SamplingResult>;
}
