/** The words of a sampler, told once: the language checks them, packages hold them, and the runtime has a row for each. */

export const methods = ["ddim", "dpm++2m", "euler"] as const;
export type Method = (typeof methods)[number];

/** What the looped graph says of the noise in its latent. */
export const predictions = ["epsilon", "v"] as const;
export type Prediction = (typeof predictions)[number];

export const schedules = ["scaled-linear", "linear", "cosine"] as const;
export type Schedule = (typeof schedules)[number];

/** Where a condition, an input of the looped graph that no step changes, comes from. */
export const sources = ["text", "image", "number", "class", "tensor"] as const;
export type Source = (typeof sources)[number];

/** The word for a condition that is in the unguided half what it is in the guided one. */
export const same = "same";
