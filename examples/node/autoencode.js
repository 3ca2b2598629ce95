// The frames of a GIF, one by one, to an autoencoder's latents and back, beside the frames as they were: node autoencode.js PACKAGE CLIP.gif BOTH.gif

import { readFile } from "node:fs/promises";
import { encodeGif, loadPipeline, MvcError, writeAtomically } from "@mvc-lang/mvc/runtime";
import { GifReader } from "omggif";

const [folder = "out/taef2", file = "docs/red-circle-moves-right.gif", output = "both.gif"] = process.argv.slice(2);

/** The frames of a GIF that are drawn over one another, as RGBA. */
function framesOf(bytes) {
  const gif = new GifReader(bytes);
  const canvas = new Uint8ClampedArray(gif.width * gif.height * 4);
  const frames = Array.from({ length: gif.numFrames() }, (_, i) => {
    gif.decodeAndBlitFrameRGBA(i, canvas);
    return canvas.slice();
  });
  return { width: gif.width, height: gif.height, frames, fps: 100 / gif.frameInfo(0).delay };
}

/** RGBA to floats [1, 3, height, width] from 0 to 1, and back. */
function pictureOf(rgba, width, height) {
  const data = Float32Array.from(
    { length: 3 * width * height },
    (_, i) => rgba[(i % (width * height)) * 4 + Math.floor(i / (width * height))] / 255,
  );
  return { dtype: "f32", shape: [1, 3, height, width], data };
}

function rgbaOf({ data }) {
  const pixels = data.length / 3;
  return Uint8ClampedArray.from({ length: 4 * pixels }, (_, i) => (i % 4 === 3 ? 255 : data[(i % 4) * pixels + Math.floor(i / 4)] * 255));
}

/** Of colours, in decibels: 10 log10 of the largest square by the mean one of the differences. */
function psnr(one, other) {
  const squares = one.reduce((sum, value, i) => sum + (value - other[i]) ** 2, 0);
  return 10 * Math.log10((255 ** 2 * 3 * one.length) / (4 * squares));
}

try {
  const { width, height, frames, fps } = framesOf(await readFile(file));
  const pipeline = await loadPipeline(folder);
  const both = new Uint8ClampedArray(frames.length * 2 * width * height * 4);
  const decibels = [];
  for (const [index, before] of frames.entries()) {
    const { encode: latent } = await pipeline.run("encode", { picture: pictureOf(before, width, height) });
    const { decode: decoded } = await pipeline.run("decode", { latent });
    const after = rgbaOf(decoded);
    for (let y = 0; y < height; y++) {
      const [row, from] = [(index * height + y) * 2 * width * 4, y * width * 4];
      both.set(before.subarray(from, from + width * 4), row);
      both.set(after.subarray(from, from + width * 4), row + width * 4);
    }
    decibels.push(psnr(before, after));
  }
  await pipeline.dispose();
  await writeAtomically(output, [encodeGif({ width: 2 * width, height, frameCount: frames.length, frames: both }, { fps, scale: 1 })]);
  const mean = decibels.reduce((sum, value) => sum + value) / decibels.length;
  process.stdout.write(
    `${output}: ${frames.length} frames, PSNR ${mean.toFixed(1)} dB on average, ${Math.min(...decibels).toFixed(1)} dB at worst\n`,
  );
} catch (error) {
  if (!(error instanceof MvcError)) throw error;
  process.stderr.write(`${error.message}\n  ${error.hint}\n`);
  process.exitCode = 1;
}
