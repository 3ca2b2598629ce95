/** The names of `--engine` to what computes a stage's steps. */

import type { OpenEngine } from "../../training/engine.ts";
import { openOnnxEngine, partsOf } from "../../training/node/onnx-engine.ts";
import { openDawnEngine, requireAdapter } from "../../training/node/webgpu-engine.ts";

export interface EngineKind {
  readonly open: OpenEngine;
  /** Into how many parts it likes a step's batch divided. */
  readonly partsOf: (batch: number) => number;
  /** Throws where this machine has none. */
  readonly require: () => Promise<void>;
}

export const engines = {
  onnx: { open: openOnnxEngine, partsOf, require: async () => {} },
  webgpu: { open: openDawnEngine, partsOf: () => 1, require: requireAdapter },
} as const satisfies { readonly [name: string]: EngineKind };

/** With `torch` a run is the emitted train.py's own (`torch-run.ts`). */
export type EngineName = keyof typeof engines | "torch";
