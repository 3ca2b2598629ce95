/** Requests to sampled batches: what is given of each clip is read before any work, then as many clips at once as the package's batch holds. */

import { split, stack } from "./batch.ts";
import { type ClipShape, clipShapeOf, frameElements, picturesFor } from "./clips/clip-shape.ts";
import { clean, type KeptPart, keeping, noised } from "./clips/keeping.ts";
import { type ClipPlan, planOf } from "./clips/plan.ts";
import { feedsOfWindow, type KeyedFeeds, keyedFeeds } from "./clips/prompt-keys.ts";
import { latentFramesOf, latentOf, type PlacedParts, placedParts, readParts } from "./clips/request.ts";
import { decodeLatents, encodePictures, wholeWindow } from "./clips/through-windows.ts";
import { cut, put, type Windows } from "./clips/windows.ts";
import { type ClipRequest, conditionFeeds } from "./conditions.ts";
import { mvcError } from "./errors.ts";
import { checkTensor } from "./feeds.ts";
import { readGuidance } from "./guidance.ts";
import { sampleByGraphs } from "./loop.ts";
import { type SampleOptions, settings } from "./options.ts";
import { promptReader } from "./prompt.ts";
import type { Roles } from "./roles.ts";
import { normals } from "./sampler/random.ts";
import { trajectory } from "./sampler/sampler.ts";
import type { Trajectory } from "./sampler/step.ts";
import type { GraphRunner, SamplingJob, SamplingResult } from "./session.ts";
import { elements, f32, floatsOf, type TensorData } from "./tensor.ts";
import type { PromptTokenizer } from "./tokenizer.ts";

/** What all clips of a call share. */
interface Call {
  readonly runner: GraphRunner;
  readonly parts: Roles;
  readonly shape: ClipShape;
  readonly plan: ClipPlan;
  readonly way: Trajectory;
  readonly result: SamplingJob["result"];
}

/** One clip, read. */
interface Asked {
  readonly seed: number;
  readonly keyed: KeyedFeeds;
  readonly placed: PlacedParts;
  /** What it starts from in place of its seed's noise. */
  readonly latent: TensorData | undefined;
}

/** One result a batch, with the number of its clips that were asked for. Throws MvcError as `Pipeline.sample`. */
export async function* sampledBatches(
  runner: GraphRunner,
  parts: Roles,
  requests: readonly ClipRequest[],
  options: SampleOptions,
  result: SamplingJob["result"],
  tokenizer: () => Promise<PromptTokenizer | undefined>,
): AsyncGenerator<SamplingResult & { readonly wanted: number }> {
  const { report, watch, signal, skipped, figures } = settings(options, requests, parts.sampler);
  const shape = clipShapeOf(parts);
  const given = requests.map((request) => readParts(request, shape, parts));
  const continued = given.map(({ continues }) => continues && latentFramesOf(continues, "continues", shape));
  const plan = planOf(options, continued, shape, parts.sampler);
  if (plan.windows !== undefined) refuseFrameConditions(parts);
  const way = trajectory(figures, skipped);
  const before = skipped / figures.steps;
  const guidance = readGuidance(options, parts.sampler, (step) => before + ((1 - before) * step) / way.steps.length);
  const call: Call = { runner, parts, shape, plan, way, result };
  const read = await tokenizer().then((found) => found && promptReader(found, options));
  const asked = requests.map((request, i): Asked => {
    const keyed = keyedFeeds(parts, request, plan, read);
    const latent = request.latent && checkTensor(request.latent, startOf(call), "the clip");
    return { seed: request.seed ?? 0, keyed, placed: placedParts(given[i] as (typeof given)[number], plan, shape), latent };
  });
  for (let at = 0; at < asked.length; at += parts.batch) {
    // A last batch that is not full is filled with its first clip, and the surplus thrown away.
    const taken = Array.from({ length: parts.batch }, (_, i) => asked[at + i] ?? asked[at]) as Asked[];
    const wanted = asked.length - at;
    const heard: SamplingJob["watch"] =
      watch &&
      ((step, latent) =>
        watch({
          step,
          steps: call.way.steps.length * (plan.inTurn?.starts.length ?? 1),
          first: at,
          latents: split(shown(latent, call), 1).slice(0, wanted),
        }));
    const { kept, start, normals: first } = await begun(call, taken);
    const job: SamplingJob = {
      parts,
      windows: plan.inTurn === undefined ? plan.windows : undefined,
      feeds: feedsOf(call, taken, options.loop === true),
      kept,
      start,
      // Stream 0 of a seed is what its clip starts from, 1 + i what step i takes.
      noise: (step) => fresh(call, taken, 1 + step),
      steps: call.way.steps,
      guidance,
      result,
      report,
      watch: heard,
      signal,
    };
    const made = await (plan.inTurn === undefined ? sampleWhole(runner, job) : sampleInTurn(call, job, plan.inTurn, first));
    yield { latent: shown(made.latent, call), frames: made.frames.map((frames) => shownPictures(frames, call)), wanted };
  }
}

/** What the conditions of a batch are fed: of each window where its text is its own, else of all the same. */
function feedsOf({ parts, plan }: Call, taken: readonly Asked[], loop: boolean): SamplingJob["feeds"] {
  const windows = plan.inTurn ?? plan.windows;
  const one = windows === undefined || taken.every(({ keyed }) => keyed.length === 1);
  return (one ? [0] : windows.starts).map((start) =>
    conditionFeeds(
      parts,
      taken.map(({ keyed }) => feedsOfWindow(keyed, start, windows?.count ?? 1, plan.length, loop)),
    ),
  );
}

/** By the backend's own loop, where it has one and the job is one that it takes; else graph by graph. */
function sampleWhole(runner: GraphRunner, job: SamplingJob): Promise<SamplingResult> {
  const { windows, guidance } = job;
  const plain =
    windows === undefined && job.feeds[0]?.every(({ towards }) => towards === undefined) !== false && guidance.added.length === 1;
  return (plain ? runner.sample?.(job) : undefined) ?? sampleByGraphs(runner, job);
}

/** Window after window; what one has made is known to the next, at each step with the `noise` that its frames began as. */
async function sampleInTurn(call: Call, job: SamplingJob, turns: Windows, noise: Float32Array): Promise<SamplingResult> {
  const { runner, parts, shape, plan, way } = call;
  const size = frameElements(shape);
  const latent = job.kept?.latent.slice() ?? new Float32Array(job.start.length);
  const keep = job.kept?.keep.slice() ?? new Float32Array(job.start.length);
  const whole = [parts.batch, plan.length, ...shape.frame];
  const all = turns.starts.length * way.steps.length;
  for (const [i, start] of turns.starts.entries()) {
    const own = (values: Float32Array) => cut(values, turns, start, size);
    const kept: KeptPart = { latent: own(latent), keep: own(keep), noise: own(noise) };
    const done = i * way.steps.length;
    const made = await sampleWhole(runner, {
      ...job,
      feeds: [job.feeds[i] ?? job.feeds[0] ?? []],
      kept,
      start: keeping(kept, own(job.start), way.steps.length === 0 ? clean : way.start),
      noise: (step) => own(job.noise(step)),
      result: "latents",
      report: ({ phase, step }) => phase !== "decode" && job.report({ phase, step: done + step, steps: all }),
      watch:
        job.watch && ((step, window) => job.watch?.(done + step, f32(whole, put(latent.slice(), floatsOf(window), turns, start, size)))),
    });
    put(latent, floatsOf(made.latent), turns, start, size);
    put(keep, new Float32Array(made.latent.data.length).fill(1), turns, start, size);
  }
  job.report({ phase: "decode", step: all, steps: all });
  const role = job.result === "pictures" ? parts.frames : undefined;
  const frames = role === undefined ? [] : [await decodeLatents(runner, role, latent, plan.windows ?? wholeWindow(plan.length), shape)];
  return { latent: f32(whole, latent), frames };
}

/** What the clips of a batch start from, what their steps keep, and the normals of stream 0. */
async function begun(
  call: Call,
  taken: readonly Asked[],
): Promise<Pick<SamplingJob, "kept" | "start"> & { readonly normals: Float32Array }> {
  const { way } = call;
  const level = way.steps.length === 0 ? clean : way.start;
  const noise = fresh(call, taken, 0);
  const from = await latentsOf(
    call,
    taken.map(({ placed }) => (placed.from === undefined ? [] : [placed.from])),
  );
  const size = noise.length / taken.length;
  const given = taken.map(({ latent }, i) =>
    latent === undefined ? noise.slice(i * size, (i + 1) * size).map((value) => way.spread * value) : floatsOf(latent),
  );
  const start = from === undefined ? concatenated(given) : noised(from.latent, noise, level);
  const known = await latentsOf(
    call,
    taken.map(({ placed }) => placed.known),
  );
  if (known === undefined) return { kept: undefined, start, normals: noise };
  const kept = { ...known, noise };
  return { kept, start: keeping(kept, start, level), normals: noise };
}

/** The clean latents of all clips of a batch, where anything is given of any. */
async function latentsOf({ runner, parts, plan, shape }: Call, given: readonly PlacedParts["known"][]) {
  if (given.every((placed) => placed.length === 0)) return undefined;
  const windows = plan.windows ?? wholeWindow(plan.length);
  const { latents } = parts;
  const encode = async (pictures: Float32Array) =>
    latents === undefined ? pictures : encodePictures(runner, latents, pictures, windows, shape);
  const read: Awaited<ReturnType<typeof latentOf>>[] = [];
  for (const [i, placed] of given.entries())
    read.push(
      given.indexOf(placed) < i ? (read[given.indexOf(placed)] as (typeof read)[number]) : await latentOf(placed, plan, shape, encode),
    );
  return { latent: concatenated(read.map(({ latent }) => latent)), keep: concatenated(read.map(({ keep }) => keep)) };
}

/** Standard normals of a stream of each clip's seed, [batch, length, …]: a longer clip's begin with a shorter one's. */
function fresh({ plan, shape }: Call, taken: readonly Asked[], stream: number): Float32Array {
  return concatenated(taken.map(({ seed }) => normals(seed, stream, plan.length * frameElements(shape))));
}

/** The frames that the caller asked for. */
function shown(latent: TensorData, { plan, parts, shape }: Call): TensorData {
  const { wanted, length } = plan;
  if (wanted === length && plan.windows === undefined) return latent;
  const size = frameElements(shape);
  const values = cut(floatsOf(latent), { length, count: wanted, starts: [0], ramp: 0 }, 0, size);
  return f32([parts.batch, wanted, ...shape.frame], values);
}

function shownPictures(frames: TensorData, { plan, shape }: Call): TensorData {
  const [clips = 1, count = 1, ...picture] = frames.shape;
  const wanted = picturesFor(shape.pace, plan.wanted);
  if (plan.wanted === plan.length || frames.shape.length !== 5) return frames;
  return f32(
    [clips, wanted, ...picture],
    cut(floatsOf(frames), { length: count, count: wanted, starts: [0], ramp: 0 }, 0, elements(picture)),
  );
}

/** What a clip may start from. */
function startOf({ parts, plan, shape }: Call) {
  const { sampler, clipShape } = parts;
  const frames = clipShape.length === 4 ? [plan.length, ...shape.frame] : clipShape;
  return { name: sampler.latent, dtype: "f32" as const, shape: [1, ...frames], axes: [] };
}

/** A condition that has a value for each frame would need them for all frames of a longer clip. */
function refuseFrameConditions({ conditions, clipShape, frameAxis }: Roles): void {
  const found = conditions.find(({ tensor }) => frameAxis !== undefined && tensor.axes.includes(frameAxis));
  if (found === undefined) return;
  const expected = `left out: the model's \`${found.name}\` has a value for each of ${clipShape[0]} frames, and none for more`;
  throw mvcError("option-invalid", { option: "length", expected, found: "given" });
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  return floatsOf(stack(parts.map((part) => f32([1, part.length], part))));
}
