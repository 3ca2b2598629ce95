// A sampled model so small that its costs are worked out by hand: two blocks, one within the other, an encoder and a decoder.

/** Two frames of 4x4 pixels; B clips are sampled at once, and decoded one by one. */
export const tinySampled = `dim B = 1;
dim F = 2;
param wide: int = 8;
param steps: int = 10;
param guidance: float = 2.0;
param scaled: bool = true;
type Clip = Tensor<float, [B, F, 3, 4, 4]>;

block Scale(x: Clip): Clip {
  weight scale: Tensor<float, [F, 3]> = ones;
  return x * view(scale, [1, F, 3, 1, 1]);
}

block Mix(x: Clip): Clip {
  const y = x |> conv2d(wide, kernel: 3) as enter |> silu() |> conv2d(3, kernel: 1) as leave;
  return scaled ? y |> Scale() as scale : y;
}

model Tiny {
  graph embed(c: Tensor<float, [B, 3, 2, 2]>): Tensor<float, [B, 3]> { return view(c, [B, 12]) |> linear(3) as embed; }
  graph denoise(z: Clip, t: Tensor<f32, [B]>, c: Tensor<float, [B, 3]>): Clip {
    const h = z |> Mix() as mix;
    return h + view((t |> sinusoid(4) |> linear(3) as time) + c, [B, 1, 3, 1, 1]);
  }
  graph decode(z: Tensor<float, [1, F, 3, 4, 4]>): Tensor<float, [1, F, 3, 4, 4]> { return z |> conv2d(3, kernel: 1) as pixels; }

  sampler denoise(z, t) {
    method: "ddim", steps: steps, guidance: guidance, predicts: "epsilon", schedule: "cosine", betas: [0.1, 0.2], trainSteps: 1000,
    conditions: { c: { from: "image", encoder: embed, unguided: 0.0 } }, frames: decode,
  }
}

preset Wide of Tiny { wide: 16, steps: 5, guidance: 1.0 }
ablation Plain of Tiny { scaled: false }
`;

/** Multiply-adds count twice, and each frame has 16 pixels: 3x3 from 3 to 8 channels, 1x1 back, then 4 to 3 numbers of the time step, and 12 to 3 of a picture. */
export const tinyFlops = {
  enter: 2 * 16 * (2 * 8 * 3 * 9),
  leave: 2 * 16 * (2 * 3 * 8),
  time: 2 * 3 * 4,
  embed: 2 * 3 * 12,
  decode: 2 * 16 * (2 * 3 * 3),
} as const;

/** Weights and biases: 216 + 8, 24 + 3, 12 + 3, 36 + 3 and 9 + 3; a scale for each of 2 frames and 3 channels. */
export const tinyParameters = { enter: 224, leave: 27, scale: 6, time: 15, embed: 39, decode: 12 } as const;
