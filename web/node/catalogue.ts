/** The models that the page offers: Mini as trained, with clips of its training, and the same weights with a part of the design switched off. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { COLOURS, MOTIONS, SHAPES } from "../../cli/data/moving-shapes.ts";
import type { ModelEntry, TrainingEntry } from "../models.ts";

/** A model that is built, and what the page says of it. */
export interface Offer extends Pick<ModelEntry, "name" | "note" | "examples" | "vocabulary"> {
  /** The package's folder. */
  readonly folder: string;
  /** The words of `mvc build models/magicvideo.mv` that choose it: preset, ablation, settings. */
  readonly choices: readonly string[];
  /** A file, or the folder of a run. */
  readonly weights: string;
  /** Its sheets are files. */
  readonly training: TrainingEntry | null;
}

/** Words of moving-shapes, on which Mini and most studies train. */
export const vocabulary = [COLOURS, SHAPES, MOTIONS];

/** What the clips of an ablation say, as nothing was trained again. */
const untrained =
  "The weights were trained with that part: this shows how much they lean on it, not what a model trained without it would do.";

export const examples = ["a red circle moves right", "a yellow heart falls left", "a cyan ring moves up", "a blue star climbs right"];

const ablations = [
  {
    name: "Undirected",
    folder: "undirected",
    ablation: "Undirected",
    note: "Attention along time sees later frames too, which these weights never met: shapes get nowhere, or jump as the clip begins.",
  },
  {
    name: "No adaptor",
    folder: "no-adaptor",
    ablation: "NoAdaptor",
    note: "Without each frame's scale and shift after the convolutions: shapes stand still.",
  },
  {
    name: "Spatial only",
    folder: "spatial-only",
    ablation: "SpatialOnly",
    note: "Without attention along time, in the decoder too: only the adaptor tells one frame from another.",
  },
  {
    name: "Temporal only",
    folder: "temporal-only",
    ablation: "TemporalOnly",
    note: "Without self-attention within a frame; convolutions and attention to the text stay.",
  },
  { name: "Series", folder: "series", ablation: "Series", note: "Attention along time after the spatial branch instead of beside it." },
  {
    name: "Image decoder",
    folder: "image-decoder",
    ablation: "ImageVae",
    note: "Each frame decoded by itself, without the decoder's attention along time.",
  },
] as const;

/** Of the project's folder, Mini first. */
export function catalogue(root: string): readonly Offer[] {
  const mini = { examples, vocabulary, weights: join(root, "models/mini.safetensors") };
  return [
    {
      ...mini,
      name: "Mini, as trained",
      folder: "mini",
      choices: ["--preset", "Mini"],
      note: "MagicVideo's design at a size that trains on two cores, in an hour and a half here: 16 frames of 64 by 64 pixels, of six shapes in six colours that move in eight ways.",
      training: keptClips(join(root, "docs/mini-training")),
    },
    ...ablations.map(({ name, folder, ablation, note }) => ({
      ...mini,
      ...{ name, folder, choices: ["--preset", "Mini", "--ablation", ablation], note: `${note} ${untrained}`, training: null },
    })),
  ];
}

/** The sheets of a training that lie in a folder, beside a list of them. */
function keptClips(folder: string): TrainingEntry {
  const kept = JSON.parse(readFileSync(join(folder, "training.json"), "utf8")) as TrainingEntry;
  return { ...kept, sheets: kept.sheets.map(({ step, path }) => ({ step, path: join(folder, path) })) };
}
