/** A model's training to its stages as text: what is minimised, where inputs come from, what is trained and by which figures. */

import type { LossStage, MeasureStage, TrainedWeight, Training, TrainingInput } from "../compiler/module/training.ts";

export function printStages({ stages, left }: Training): string {
  const texts = stages.map((stage) => (stage.kind === "loss" ? lossText(stage) : measureText(stage)));
  const unrun = left.map((name) => `${name}\n  left out, as its \`when\` is false\n`);
  return [...texts, ...unrun].join("\n");
}

function lossText(stage: LossStage): string {
  const { name, loss, inputs, trained, batch, steps } = stage;
  const [minimised = "", ...reported] = loss.outputs.map((output) => output.name);
  const beside = reported.length === 0 ? "" : `, and reports ${reported.join(", ")}`;
  const of = minimised === loss.name ? loss.name : `${minimised} of ${loss.name}`;
  const lines = [
    `minimises ${of}${beside}: ${steps} steps of ${batch}`,
    ...inputs.map(inputText),
    ...trainedTexts(stage, trained),
    ...figureTexts(stage),
  ];
  return `${[name, ...lines.map((line) => `  ${line}`)].join("\n")}\n`;
}

function inputText({ name, source }: TrainingInput): string {
  if (source.from === "text") {
    const dropped = source.dropped === 0 ? "" : `, ${percent(source.dropped)} of them ${JSON.stringify(source.unguided)}`;
    return `${name}: tokens of captions${dropped}`;
  }
  if (source.from === "label") return `${name}: the clip's label \`${source.of}\`, of ${source.classes} classes`;
  const words = {
    clip: "clips",
    image: "single frames",
    noise: "standard normals",
    time: "the time step of the noise level",
    signal: "how much of the data is left at the noise level",
    sigma: "how much noise there is at the noise level",
  };
  return `${name}: ${words[source.from]}${"encoder" in source && source.encoder !== null ? ` through ${source.encoder}` : ""}`;
}

/** What is trained alike, by the first levels of its paths. */
function trainedTexts({ learningRate }: LossStage, trained: readonly TrainedWeight[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { path, rate, weightDecay } of trained) {
    const key = `at ${shown(rate * learningRate)}, weight decay ${shown(weightDecay)}`;
    groups.set(key, [...(groups.get(key) ?? []), path.slice(0, path.includes(".") ? path.indexOf(".") : undefined)]);
  }
  return [...groups].map(([key, roots]) => {
    const parts = [...new Set(roots)].map((root) => `${root} (${roots.filter((one) => one === root).length})`);
    return `trains ${roots.length} tensors ${key}: ${parts.join(", ")}`;
  });
}

function figureTexts({ betas, eps, warmup, decay, finalRate, clipNorm, ema, levels, stills, inputs }: LossStage): string[] {
  const rate = [
    ...(warmup === 0 ? [] : [`warm-up over ${warmup} steps`]),
    decay === "constant" ? "then constant" : `then half a cosine to ${shown(finalRate)} of it`,
  ];
  const noisy = inputs.some(({ source }) => source.from === "time" || source.from === "signal" || source.from === "sigma");
  const power = levels.power === 1 ? "" : `, to the power ${shown(levels.power)}`;
  return [
    `AdamW: betas ${betas.map(shown).join(" and ")}, eps ${shown(eps)}; ${rate.join(", ")}`,
    ...(clipNorm === null ? [] : [`gradients clipped to a norm of ${shown(clipNorm)}`]),
    ...(ema === null ? [] : [`weights averaged by ${shown(ema)}`]),
    ...(noisy ? [`noise levels: ${levels.density}${power}`] : []),
    ...(stills === 0 ? [] : [`${percent(stills)} of the clips are one of their frames, standing still`]),
  ];
}

function measureText({ name, graph, writer, readers }: MeasureStage): string {
  const of = ({ weight }: { readonly weight: string }) => weight.slice(0, weight.lastIndexOf("."));
  return `${name}\n  gives what ${graph} makes of clips mean 0 and deviation 1 in each channel, by ${of(writer)}; undone by ${readers.map(of).join(", ")}\n`;
}

function percent(share: number): string {
  return `${shown(100 * share)} %`;
}

function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}
