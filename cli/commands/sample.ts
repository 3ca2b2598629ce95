/** `mvc sample`: a prompt and what else the model takes to clips on disk. */

import { basename, dirname, extname, join } from "node:path";
import pc from "picocolors";
import { type SampledFigures, sampledFigures } from "../../compiler/package/sampler-figures.ts";
import type { LengthOptions } from "../../runtime/clips/plan.ts";
import type { PromptKey } from "../../runtime/clips/prompt-keys.ts";
import { quoted } from "../../runtime/errors.ts";
import type { GuidanceWeights } from "../../runtime/guidance.ts";
import {
  type Backend,
  type ClipRequest,
  type LongPrompt,
  loadPipeline,
  mvcError,
  type Pipeline,
  type Progress,
  type SampledClip,
  type SampleOptions,
  type TruncatedPrompt,
  tensorSource,
  writeAtomically,
} from "../../runtime/index.ts";
import type { About } from "../../runtime/media/about.ts";
import { contactSheet } from "../../runtime/media/contact-sheet.ts";
import { gif } from "../../runtime/node/gif.ts";
import { mp4 } from "../../runtime/node/mp4.ts";
import { outputAt, refuseToReplace, requirePath, tryOutput } from "../../runtime/node/output-file.ts";
import { safetensorsHeader } from "../../runtime/node/safetensors-file.ts";
import { type Roles, roles } from "../../runtime/roles.ts";
import type { TensorData } from "../../runtime/tensor.ts";
import { aboutClip } from "../about-clip.ts";
import { type ClipFiles, clipFilesAt, readClipFiles } from "../clip-files.ts";
import { type GivenInputs, readInputs } from "../condition-inputs.ts";
import { type Progress as Bar, startProgress } from "../progress.ts";
import { reporterOf } from "../reporter.ts";
import { shownPath } from "../shown-path.ts";
import { asTyped } from "../spelling.ts";
import { interruptible, type Outcome } from "../terminal.ts";

export interface SampleCommandOptions extends Partial<SampledFigures>, ClipFiles, LengthOptions {
  readonly seed: number;
  readonly guidance?: GuidanceWeights;
  readonly guidanceRescale?: number;
  readonly guidanceInterval?: readonly [from: number, to: number];
  readonly strength?: number;
  readonly promptAt?: readonly PromptKey[];
  /** What the clip is led away from. */
  readonly negative?: string;
  readonly longPrompt?: LongPrompt;
  readonly wordWeights?: true;
  readonly threads?: number;
  /** Conditions beside the prompt, as they were typed. */
  readonly input?: GivenInputs;
  readonly count: number;
  readonly fps: number;
  readonly output: string;
  readonly backend: Backend;
}

/** Each one's file is looked at before the first is sampled. */
const mostClips = 100_000;

/** `(word:1.3)`, as users of other programs write it. */
const looksWeighed = /\([^()]*:\s*[\d.]+\s*\)/;

interface Made {
  readonly bytes: Uint8Array;
  readonly what: string;
}

/** How a file keeps what it was made of. */
interface Written {
  readonly fps: number;
  readonly about: About;
}

/** How clips are asked for, and what is written of each. */
type Maker = (
  pipeline: Pipeline,
  requests: readonly ClipRequest[],
  options: SampleOptions,
) => Promise<readonly ((written: Written) => Made | Promise<Made>)[]>;

const clipsAs =
  (encode: (clip: SampledClip, written: Written) => Uint8Array | Promise<Uint8Array>): Maker =>
  async (pipeline, requests, options) =>
    (await pipeline.sampleAll(requests, options)).map((clip) => async (written) => ({
      bytes: await encode(clip, written),
      what: `${clip.frameCount} ${clip.frameCount === 1 ? "frame" : "frames"} of ${clip.width}x${clip.height}`,
    }));

const latents: Maker = async (pipeline, requests, options) =>
  (await pipeline.sampleLatents(requests, options)).map((latent) => ({ about }) => ({
    bytes: safetensorsOf(latent, about),
    what: `latent ${latent.dtype} [${latent.shape.join(", ")}]`,
  }));

const makers: { readonly [extension: string]: Maker } = {
  ".gif": clipsAs(gif),
  ".mp4": clipsAs(mp4),
  ".png": clipsAs((clip, { about }) => contactSheet(clip, { about })),
  ".safetensors": latents,
};

export async function sample(folder: string, prompt: string | undefined, options: SampleCommandOptions): Promise<Outcome> {
  requirePath(options.output);
  const make = makers[extname(options.output).toLowerCase()];
  const refuse = (option: string, expected: string, found: unknown) =>
    mvcError("option-invalid", { option, expected, found: String(found) });
  if (make === undefined) throw refuse("--output", "a file that ends in .gif, .mp4, .png or .safetensors", options.output);
  if (options.count < 1 || options.count > mostClips) throw refuse("--count", `1 to ${mostClips}`, options.count);
  if (!(options.fps >= 0.01 && options.fps <= 100)) throw refuse("--fps", "a number from 0.01 to 100", options.fps);
  const { firstFrame = [], lastFrame = [], from = [], known = [], mask = [] } = options;
  const clips = [firstFrame, lastFrame, from, options.continue ?? [], known, mask].flat();
  const readFiles = [...clips.flatMap(clipFilesAt), ...Object.values(options.input ?? {})];
  const files = Array.from({ length: options.count }, (_, i) => (options.count === 1 ? options.output : numbered(options.output, i)));
  for (const file of files) {
    outputAt(file);
    refuseToReplace(file, readFiles);
  }
  for (const file of new Set([files[0], files.at(-1)])) if (file !== undefined) await tryOutput(file);
  const signal = interruptible();
  if (options.threads !== undefined && options.backend === "webgpu")
    throw refuse("--threads", "left out on WebGPU, which has none", options.threads);
  const pipeline = await loadPipeline(folder, {
    backend: options.backend,
    signal,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  const conditions = pipeline.package.manifest.sampler?.conditions.map(({ name }) => name) ?? [];
  try {
    const parts = roles(pipeline.package.manifest);
    if (parts.pictures === "none" && make !== latents) {
      throw refuse("--output", "a file that ends in .safetensors, as the model makes latents and no pictures", options.output);
    }
    const inputs = await readInputs(parts, options.input ?? {});
    if (prompt?.trim() === "")
      process.stderr.write(`${pc.yellow("note")} the prompt is empty: the clip shows what the model makes of no words\n`);
    const note = (text: string) => process.stderr.write(`${pc.yellow("note")} ${text}\n`);
    const weighs = [prompt, ...(options.promptAt ?? []).map((one) => one.prompt), options.negative].find(
      (text) => text !== undefined && looksWeighed.test(text),
    );
    if (weighs !== undefined && !options.wordWeights)
      note(`${JSON.stringify(weighs)} is read as it stands: \`--word-weights\` reads its numbers as weights`);
    const { strength } = options;
    const listed = options.timesteps ?? (Array.isArray(options.sigmas) ? options.sigmas : undefined);
    const steps = listed?.length ?? options.steps ?? parts.sampler.steps;
    if (options.from !== undefined && strength !== undefined && strength > 0 && strength * steps < 1)
      note(`--strength ${strength} of ${steps} steps is no step: nothing of --from is made anew`);
    const asked = {
      ...(await readClipFiles(options, parts, options.length, note)),
      ...(prompt === undefined ? {} : { prompt }),
      ...(options.promptAt === undefined ? {} : { prompts: options.promptAt }),
      ...(options.negative === undefined ? {} : { negative: options.negative }),
    };
    const requests = files.map((file, i) => ({ file, clip: { ...asked, inputs, seed: options.seed + i } }));
    await sampleBatches(pipeline, parts, requests, make, { ...options, onTruncated: noteOnce() }, signal);
  } catch (thrown) {
    throw asTyped(thrown, conditions);
  } finally {
    await pipeline.dispose();
  }
  return "done";
}

/** As many clips at once as the package holds, each batch written before the next begins. */
async function sampleBatches(
  pipeline: Pipeline,
  { batch }: Roles,
  requests: readonly { readonly clip: ClipRequest & { readonly seed: number }; readonly file: string }[],
  make: Maker,
  { onTruncated, ...options }: SampleCommandOptions & { readonly onTruncated: (prompt: TruncatedPrompt) => void },
  signal: AbortSignal,
): Promise<void> {
  for (let at = 0; at < requests.length; at += batch) {
    const some = requests.slice(at, at + batch);
    const { onProgress, stop } = stepBar();
    try {
      const started = performance.now();
      const clips = some.map(({ clip }) => clip);
      const chosen = chosenOf(options);
      const made = await make(pipeline, clips, { ...chosen, onTruncated, onProgress, signal });
      stop();
      for (const [i, encoded] of made.entries()) {
        const { file, clip } = some[i] as (typeof some)[number];
        const { bytes, what } = await encoded({
          fps: options.fps,
          about: aboutClip(pipeline.package.manifest, clip, chosen, { inputs: options.input ?? {}, files: clipFilesOf(options) }),
        });
        await writeAtomically(file, [bytes], signal);
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        reporterOf(file)(`${shownPath(file)}: ${what}, seed ${clip.seed}, ${seconds} s\n`);
      }
    } finally {
      stop();
    }
  }
}

/** Says what is left out of a prompt; of the same prompt, clip after clip, once. */
function noteOnce(): (prompt: TruncatedPrompt) => void {
  const said = new Set<string>();
  return ({ prompt, dropped, tokens, limit }) => {
    if (said.has(prompt)) return;
    said.add(prompt);
    const words = quoted(dropped);
    process.stderr.write(`${pc.yellow("note")} ${JSON.stringify(prompt)} has ${tokens} tokens of at most ${limit}: ${words} is left out\n`);
  };
}

const settingNames = [
  ...sampledFigures,
  "guidance",
  "guidanceRescale",
  "guidanceInterval",
  "longPrompt",
  "wordWeights",
  "strength",
  "length",
  "overlap",
  "loop",
  "windows",
] as const;
const fileNames = ["firstFrame", "lastFrame", "from", "continue", "known", "at", "mask"] as const;

const picked = <T extends object, Name extends keyof T>(options: T, names: readonly Name[]) =>
  Object.fromEntries(names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]))) as Partial<Pick<T, Name>>;

/** What was chosen of what the pipeline takes. */
const chosenOf = (options: SampleCommandOptions): SampleOptions => picked(options, settingNames) as SampleOptions;
const clipFilesOf = (options: SampleCommandOptions): ClipFiles => picked(options, fileNames) as ClipFiles;

function safetensorsOf(latent: TensorData, about: About): Uint8Array {
  const source = tensorSource("latent", latent);
  const { buffer, byteOffset, byteLength } = latent.data;
  const head = safetensorsHeader([source], about);
  const bytes = new Uint8Array(head.length + byteLength);
  bytes.set(head);
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength), head.length);
  return bytes;
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
