/** What a user calls a data set, `moving-shapes`, a folder or a file, to its clips at a model's size: the one door to clips. */

import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { extname } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import type { ClipSize, Dataset } from "../../training/dataset.ts";
import { openClipsFile } from "./clips-file.ts";
import { type DatasetOptions, type Listening, requireOptions } from "./dataset-options.ts";
import { folderDataset } from "./folder/folder-dataset.ts";
import { madeDataset } from "./made-dataset.ts";
import { COLOURS, FRAMES, MOTIONS, movingShape, SHAPES, SIZE } from "./moving-shapes.ts";

/** Clips of `moving-shapes` where nobody says how many: what Mini was trained on. */
export const movingShapesCount = 12_000;

/** Of moving-shapes: what they are called by, and how many there are of each. */
export const shapeLabels: ReadonlyMap<string, number> = new Map([
  ["shape", SHAPES.length],
  ["colour", COLOURS.length],
  ["motion", MOTIONS.length],
]);

/**
 * Opens a data set, all of whose clips can be read once this is over.
 * @throws MvcError `data-invalid`, `file-…`, `weights-invalid`, `option-invalid`, `aborted`
 */
export async function openDataset(name: string, size: ClipSize, options: DatasetOptions = {}, listening: Listening = {}): Promise<Dataset> {
  requireOptions(options);
  if (name === "moving-shapes") return madeDataset(shapes(options), size, options);
  if (extname(name).toLowerCase() === ".safetensors") return madeDataset(await openClipsFile(name, listening), size, options);
  const found = statSync(name, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return folderDataset(name, size, options, listening);
  throw mvcError("data-invalid", {
    data: name,
    reason: found === undefined ? "there is no such file or folder" : "it is no data set",
    way: "give `moving-shapes`, a folder of clips, or a .safetensors file that `mvc data` wrote",
  });
}

function shapes({ clips = movingShapesCount, seed = 0, combinations = "seen" }: DatasetOptions) {
  const draw = movingShape(seed, combinations);
  const hash = createHash("sha256").update(JSON.stringify(["moving-shapes", clips, seed, combinations]));
  // A few clips stand for how all are drawn.
  for (let i = 0; i < 4; i++) hash.update(draw(i).pixels);
  return {
    name: "moving-shapes",
    count: clips,
    size: { frames: FRAMES, height: SIZE, width: SIZE },
    labels: shapeLabels,
    hash: hash.digest("hex"),
    async clip(index: number) {
      const { pixels, caption, shape, colour, motion } = draw(index);
      return { pixels, caption, labels: { shape, colour, motion } };
    },
  };
}
