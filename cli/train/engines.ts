/** The names of `--engine` to what computes the steps of stages. */

import type { OpenEngine, StageWork } from "../../training/engine.ts";
import { openOnnxEngine, partsOf } from "../../training/node/onnx-engine.ts";
import { prepareDawn } from "../../training/node/webgpu-engine.ts";

export interface EngineKind {
  /** Into how many parts it likes a step's batch divided. */
  readonly partsOf: (batch: number) => number;
  /** `works` are the stages that it will be opened for. Throws where this machine has none, or none that holds them all. */
  readonly prepare: (works: () => readonly StageWork[]) => Promise<OpenEngine>;
}

export const engines = {
  onnx: { partsOf, prepare: async () => openOnnxEngine },
  webgpu: { partsOf: () => 1, prepare: async (works) => prepareDawn(works()) },
} as const satisfies { readonly [name: string]: EngineKind };

/** Those that compute steps here. */
export type OwnEngineName = keyof typeof engines;

/** With `torch` a run is the emitted train.py's own (`torch-run.ts`). */
export type EngineName = OwnEngineName | "torch";
