/** The words and figures of a stage of training, told once: the language checks them, and expansion has a rule for each. */

import type { ModelDeclaration } from "./ast.ts";
import type { Expression } from "./expressions.ts";
import type { Figure } from "./sampling.ts";
import { partsOf } from "./walk.ts";

export const optimizers = ["adamw"] as const;

/** How the learning rate falls after the warm-up. */
export const decays = ["constant", "cosine"] as const;
export type Decay = (typeof decays)[number];

/** How noise levels are drawn: evenly among the sampler's training steps, or by a logistic of normals (Esser et al., 2024). */
export const densities = ["uniform", "logit-normal"] as const;
export type Density = (typeof densities)[number];

/** Every figure of a stage that minimises a loss, in the order in which they are explained. */
export const trainFigures = {
  /** Whether the stage is run; else nothing of it is looked at but its words. */
  when: { kind: "bool", default: true },
  optimizer: { kind: { words: optimizers }, default: "adamw" },
  learningRate: { kind: "float" },
  betas: { kind: "floats", default: [0.9, 0.999] },
  eps: { kind: "float", default: 1e-8 },
  weightDecay: { kind: "float", default: 0 },
  warmup: { kind: "int", default: 0 },
  decay: { kind: { words: decays }, default: "constant" },
  finalRate: { kind: "float", default: 0 },
  clipNorm: { kind: "float", default: null },
  ema: { kind: "float", default: null },
  levels: { kind: { words: densities }, default: "uniform" },
  levelPower: { kind: "float", default: 1 },
  stills: { kind: "float", default: 0 },
  batch: { kind: "int" },
  steps: { kind: "int" },
} as const satisfies { readonly [name: string]: Figure };
export type TrainFigureName = keyof typeof trainFigures;

/** Where an input of a loss comes from. */
export const trainSources = ["clip", "image", "text", "label", "noise", "time", "signal", "sigma"] as const;
export type TrainSource = (typeof trainSources)[number];

/** Those that say something of the noise level, which the sampler's schedule gives. */
export const levelSources: readonly TrainSource[] = ["time", "signal", "sigma"];

/** The names of a model's graphs that are losses: a stage names them so, and the sampler does not name them. They are no part of what is built. */
export function lossesOf({ members }: ModelDeclaration): ReadonlySet<string> {
  const losses = new Set<string>();
  for (const member of members) {
    if (member.kind !== "train") continue;
    for (const { name, value } of member.fields) if (name.name === "loss" && value.kind === "name") losses.add(value.name);
  }
  const keep = (value: Expression): void => {
    if (value.kind === "name") losses.delete(value.name);
    for (const part of partsOf(value)) keep(part as Expression);
  };
  for (const member of members) {
    if (member.kind !== "sampler") continue;
    losses.delete(member.graph.name);
    for (const { value } of member.fields) keep(value);
  }
  return losses;
}
