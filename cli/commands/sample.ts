/** `mvc sample`: a prompt to a clip on disk. */

import { basename, dirname, extname, join } from "node:path";
import type { Method } from "../../compiler/package/manifest.ts";
import { type Backend, loadPipeline, mvcError, type Progress, type SampledClip, writeAtomically } from "../../runtime/index.ts";
import { outputAt, requirePath, tryOutput } from "../../runtime/node/output-file.ts";
import { gif } from "../media/gif.ts";
import { mp4 } from "../media/mp4.ts";
import { contactSheet } from "../media/png.ts";
import { shownPath } from "../program.ts";
import { type Progress as Bar, startProgress } from "../progress.ts";
import { interruptible, type Outcome, reporterOf } from "../terminal.ts";

export interface SampleCommandOptions {
  readonly seed: number;
  readonly steps?: number;
  readonly guidance?: number;
  readonly sampler?: Method;
  readonly count: number;
  readonly fps: number;
  readonly output: string;
  readonly backend: Backend;
}

/** Each one's file is looked at before the first is sampled. */
const mostClips = 100_000;

type Writer = (clip: SampledClip, fps: number) => Uint8Array | Promise<Uint8Array>;

const writers: { readonly [extension: string]: Writer } = {
  ".gif": (clip, fps) => gif(clip, { fps }),
  ".mp4": (clip, fps) => mp4(clip, { fps }),
  ".png": (clip) => contactSheet(clip),
};

export async function sample(folder: string, prompt: string, options: SampleCommandOptions): Promise<Outcome> {
  requirePath(options.output);
  const writer = writers[extname(options.output).toLowerCase()];
  if (writer === undefined) {
    throw mvcError("option-invalid", { option: "--output", expected: "a file that ends in .gif, .mp4 or .png", found: options.output });
  }
  if (options.count < 1 || options.count > mostClips)
    throw mvcError("option-invalid", { option: "--count", expected: `1 to ${mostClips}`, found: String(options.count) });
  if (!(options.fps > 0 && options.fps <= 100)) {
    throw mvcError("option-invalid", { option: "--fps", expected: "a number above 0 and up to 100", found: String(options.fps) });
  }
  const files = Array.from({ length: options.count }, (_, i) => (options.count === 1 ? options.output : numbered(options.output, i)));
  for (const file of files) outputAt(file);
  for (const file of new Set([files[0], files.at(-1)])) if (file !== undefined) await tryOutput(file);
  const signal = interruptible();
  const pipeline = await loadPipeline(folder, { backend: options.backend, signal });
  try {
    for (const [i, file] of files.entries()) {
      const seed = options.seed + i;
      const { onProgress, stop } = stepBar();
      try {
        const started = performance.now();
        const clip = await pipeline.sample(prompt, {
          seed,
          onProgress,
          signal,
          ...(options.steps === undefined ? {} : { steps: options.steps }),
          ...(options.guidance === undefined ? {} : { guidance: options.guidance }),
          ...(options.sampler === undefined ? {} : { method: options.sampler }),
        });
        stop();
        await writeAtomically(file, [await writer(clip, options.fps)], signal);
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        reporterOf(file)(`${shownPath(file)}: ${clip.frameCount} frames of ${clip.width}x${clip.height}, seed ${seed}, ${seconds} s\n`);
      } finally {
        stop();
      }
    }
  } finally {
    await pipeline.dispose();
  }
  return "done";
}

/** clip.gif, clip-1.gif … when several are asked for: clip-0.gif is the first. */
function numbered(file: string, index: number): string {
  const extension = extname(file);
  return join(dirname(file), `${basename(file, extension)}-${index}${extension}`);
}

function stepBar(): { onProgress: (progress: Progress) => void; stop: () => void } {
  let bar: Bar | undefined;
  return {
    onProgress: ({ phase, step, steps }) => {
      if (phase !== "step" && phase !== "decode") return;
      bar ??= startProgress("sampling", steps, "steps");
      bar.to(step);
    },
    stop: () => {
      bar?.stop();
      bar = undefined;
    },
  };
}
