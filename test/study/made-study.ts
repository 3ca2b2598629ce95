// A study as it may come out of a large model: eight variants, three seeds, many measures, sheets that are hard to pack.

import { gif } from "../../runtime/node/gif.ts";
import type { CellResult } from "../../study/cell.ts";
import type { Measured } from "../../study/measure.ts";
import type { ShownClips } from "../../study/page/clips.ts";
import { reportOf, type StudyReport } from "../../study/report.ts";
import type { Variant } from "../../study/variant.ts";
import { Random } from "../dsl/random.ts";

const names = ["baseline", "NoAdaptor", "Undirected", "SpatialOnly", "TemporalOnly", "ImageVae", "Series", "ImageModel"];
const shares = ["shape", "colour", "motion", "shape, colour and motion", "direction"];
const steps = [500, 1000, 1500, 2000];

function measuredOf(random: Random, variant: number): readonly Measured[] {
  const share = (mean: number) => Array.from({ length: 64 }, () => (random.below(1000) < 1000 * mean ? 1 : 0));
  const figure = (mean: number, spread: number) => Array.from({ length: 64 }, () => mean + (spread * (random.below(2000) - 1000)) / 1000);
  const set = (name: "seen" | "held-out", less: number): Measured => ({
    set: name,
    measures: [
      ...shares.map((share_, i) => ({
        name: share_,
        unit: "%" as const,
        better: "higher" as const,
        values: share(0.85 - less - i / 20 - (variant === 2 && i > 1 ? 0.25 : 0)),
      })),
      { name: "pace off", unit: "px", better: "lower", values: figure(0.4, 0.3) },
      { name: "flicker", unit: "", better: "lower", values: figure(variant === 5 ? 0.03 : 0.012, 0.004) },
      { name: "PSNR of reconstruction", unit: "dB", better: "higher", values: figure(variant === 5 ? 27 : 29.5, 2) },
    ],
  });
  const reference = (name: "real" | "shuffled", mean: number): Measured => ({
    set: name,
    measures: shares.map((one) => ({ name: one, unit: "%", better: "higher", values: [mean] })),
  });
  return [set("seen", 0), set("held-out", 0.08), reference("real", 0.985), reference("shuffled", 0.167)];
}

function cellOf(random: Random, variant: number, seed: number): CellResult {
  const curve = (from: number) =>
    Array.from({ length: 60 }, (_, i) => [(i + 1) * 33, from / (1 + i / 6) + random.below(100) / 4000] as const);
  const stage = (name: string, by: string, from: number) => ({
    ...{ name, by, key: `${by}${name}${seed}`, steps: 2000, batch: 8, loss: 0.05, curve: curve(from), secondsPerStep: 0.81 },
  });
  const name = names[variant] ?? "";
  return {
    format: "mvc-cell",
    variant: name,
    seed,
    sourceHash: "",
    dataHash: "",
    stages: [stage("autoencoder", `baseline-${seed}`, 0.4), stage("denoiser", `${name}-${seed}`, 0.5 + variant / 50)],
    measured: measuredOf(random, variant),
    prompts: ["a blue triangle moves up", "a red ring falls left"],
    sheets: [],
    frames: 8,
    aspect: 1,
    seconds: 1860,
  };
}

function aboutOf(variant: number): Variant {
  const line = { file: "models/magicvideo.mv", line: 290 + variant, text: `ablation ${names[variant]} of MagicVideo { time: "full" }` };
  const cost = (parameters: number, flops: number) => ({ parameters, flops });
  const rows = Array.from({ length: 14 }, (_, i) => ({
    ...{ name: `unet.down.${i}.unit`, baseline: cost(120_000, 2e9), variant: i % 2 === 0 ? null : cost(100_000, 1e9) },
  }));
  return {
    name: names[variant] ?? "",
    doc: variant === 7 ? "Everything that makes it video switched off: Stable Diffusion v1, frame by frame." : null,
    costs: { parameters: 3_824_827, clipFlops: 98.7e9, clipBytes: 31e6, stepFlops: 47e9, stepBytes: 4.2e8 },
    change:
      variant === 0
        ? null
        : {
            declared: [line],
            settings: [{ name: "time", from: '"directed"', to: '"full"' }],
            readBy: [{ ...line, line: 66, text: 'if (time == "none") { return space; }' }],
            graphs: [
              {
                graph: "denoise",
                nodes: { baseline: 812, variant: 790 },
                ops: [{ op: "linear", baseline: 80, variant: 58 }],
                told: [{ op: "attend", attribute: "causal", from: "true", to: "false", count: 13 }],
                rewired: ["add at unet.down.0.unit.0"],
                parts: rows,
              },
            ],
          },
  };
}

export function madeStudy(): { readonly report: StudyReport; readonly clips: ShownClips } {
  const random = new Random(1);
  const variants = names.map((_, i) => ({
    about: aboutOf(i),
    cells: Array.from({ length: i > 5 ? 1 : 3 }, (_, seed) => cellOf(random, i, seed)),
    failures: [],
  }));
  const report = reportOf(
    {
      file: "models/magicvideo.mv",
      model: "MagicVideo",
      preset: "Mini",
      settings: {},
      data: "moving-shapes",
      engine: "onnx",
      minutes: 30,
      weights: null,
      prompts: 256,
      noises: 2,
      steps: { autoencoder: 410, videoDecoder: 82, denoiser: 1640 },
    },
    variants,
  );
  return {
    report,
    clips: { prompts: ["a blue triangle moves up", "a red ring falls left"], frames: 8, aspect: 1, sheets: sheetsOf(random) },
  };
}

/** Noise, which no picture format makes smaller. */
function sheetsOf(random: Random): ShownClips["sheets"] {
  const noise = Uint8ClampedArray.from({ length: 512 * 128 * 4 }, (_, i) => (i % 4 === 3 ? 255 : random.below(256)));
  const data = Buffer.from(gif({ width: 512, height: 128, frameCount: 1, frames: noise }, { scale: 1 })).toString("base64");
  return names.flatMap((variant) => (variant === "ImageVae" ? [2000] : steps).map((step) => ({ variant, step, data })));
}
