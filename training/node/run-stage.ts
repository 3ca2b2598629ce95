/** A stage that minimises a loss to its trained weights: batches drawn while the engine works, checkpoints, and what is done where a step is not finite. */

import { join } from "node:path";
import type { LossStage } from "../../compiler/module/training.ts";
import { mvcError } from "../../runtime/errors.ts";
import { freshState } from "../adamw.ts";
import { batchesOf } from "../batches.ts";
import type { EngineJob, Feeds, StepResult, TrainingState } from "../engine.ts";
import { withGradients } from "../gradients.ts";
import { learningRateAt } from "../learning-rate.ts";
import { whereNotFinite } from "../not-finite.ts";
import { StageClock, stepsWithin } from "../plan.ts";
import { unequalLosses } from "./mean-loss.ts";
import { runFiles } from "./run-folder.ts";
import { givenWeights, type Run, type RunKeeper } from "./run-keeper.ts";
import { type Clips, type OpenSources, openSources } from "./sources.ts";
import { openWeighted } from "./weighted-graph.ts";

/** Seconds between two checkpoints, and between two looks at what is sampled. */
const [savePause, samplePause] = [60, 600];

/** Of a stage's time, how much is timed before it becomes a number of steps; the first step, which takes memory, is not. */
const timedPart = 0.03;
const leastTimed = 10;

export async function runStage(run: Run, declared: LossStage, keeper: RunKeeper, clips: Clips): Promise<"done" | "interrupted"> {
  const { step: from, identity } = keeper.state;
  const encoders = declared.inputs.flatMap(({ source }) => ("encoder" in source && source.encoder !== null ? [source.encoder] : []));
  const { tokens, folder } = run;
  const sources = await openSources(run.training, [...new Set(encoders)], clips, {
    weights: keeper.weights,
    tokens,
    cache: run.cache ?? join(folder, runFiles.cache),
  });
  try {
    const parts = await settledParts(run, declared, keeper, sources);
    const stage = run.lossAt(declared.name, keeper.plan.batch / parts);
    const job = jobOf(run, stage, parts, keeper);
    const engine = await run.openEngine(job);
    try {
      const batches = batchesOf(stage, sources, identity.seed, parts);
      return await new Steps(run, stage, keeper, job, sources).take(engine, batches, from);
    } finally {
      await engine.dispose();
    }
  } finally {
    await sources.close();
  }
}

/** How many parts of a step's batch are computed by themselves: one, where the loss is not the mean of theirs; decided before the first step. */
async function settledParts(run: Run, { name }: LossStage, keeper: RunKeeper, sources: OpenSources): Promise<number> {
  const { batch, parts } = keeper.plan;
  if (parts === 1 || keeper.state.step > 0) return parts;
  const [whole, part] = [run.lossAt(name, batch), run.lossAt(name, batch / parts)];
  const batches = await batchesOf(part, sources, keeper.state.identity.seed, parts)(1);
  const unequal = await unequalLosses({ whole: whole.loss, part: part.loss }, keeper.weights, batches);
  if (unequal === undefined) return parts;
  keeper.undivide();
  run.listener.undivided(keeper.plan, unequal);
  return 1;
}

function jobOf(run: Run, stage: LossStage, parts: number, keeper: RunKeeper): EngineJob {
  const known = keeper.state.step > 0 ? run.from.training : new Map();
  const paths = new Set(stage.trained.map(({ path }) => path));
  const weightAt = (path: string) => {
    const values = keeper.weights.get(path);
    if (values === undefined) throw new Error(`training: there is no weight ${path}`);
    return values;
  };
  const frozen = stage.loss.values.flatMap((value) => (value.kind === "weight" && !paths.has(value.path) ? [value.path] : []));
  return {
    stage: stage.name,
    lossGraph: stage.loss,
    trained: stage.trained,
    optimizer: stage,
    state: new Map([...paths].map((path) => [path, known.get(path) ?? freshState(weightAt(path), stage.ema)])),
    frozen: new Map(frozen.map((path) => [path, weightAt(path)])),
    parts,
    ...(run.recompute === undefined ? {} : { recompute: run.recompute }),
  };
}

type Engine = Awaited<ReturnType<Run["openEngine"]>>;

class Steps {
  readonly #run: Run;
  readonly #stage: LossStage;
  readonly #keeper: RunKeeper;
  readonly #job: EngineJob;
  readonly #sources: OpenSources;
  readonly #clock = new StageClock();
  #saved = performance.now();
  #sampled = performance.now();
  #steps: number | null;

  constructor(run: Run, stage: LossStage, keeper: RunKeeper, job: EngineJob, sources: OpenSources) {
    this.#run = run;
    this.#stage = stage;
    this.#keeper = keeper;
    this.#job = job;
    this.#sources = sources;
    this.#steps = keeper.plan.steps;
  }

  async take(engine: Engine, batches: (step: number) => Promise<readonly Feeds[]>, from: number): Promise<"done" | "interrupted"> {
    const begun = performance.now();
    const isAfter = (step: number) => this.#steps !== null && step > this.#steps;
    let next: Promise<readonly Feeds[]> = isAfter(from + 1) ? Promise.resolve([]) : batches(from + 1);
    try {
      for (let step = from + 1; !isAfter(step); step++) {
        const batch = await next;
        const learningRate = learningRateAt(step, this.#steps ?? Number.POSITIVE_INFINITY, this.#stage);
        // What is timed has the cores for itself: encoders that work beside a step would be counted twice.
        const isTimed = this.#steps === null;
        const started = performance.now();
        const taken = engine.step(batch, { step, learningRate });
        if (!isTimed && !isAfter(step + 1)) next = batches(step + 1);
        // Whoever waits for it hears of its error; where the step itself fails nobody does.
        next.catch(() => {});
        const result = await taken;
        if (isTimed && step > from + 1) this.#clock.stepped(performance.now() - started);
        if (!isFiniteStep(result)) throw await this.#notFinite(engine, batch, step);
        const planned = isTimed && this.#plan(step, step - from, begun);
        this.#took(step, learningRate, result);
        // What ends the stage is saved with the next one's beginning.
        if (isAfter(step + 1)) break;
        if (this.#mustSample(step)) await this.#sample(await engine.state(), step);
        if (this.#run.signal.aborted) {
          await this.#keeper.save(await engine.state());
          return "interrupted";
        }
        if (planned || this.#mustSave(step)) await this.#save(engine);
        if (isTimed) next = this.#draw(batches, step + 1);
      }
    } finally {
      // It may be writing latents to a file that is closed after this.
      await next.catch(() => {});
    }
    const state = await engine.state();
    this.#keeper.replace(new Map([...state].map(([path, { value, average }]) => [path, average ?? value])));
    await this.#sample(state, this.#keeper.state.step);
    return "done";
  }

  #took(step: number, learningRate: number, { losses, gradientNorm }: StepResult): void {
    const seconds = this.#keeper.seconds();
    const metric = { stage: this.#stage.name, step, losses: Object.fromEntries(losses), learningRate, gradientNorm, seconds };
    this.#keeper.metrics.add(metric);
    this.#keeper.at(step, this.#steps);
    this.#run.listener.step(metric, this.#steps);
  }

  /** Makes steps of the time that is left, once enough of them have been timed. */
  #plan(step: number, done: number, begun: number): boolean {
    const allowed = this.#run.seconds[this.#keeper.state.stage] ?? 0;
    const spent = (performance.now() - begun) / 1000;
    if (spent < allowed && (done < leastTimed || spent < timedPart * allowed)) return false;
    const { clips, encoded } = this.#sources;
    const { batch } = this.#keeper.plan;
    const left = Math.max(0, allowed - spent);
    this.#steps = step + stepsWithin({ left, ...this.#clock.means(spent), clips, encoded: Math.min(encoded(), clips), batch });
    return true;
  }

  /** A batch that is drawn while nothing else is computed. */
  async #draw(batches: (step: number) => Promise<readonly Feeds[]>, step: number): Promise<readonly Feeds[]> {
    const [started, known] = [performance.now(), this.#sources.encoded()];
    const batch = await batches(step);
    this.#clock.drew(performance.now() - started, this.#sources.encoded() - known);
    return batch;
  }

  #isDue(pause: number, since: number): boolean {
    return performance.now() - since >= pause * 1000;
  }

  #mustSave(step: number): boolean {
    const { saveEvery } = this.#run;
    return saveEvery === null ? this.#isDue(savePause, this.#saved) : step % saveEvery === 0;
  }

  #mustSample(step: number): boolean {
    const { sheets } = this.#run;
    // A sheet that is due by the clock can wait where the run is to stop; one of a step would be missing.
    if (sheets === undefined) return !this.#run.signal.aborted && this.#isDue(samplePause, this.#sampled);
    return this.#steps !== null && Math.floor((step * sheets) / this.#steps) > Math.floor(((step - 1) * sheets) / this.#steps);
  }

  async #save(engine: Engine): Promise<void> {
    await this.#keeper.save(await engine.state());
    this.#saved = performance.now();
  }

  async #sample(state: TrainingState, step: number): Promise<void> {
    await this.#run.listener.sample(this.#stage, step, givenWeights(this.#keeper.weights, state));
    this.#sampled = performance.now();
  }

  async #notFinite(engine: Engine, batch: readonly Feeds[], step: number): Promise<Error> {
    const { frozen } = this.#job;
    const values = [...(await engine.state())].map(([path, { value }]) => [path, Float32Array.from(value)] as const);
    const weights = new Map([...frozen, ...values]);
    const where = await whereNotFinite(withGradients(this.#job), weights, batch, async (one, feeds) => {
      const opened = await openWeighted(one, weights);
      return opened.run(feeds).finally(() => opened.dispose());
    });
    return mvcError("training-not-finite", {
      stage: this.#stage.name,
      step,
      where: where ?? "every value is finite, but the gradients' norm is not",
      kept: "the last checkpoint stays, and `--resume` goes on from it",
    });
  }
}

function isFiniteStep({ losses, gradientNorm }: StepResult): boolean {
  const [minimised] = losses.values();
  return Number.isFinite(gradientNorm) && Number.isFinite(minimised);
}
