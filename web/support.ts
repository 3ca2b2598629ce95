/** What the browser offers to what is missing for WebGPU, and what a visitor can do about it. */

import { findAdapter } from "../runtime/webgpu/device.ts";

export interface Missing {
  readonly what: string;
  readonly why: string;
  /** Any one of them may help. */
  readonly ways: readonly string[];
}

/** What works without WebGPU. */
export const elsewhere = {
  how: "Or sample on the processor, from the command line:",
  command: 'npx mvc sample out/mini "a red circle moves right" --backend onnx -o clip.gif',
} as const;

const insecure: Missing = {
  what: "This page needs a secure address",
  why: "Browsers give WebGPU only to pages that come over https, or from this computer.",
  ways: ["Open the page by its https address, or as http://127.0.0.1 on the computer that serves it."],
};

const noWebGpu: Missing = {
  what: "This browser has no WebGPU",
  why: "The model runs on your graphics card through WebGPU, which this browser does not offer.",
  ways: [
    "Open the page in a current Chrome or Edge, in Safari 26, or in Firefox on Windows or a Mac.",
    "In Chrome on Linux, open chrome://flags/#enable-unsafe-webgpu, enable it, and start the browser again.",
  ],
};

const noAdapter: Missing = {
  what: "WebGPU finds no graphics card",
  why: "This browser knows WebGPU, but offers no graphics card to this page.",
  ways: [
    "In the browser's settings, under System, switch graphics acceleration on, and start the browser again.",
    "In Chrome on Linux, open chrome://flags/#enable-unsafe-webgpu, enable it, and start the browser again.",
    "Bring the graphics driver up to date; chrome://gpu tells what the browser found.",
  ],
};

/** Undefined where the page can sample. */
export async function missingSupport(): Promise<Missing | undefined> {
  if (!globalThis.isSecureContext) return insecure;
  if (!("gpu" in navigator) || !navigator.gpu) return noWebGpu;
  return (await findAdapter(navigator.gpu)) === undefined ? noAdapter : undefined;
}
