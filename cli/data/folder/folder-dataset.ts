/** A folder of films with captions to a data set: all are looked at first, then decoded into the cache, from which clips are read. */

import { mvcError, throwIfAborted } from "../../../runtime/errors.ts";
import type { ClipSize, Dataset } from "../../../training/dataset.ts";
import type { Film } from "../../media/film.ts";
import { openFilm } from "../../media/open-film.ts";
import { pngFilm } from "../../media/png-film.ts";
import { clipPixels } from "../clip-pixels.ts";
import type { DatasetOptions, Listening } from "../dataset-options.ts";
import { filmWindows, framesComeAgain, heldWindow } from "../windows.ts";
import { readCaptions } from "./captions.ts";
import { type ClipStore, clipStore, defaultCache, type StoredClips } from "./clip-store.ts";
import { type KnownFiles, knownFiles, sha256 } from "./known-files.ts";
import { asProblem, comingAgain, leftAlone, type Problem, settle, shortness } from "./problems.ts";
import { type Source, walk } from "./walk.ts";

/** Counts up when the same film would give other pixels, so that what an older version kept is left alone. */
const decoding = 1;

/** Throws MvcError `file-unreadable` where it cannot be opened, `backend-missing`. */
export async function openSource({ pictures, files }: Source): Promise<Film> {
  return pictures ? pngFilm(files) : openFilm(files[0] ?? "");
}

/** Throws MvcError `data-invalid`, `backend-missing`, `aborted`; of the cache `disk-full`, `write-failed`. */
export async function folderDataset(folder: string, size: ClipSize, options: DatasetOptions, listening: Listening): Promise<Dataset> {
  const listing = walk(folder);
  const total = listing.sources.length + listing.problems.length;
  const captions = readCaptions(listing);
  const note = (text: string) => listening.note?.(`${folder}: ${text}`);
  for (const text of [...captions.notes, ...leftAlone(listing.others)]) note(text);
  const judge = { folder, total, note };
  settle(judge, "missing", captions.missing, options.damaged === "skip");
  const bare = listing.sources.filter(({ name }) => !captions.of.has(name)).map(({ name }) => ({ name }));
  if (options.uncaptioned !== "empty") settle(judge, "uncaptioned", bare, options.uncaptioned === "skip");
  const captionsOf = (name: string) => captions.of.get(name) ?? (options.uncaptioned === "empty" ? [""] : []);
  const sources = listing.sources.filter(({ name }) => captionsOf(name).length > 0);

  const cache = options.cache ?? defaultCache();
  const work = { folder, size, options, listening, known: knownFiles(cache, folder, listening.signal), store: clipStore(cache, size) };
  const { planned, damaged, short } = await lookedAt(sources, work);
  settle(judge, "damaged", [...listing.problems, ...damaged], options.damaged === "skip");
  settle(judge, "short", short, options.short === "skip");
  for (const text of comingAgain(planned.filter(({ repeats }) => repeats).map(({ source }) => source))) note(text);

  // What is decoded is kept, so the first that fails can be told at once: nothing is decoded twice.
  const refuse = (problem: Problem) => options.damaged !== "skip" && settle(judge, "damaged", [problem], false);
  const { clips, broken } = await decoded(planned, work, refuse);
  settle(judge, "damaged", broken, true);

  const examples = clips.flatMap((clip) => captionsOf(clip.name).map((caption) => ({ ...clip, caption })));
  if (examples.length === 0) throw mvcError("data-invalid", { data: folder, ...nothing(total) });
  const sums = examples.map(({ stored, window, caption }) => [stored.sums[window], caption]);
  return {
    name: folder,
    count: examples.length,
    size,
    hash: sha256(JSON.stringify([size.frames, size.height, size.width, sums])),
    async clip(index) {
      const example = examples[index];
      if (example === undefined) throw new Error(`data set: clip ${index} of ${examples.length}`);
      return { pixels: work.store.read(example.stored, example.window), caption: example.caption };
    },
  };
}

const nothing = (total: number) =>
  total === 0
    ? { reason: "it has no clips", way: "put GIFs, MP4s, WebMs, MOVs, MKVs or PNGs into it (docs/data.md)" }
    : { reason: `of its ${total} clips none is left`, way: "leave out fewer: each was named" };

interface Work {
  readonly folder: string;
  readonly size: ClipSize;
  readonly options: DatasetOptions;
  readonly listening: Listening;
  readonly known: KnownFiles;
  readonly store: ClipStore;
}

interface Planned {
  readonly source: Source;
  readonly key: string;
  /** What the cache has already. */
  readonly stored?: StoredClips;
  /** Else, the frames of each clip. */
  readonly windows: readonly (readonly number[])[];
  readonly repeats: boolean;
}

/** Opens each film that the cache does not know, and chooses its frames. */
async function lookedAt(sources: readonly Source[], { folder, size, options, listening, known, store }: Work) {
  const [planned, damaged, short]: [Planned[], Problem[], Problem[]] = [[], [], []];
  for (const [i, source] of sources.entries()) {
    throwIfAborted(listening.signal, `looking at ${folder}`);
    try {
      const digests: string[] = [];
      for (const file of source.files) digests.push(await known.digest(file));
      const key = keyOf(digests, size, options);
      const stored = await store.find(key);
      if (stored !== undefined) planned.push({ source, key, stored, windows: [], repeats: stored.repeats });
      else {
        const film = await openSource(source);
        film.close();
        const fitting = filmWindows(film, size.frames, options);
        const windows = fitting.length === 0 && options.short === "hold" ? [heldWindow(film, size.frames, options)] : fitting;
        if (windows.length > 0) planned.push({ source, key, windows, repeats: framesComeAgain(fitting) });
        else short.push({ name: source.name, reason: shortness(film, size, options) });
      }
    } catch (thrown) {
      damaged.push(asProblem(source.name, thrown));
    }
    listening.progress?.("looking at films", i + 1, sources.length);
  }
  await known.keep();
  return { planned, damaged, short };
}

/** A film's bytes and all that decides which of its pixels are taken, and how. */
function keyOf(digests: readonly string[], { frames, height, width }: ClipSize, options: DatasetOptions): string {
  const { fps = null, stride = 1, windows = 1, short } = options;
  return sha256(JSON.stringify([decoding, digests, frames, height, width, fps, stride, windows, short === "hold"]));
}

interface StoredClip {
  /** Of the film. */
  readonly name: string;
  readonly stored: StoredClips;
  readonly window: number;
}

/** Each clip in the cache, decoded where it is not there yet; `refuse` may throw at what cannot be. */
async function decoded(planned: readonly Planned[], { folder, size, listening, known, store }: Work, refuse: (problem: Problem) => void) {
  const [clips, broken]: [StoredClip[], Problem[]] = [[], []];
  const due = planned.filter(({ stored }) => stored === undefined).length;
  let done = 0;
  for (const { source, key, windows, repeats, stored: before } of planned) {
    throwIfAborted(listening.signal, `decoding ${folder}`);
    try {
      const film = { name: source.name, count: windows.length, repeats };
      const stored = before ?? (await store.keep(key, film, decodedClips(source, windows, size, known), listening.signal));
      for (const window of stored.sums.keys()) clips.push({ name: source.name, stored, window });
    } catch (thrown) {
      const problem = asProblem(source.name, thrown);
      refuse(problem);
      broken.push(problem);
    }
    if (before === undefined) listening.progress?.("decoding films", ++done, due);
  }
  return { clips, broken };
}

/** Throws MvcError `file-unreadable` before the end where the film is no longer the one that was looked at. */
async function* decodedClips(
  source: Source,
  windows: readonly (readonly number[])[],
  size: ClipSize,
  known: KnownFiles,
): AsyncGenerator<Uint8Array> {
  const film = await openSource(source);
  try {
    for (const places of windows) yield await clipPixels(film, places, size);
  } finally {
    film.close();
  }
  const changed = source.files.find((file) => !known.unchanged(file));
  if (changed !== undefined)
    throw mvcError("file-unreadable", { file: changed, reason: "it changes while it is read", way: "run it again" });
}
