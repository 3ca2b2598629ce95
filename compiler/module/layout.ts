/** A layout once its source has been read: under which keys other people's checkpoints hold the weights of a model. */

/** Where a weight lies in a checkpoint. */
export interface KeyPlace {
  /** `model.diffusion_model.time_embed.0.weight`; with a folder's part before a slash, `unet/time_embedding.linear_1.weight`. */
  readonly key: string;
  /** As it is stored, where that differs from the weight's own: the same elements in the same order. Of a part, the part's. */
  readonly shape?: readonly number[];
  /** The weight is one of `of` equal runs of rows of what is stored (its first axis): CLIP's `in_proj_weight` is query, key and value. */
  readonly part?: { readonly index: number; readonly of: number };
}

export interface Layout {
  readonly name: string;
  /**
   * By the weight's path, the spellings that occur: all are read, the first is written. Two may have one key and differ in shape.
   * Weights that are not here are not in such checkpoints.
   */
  readonly places: ReadonlyMap<string, readonly KeyPlace[]>;
  /** Keys that such checkpoints hold and the model has no use for: one that ends in a dot or a slash stands for all that begin so. */
  readonly dropped: readonly string[];
}
