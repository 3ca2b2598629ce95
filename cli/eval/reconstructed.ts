/** Real clips and what an autoencoder makes of them to how well they come back. */

import { flickerBeside } from "../../study/flicker.ts";
import type { Measure } from "../../study/measure.ts";
import type { Pixels } from "../../study/pixels.ts";
import { leastForSsim, psnr, ssim } from "../../study/reconstruction.ts";
import { inOrder } from "./in-order.ts";

/** SSIM is left out of clips that are smaller than its window. So many clips are begun `ahead`. */
export async function reconstructionOf(
  clips: AsyncIterable<Pixels>,
  reconstruct: (clip: Pixels) => Promise<Pixels>,
  ahead: number,
): Promise<readonly Measure[]> {
  const values: { readonly psnr: number; readonly ssim: number | undefined; readonly flicker: number }[] = [];
  const pairs = inOrder(clips, ahead, async (clip) => [clip, await reconstruct(clip)] as const);
  for await (const [clip, found] of pairs) {
    const isLarge = Math.min(clip.height, clip.width) >= leastForSsim;
    values.push({ psnr: psnr(clip, found), ssim: isLarge ? ssim(clip, found) : undefined, flicker: flickerBeside(clip, found) });
  }
  const likeness = values.flatMap((one) => one.ssim ?? []);
  return [
    { name: "PSNR of reconstruction", unit: "dB", better: "higher", values: values.map((one) => one.psnr) },
    ...(likeness.length < values.length
      ? []
      : [{ name: "SSIM of reconstruction", unit: "" as const, better: "higher" as const, values: likeness }]),
    { name: "flicker of reconstruction", unit: "", better: "lower", values: values.map((one) => one.flicker) },
  ];
}
