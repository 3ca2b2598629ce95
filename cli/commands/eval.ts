/** `mvc eval`: a package and a data set to a table of what every measure says of the package's clips, beside real clips and chance; and the same as JSON. */

import { type SampledFigures, sampledFigures } from "../../compiler/package/sampler-figures.ts";
import type { GuidanceOptions } from "../../runtime/guidance.ts";
import { mvcError, openPackage, packageFolder, type SampleOptions, writeAtomically } from "../../runtime/index.ts";
import { tryOutput } from "../../runtime/node/output-file.ts";
import { intervalOf } from "../../study/interval.ts";
import { type EvaluateOptions, evaluate } from "../eval/evaluate.ts";
import { printedMeasures } from "../eval/print-measures.ts";
import { listeningOnTerminal } from "../listening.ts";
import { described } from "../made-for.ts";
import { reporterOf } from "../reporter.ts";
import { asTyped } from "../spelling.ts";
import type { Outcome } from "../terminal.ts";
import { version } from "../version.ts";

export interface EvalOptions extends Omit<EvaluateOptions, "sampling" | "listening">, Partial<SampledFigures>, GuidanceOptions {
  readonly output?: string;
}

const samplingNames = [...sampledFigures, "guidance", "guidanceRescale", "guidanceInterval"] as const;

export async function evalPackage(folder: string, options: EvalOptions): Promise<Outcome> {
  const { output, seeds, data, threads, backend } = options;
  if (output !== undefined) await tryOutput(output);
  if (threads !== undefined && backend === "webgpu")
    throw mvcError("option-invalid", { option: "--threads", expected: "left out on WebGPU, which has none", found: String(threads) });
  const { listening, done } = listeningOnTerminal();
  const sampling: SampleOptions = Object.fromEntries(
    samplingNames.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
  const { manifest } = await openPackage(packageFolder(folder));
  const started = performance.now();
  const all = await evaluate(folder, { ...options, sampling, listening })
    .catch((thrown: unknown) => {
      throw asTyped(thrown, []);
    })
    .finally(done);
  const seconds = (performance.now() - started) / 1000;
  const [{ measures: [first] = [] } = {}] = all;
  const prompts = Math.round((first?.values.length ?? 0) / seeds);
  const { model, preset, ablations, precision } = manifest;
  const what = described({ model, preset, ablations, settings: {} });
  const say = output === undefined ? (text: string) => void process.stdout.write(text) : reporterOf(output);
  say(
    `${what}: ${prompts} prompts of ${data}, ${seeds} ${seeds === 1 ? "clip" : "clips"} each; means with 95 % intervals, ${seconds.toFixed(0)} s\n${printedMeasures(all, prompts)}`,
  );
  if (output === undefined) return "done";
  const sets = all.map(({ set, measures }) => ({
    set,
    measures: measures.map((measure) => ({ ...measure, ...intervalOf(measure, prompts) })),
  }));
  const report = { software: `mvc ${version}`, model: what, precision, data, prompts, seeds, sampling, sets };
  await writeAtomically(output, [new TextEncoder().encode(`${JSON.stringify(report, null, 2)}\n`)], listening.signal);
  return "done";
}
