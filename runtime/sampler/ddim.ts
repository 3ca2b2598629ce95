/** DDIM (Song et al., 2021, equations 12 and 16): to each level by the predicted clean latent and noise. */

import { pairs, prediction, type Solver } from "./step.ts";

/** eta 0 is deterministic, eta 1 is ancestral sampling (DDPM). */
export const ddim: Solver = (levels, predicts, eta) =>
  pairs(levels).map(([from, to]) => {
    const { data, noise } = prediction(predicts, from.alphaBar);
    const fresh = eta * Math.sqrt(((1 - to.alphaBar) / (1 - from.alphaBar)) * (1 - from.alphaBar / to.alphaBar));
    const signal = Math.sqrt(to.alphaBar);
    const kept = Math.sqrt(Math.max(0, 1 - to.alphaBar - fresh ** 2));
    return {
      time: from.time,
      next: {
        latent: signal * data.latent + kept * noise.latent,
        model: signal * data.model + kept * noise.model,
        data: 0,
        noise: fresh,
      },
      data,
    };
  });
