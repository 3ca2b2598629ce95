/** Pictures of whole clips to their latents, and latents to pictures, by graphs that take a window of frames at a time. */

import { split } from "../batch.ts";
import type { RowsRole } from "../roles.ts";
import type { GraphRunner } from "../session.ts";
import { elements, f32, floatsOf, type TensorData } from "../tensor.ts";
import { type ClipShape, frameElements, picturesFor } from "./clip-shape.ts";
import { cut, joined, type Windows } from "./windows.ts";

type Runner = Pick<GraphRunner, "run">;

/** The windows of a clip's pictures that stand for windows of its latent. */
export function pictureWindows({ length, count, starts, ramp }: Windows, { pace }: ClipShape): Windows {
  return {
    length: picturesFor(pace, length),
    count: picturesFor(pace, count),
    starts: starts.map((start) => pace.per * start),
    ramp: pace.per * ramp,
  };
}

/** One clip of `length` frames as the only window. */
export function wholeWindow(length: number): Windows {
  return { length, count: length, starts: [0], ramp: 0 };
}

/** Pictures [clips, n, 3, height, width], in -1..1, to the latents of the clips, [clips, length, …]. */
export async function encodePictures(
  runner: Runner,
  role: RowsRole,
  pictures: Float32Array,
  windows: Windows,
  shape: ClipShape,
): Promise<Float32Array> {
  const size = elements(role.input.shape) / (role.batch * picturesFor(shape.pace, windows.count));
  const shown = pictureWindows(windows, shape);
  return through(runner, role, pictures, { windows: shown, size }, { windows, size: frameElements(shape) });
}

/** Latents [clips, length, …] to pictures, [clips, n, 3, height, width]. */
export async function decodeLatents(
  runner: Runner,
  role: RowsRole,
  latents: Float32Array,
  windows: Windows,
  shape: ClipShape,
): Promise<TensorData> {
  const shown = pictureWindows(windows, shape);
  const size = elements(role.output.shape) / (role.batch * shown.count);
  const values = await through(runner, role, latents, { windows, size: frameElements(shape) }, { windows: shown, size });
  const picture = role.output.shape.slice(-3);
  return f32([values.length / (shown.length * size), shown.length, ...picture], values);
}

interface Side {
  readonly windows: Windows;
  /** Elements of a frame. */
  readonly size: number;
}

async function through(runner: Runner, role: RowsRole, given: Float32Array, from: Side, to: Side): Promise<Float32Array> {
  const made: Float32Array[] = [];
  for (const start of from.windows.starts) {
    const rows = cut(given, from.windows, start, from.size);
    made.push(await runRows(runner, role, rows));
  }
  if (from.windows.starts.length === 1) return made[0] ?? new Float32Array();
  return joined(made, to.windows, to.size);
}

/** Rows of a graph that takes some at once; what is missing for the last run is filled with its first row. */
async function runRows(runner: Runner, { graph, input, output, batch }: RowsRole, values: Float32Array): Promise<Float32Array> {
  const row = elements(input.shape) / batch;
  const count = values.length / row;
  const runs = Math.ceil(count / batch);
  const full = new Float32Array(runs * batch * row);
  full.set(values);
  for (let i = count; i < runs * batch; i++) full.set(values.subarray(0, row), i * row);
  const outRow = elements(output.shape) / batch;
  const out = new Float32Array(runs * batch * outRow);
  for (const [i, piece] of split(f32([runs * batch, ...input.shape.slice(1)], full), batch).entries()) {
    const made = (await runner.run(graph, { [input.name]: piece }))[output.name];
    if (made === undefined) throw new Error(`sampling: the backend gave no output "${output.name}"`);
    out.set(floatsOf(made), i * batch * outRow);
  }
  return out.slice(0, count * outRow);
}
