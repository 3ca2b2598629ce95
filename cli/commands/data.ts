/** `mvc data`: captioned clips made on the spot, as a safetensors file that training reads. */

import { mvcError } from "../../runtime/errors.ts";
import { tryOutput } from "../../runtime/node/output-file.ts";
import { writeSafetensors } from "../../runtime/node/safetensors-file.ts";
import { type Combinations, FRAMES, movingShapes, SIZE } from "../data/moving-shapes.ts";
import { shownPath } from "../program.ts";
import { startProgress } from "../progress.ts";
import { reporterOf } from "../reporter.ts";
import { interruptible, type Outcome } from "../terminal.ts";

export interface DataOptions {
  readonly clips: number;
  readonly seed: number;
  readonly combinations: Combinations;
  readonly output: string;
}

/** The captions of so many fit the head of a file, which the format limits. */
const mostClips = 1_000_000;

/** Tensors `clips` u8 [N, 16, 64, 64, 3] and `shape`, `colour`, `motion` u8 [N]; the captions as JSON in the metadata. */
export async function data(_name: string, options: DataOptions): Promise<Outcome> {
  const { clips: count, seed, combinations, output } = options;
  if (count < 1 || count > mostClips)
    throw mvcError("option-invalid", { option: "--clips", expected: `1 to ${mostClips}`, found: String(count) });
  const bytes = count * FRAMES * SIZE * SIZE * 3;
  await tryOutput(output, bytes);
  const draw = () => movingShapes(count, seed, { combinations });
  const captions: string[] = [];
  const attributes = { shape: new Uint8Array(count), colour: new Uint8Array(count), motion: new Uint8Array(count) };
  // The captions stand in the header, before any pixel: the clips are drawn once for them and again for their pixels.
  let drawn = 0;
  for (const clip of draw()) {
    captions.push(clip.caption);
    attributes.shape[drawn] = clip.shape;
    attributes.colour[drawn] = clip.colour;
    attributes.motion[drawn] = clip.motion;
    drawn++;
  }
  const progress = startProgress("clips", bytes, "bytes");
  function* pixels() {
    let done = 0;
    for (const clip of draw()) {
      yield clip.pixels;
      done += clip.pixels.byteLength;
      progress.to(done);
    }
  }
  const shape = [count];
  const tensors = [
    { name: "clips", dtype: "U8" as const, shape: [count, FRAMES, SIZE, SIZE, 3], chunks: pixels },
    ...Object.entries(attributes).map(([name, values]) => ({ name, dtype: "U8" as const, shape, chunks: () => [values] })),
  ];
  try {
    await writeSafetensors(output, tensors, { metadata: { captions: JSON.stringify(captions) }, signal: interruptible() });
  } finally {
    progress.stop();
  }
  reporterOf(output)(
    `${shownPath(output)}: ${count} clips of ${FRAMES} frames, ${SIZE}x${SIZE}, such as ${JSON.stringify(captions[0] ?? "")}\n`,
  );
  return "done";
}
