/** What the browser offers to how clips can be made, or what is missing for WebGPU and what a visitor can do about it. */

import { adapterKind, findAdapter } from "../runtime/web/index.ts";

export interface Missing {
  readonly what: string;
  readonly why: string;
  /** Any one of them may help. */
  readonly ways: readonly string[];
}

/** What works without WebGPU. */
export const elsewhere =
  "Or sample on the processor, which needs no graphics card: in the project's folder, the command “npm run demo” makes such a clip.";

/** Where a processor plays the graphics card. */
export const slowly = "No graphics card answers here, so the processor plays one: a clip can take minutes. Fewer steps make it quicker.";

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

export interface Way {
  readonly by: "webgpu" | "onnx";
  /** What a visitor is told of it, where it is not the way that the page was made for. */
  readonly notice: string | undefined;
}

/** How the page can sample, with an engine for the processor or without; or why it cannot. */
export async function support(hasEngine: boolean): Promise<Way | Missing> {
  if (!globalThis.isSecureContext) return insecure;
  if (!("gpu" in navigator) || !navigator.gpu) return hasEngine ? byProcessor("This browser has no WebGPU") : noWebGpu;
  const adapter = await findAdapter(navigator.gpu);
  if (adapter === undefined) return hasEngine ? byProcessor("WebGPU finds no graphics card here") : noAdapter;
  if (adapterKind(adapter) !== "software") return { by: "webgpu", notice: undefined };
  return hasEngine ? byProcessor("No graphics card answers here") : { by: "webgpu", notice: slowly };
}

/** Measured on two cores, by ONNX Runtime. */
const slower =
  "so your processor makes the clips, slower than a graphics card would: some seconds each. The time left is told from the third step on.";

function byProcessor(why: string): Way {
  return { by: "onnx", notice: `${why}, ${slower}` };
}
