/** The models that the page offers: Mini as trained, and the same weights with a part of the design switched off. */

export interface Offer {
  readonly name: string;
  /** The package's folder. */
  readonly folder: string;
  readonly ablation?: string;
  readonly note: string;
}

/** What the clips of an ablation say, as nothing was trained again. */
export const untrained =
  "The weights were trained with that part: this shows how much they lean on it, not what a model trained without it would do.";

export const catalogue: readonly Offer[] = [
  {
    name: "Mini, as trained",
    folder: "mini",
    note: "MagicVideo's design at a size that trains on two cores: 16 frames of 64 by 64 pixels.",
  },
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
];
