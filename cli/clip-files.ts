/** The files that a clip is made from, as the command line names them, to what a request takes: of the model's own size, and as many frames as it asks for. */

import { readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { type ClipShape, clipShapeOf } from "../runtime/clips/clip-shape.ts";
import type { Picture } from "../runtime/conditions.ts";
import { type ClipInput, type ClipRequest, type Known, mvcError } from "../runtime/index.ts";
import { fitPicture } from "../runtime/media/fit.ts";
import { readBytes } from "../runtime/node/regular-file.ts";
import { readSafetensors } from "../runtime/node/safetensors-file.ts";
import type { Roles } from "../runtime/roles.ts";
import type { TensorData } from "../runtime/tensor.ts";
import { readGif } from "./media/read-gif.ts";
import { readPng } from "./media/read-png.ts";
import { naturalOrder } from "./natural-order.ts";

/** Files, each as it was typed: one of a clip, or several of pictures. */
export interface ClipFiles {
  readonly firstFrame?: string;
  readonly lastFrame?: string;
  readonly from?: readonly string[];
  readonly continue?: readonly string[];
  readonly known?: readonly string[];
  /** Where the known frames stand in the clip. */
  readonly at?: number;
  readonly mask?: readonly string[];
}

/** A gigabyte of pictures is no clip of a model. */
const mostBytes = 2 ** 30;

const endings = "a .png, several of them or a folder of them, a .gif, or a .safetensors with one tensor or one named `latent`";

/** What a request has of them; `note` hears what was cut, resized or left out. Throws MvcError `file-…`, `input-invalid`, `option-invalid`. */
export async function readClipFiles(
  files: ClipFiles,
  roles: Roles,
  length: number | undefined,
  note: (text: string) => void,
): Promise<Pick<ClipRequest, "firstFrame" | "lastFrame" | "from" | "continues" | "known">> {
  const shape = clipShapeOf(roles);
  const read = async (option: string, paths: readonly string[] | undefined): Promise<ClipInput | undefined> =>
    paths && fitted(await readClip(option, paths), shape, note);
  const [firstFrame, lastFrame] = [await read("--first-frame", one(files.firstFrame)), await read("--last-frame", one(files.lastFrame))];
  const [from, continues] = [await read("--from", files.from), await read("--continue", files.continue)];
  const [clip, mask] = [await read("--known", files.known), await read("--mask", files.mask)];
  const refuse = (option: string, expected: string, found: unknown) =>
    mvcError("option-invalid", { option, expected, found: String(found) });
  if (clip === undefined && mask !== undefined)
    throw refuse("--mask", "left out where no --known says what the clip is where the mask is black", files.mask);
  if (clip === undefined && files.at !== undefined) throw refuse("--at", "left out where no --known says what stands there", files.at);
  const known: Known | undefined = clip && {
    clip,
    ...(files.at === undefined ? {} : { at: files.at }),
    ...(mask === undefined ? {} : { mask }),
  };
  const wanted = length ?? shape.frames;
  return {
    ...(firstFrame === undefined ? {} : { firstFrame }),
    ...(lastFrame === undefined ? {} : { lastFrame }),
    ...(from === undefined ? {} : { from: firstOf(from, files.from ?? [], wanted, shape, note) }),
    ...(continues === undefined ? {} : { continues }),
    ...(known === undefined ? {} : { known }),
  };
}

function one(path: string | undefined): readonly string[] | undefined {
  return path === undefined ? undefined : [path];
}

/** A picture, and the file that it came from. */
interface FilePicture extends Picture {
  readonly file: string;
}

async function readClip(option: string, paths: readonly string[]): Promise<TensorData | readonly FilePicture[]> {
  const pictures: FilePicture[] = [];
  for (const path of paths.flatMap((given) => listed(option, given))) {
    const extension = extname(path).toLowerCase();
    if (extension === ".png") pictures.push({ ...readPng(readBytes(path, `the picture of ${option}`, mostBytes), path), file: path });
    else if (extension === ".gif")
      pictures.push(...readGif(readBytes(path, `the clip of ${option}`, mostBytes), path).map((one) => ({ ...one, file: path })));
    else if (extension === ".safetensors" && paths.length === 1) return readTensor(option, path);
    else throw mvcError("input-invalid", { input: option, expected: endings, found: JSON.stringify(path) });
  }
  return pictures;
}

/** The files that a path of a clip stands for: the pictures of a folder by name, numbers by their size: 2.png before 10.png. */
export function clipFilesAt(path: string): readonly string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
  const names = readdirSync(path).filter((name) => extname(name).toLowerCase() === ".png");
  return names.sort(naturalOrder).map((name) => join(path, name));
}

function listed(option: string, path: string): readonly string[] {
  const files = clipFilesAt(path);
  if (files.length > 0) return files;
  throw mvcError("input-invalid", { input: option, expected: endings, found: `the folder ${path}, which has no .png` });
}

async function readTensor(option: string, path: string): Promise<TensorData> {
  const tensors = await readSafetensors(path);
  const names = Object.keys(tensors);
  const found = Object.hasOwn(tensors, "latent") ? tensors.latent : names.length === 1 ? tensors[names[0] ?? ""] : undefined;
  if (found !== undefined) return found;
  const expected = "a file with one tensor, or with one named `latent`";
  throw mvcError("input-invalid", {
    input: option,
    expected,
    found: `${names.length} tensors in ${path}: ${names.slice(0, 5).join(", ")}`,
  });
}

/** Pictures of another size than the model's are cut about the middle and resized. */
function fitted(given: TensorData | readonly FilePicture[], { picture }: ClipShape, note: (text: string) => void): ClipInput {
  if (!isPictures(given) || picture === undefined) return given;
  const pictures = given;
  const { width, height } = picture;
  const other = pictures.find((one) => one.width !== width || one.height !== height);
  if (other === undefined) return pictures;
  const scale = Math.min(other.width / width, other.height / height);
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  const cut = across === other.width && down === other.height ? "" : `its middle, ${across}x${down}, is `;
  note(`${other.file} is ${other.width}x${other.height}: ${cut}resized to the model's ${width}x${height}`);
  return pictures.map((one) => fitPicture(one, width, height));
}

function isPictures(given: TensorData | readonly FilePicture[]): given is readonly FilePicture[] {
  return Array.isArray(given);
}

/** As many frames as are made: what a longer clip has beyond them is left out, and said. */
function firstOf(given: ClipInput, paths: readonly string[], wanted: number, { pace }: ClipShape, note: (text: string) => void): ClipInput {
  if (!Array.isArray(given) || pace.per !== 1 || given.length <= wanted) return given;
  note(`${paths[0]} has ${given.length} frames, of which the first ${wanted} are taken; \`--length ${given.length}\` takes all`);
  return given.slice(0, wanted) as readonly Picture[];
}
