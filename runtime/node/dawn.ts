/** WebGPU in Node: the npm package `webgpu`, which is optional. */

import { mvcError, reasonOf } from "../errors.ts";
import { paceDawn } from "./dawn-turns.ts";

/**
 * Kept for the life of the process: when the object that `create` returns is collected while its device is used, the
 * process crashes.
 */
let kept: GPU | undefined;

/** Throws MvcError `webgpu-absent`. */
export async function openDawn(): Promise<GPU> {
  if (kept !== undefined) return kept;
  const dawn = await import("webgpu").catch((error: unknown) => {
    throw mvcError("webgpu-absent", {
      reason: `the package \`webgpu\` cannot be loaded (${reasonOf(error)})`,
      hint: "install it with `npm install webgpu`, or sample with `--backend onnx`, train with `--engine onnx`",
    });
  });
  Object.assign(globalThis, dawn.globals);
  paceDawn();
  // Timestamps that are rounded to tenths of a millisecond would tell nothing of small kernels.
  kept = dawn.create(["disable-dawn-features=timestamp_quantization"]);
  return kept;
}
