// Random folders, whose clips, captions and flaws are known as they are made, give those clips and no others.

import { cpSync } from "node:fs";
import { expect, test } from "vitest";
import type { DatasetOptions } from "../../../cli/data/dataset-options.ts";
import { openDataset } from "../../../cli/data/open-dataset.ts";
import { filmWindows, heldWindow } from "../../../cli/data/windows.ts";
import { uniforms } from "../../../runtime/sampler/random.ts";
import { folderOf, greyGif, greyPng, temporary } from "./small-films.ts";

const FOLDERS = Number(process.env.FOLDERS ?? 12);

/** Whole numbers below a bound, and whether a chance comes true, from a seed. */
function dice(seed: number) {
  let drawn = 0;
  const next = () => uniforms(seed, drawn++, 1)[0] ?? 0;
  return {
    below: (bound: number) => Math.floor(next() * bound),
    chance: (share: number) => next() < share,
    one: <T>(list: readonly T[]) => list[Math.floor(next() * list.length)] as T,
  };
}

interface Made {
  /** Numbers along the path: its order is theirs. */
  readonly path: readonly number[];
  readonly greys: readonly number[];
  readonly damaged: boolean;
  readonly captions: readonly string[];
}

function makeFolder({ below, chance, one }: ReturnType<typeof dice>) {
  const files: { [path: string]: string | Uint8Array } = {};
  const made: Made[] = [];
  const tables: { [name: string]: string[] } = {};
  const taken = new Set<string>();
  for (let i = 0; i < 3 + below(8); i++) {
    const path = Array.from({ length: 1 + below(3) }, () => below(30));
    // What a folder is called is called so once.
    const names = path.map((_, k) => path.slice(0, k + 1).join("/"));
    if (names.some((name) => taken.has(`clip ${name}`)) || taken.has(`folder ${names.at(-1)}`)) continue;
    for (const name of names.slice(0, -1)) taken.add(`folder ${name}`);
    const stem = names.at(-1) ?? "";
    taken.add(`clip ${stem}`);
    const greys = Array.from({ length: 1 + below(6) }, () => below(256));
    const damaged = chance(0.15);
    const pictures = greys.length > 1 && chance(0.4);
    if (pictures) {
      const step = 1 + below(3);
      const first = below(12);
      for (const [k, grey] of greys.entries()) {
        const png = greyPng(grey);
        files[`${stem}/f${first + k * step}.png`] = damaged && k === greys.length - 1 ? png.subarray(0, 20) : png;
      }
    } else {
      const gif = greyGif(greys);
      files[`${stem}.gif`] = damaged ? gif.subarray(0, below(gif.length - 1)) : gif;
    }
    const captions = Array.from({ length: one([0, 1, 1, 1, 2]) }, (_, k) => `clip ${stem}, caption ${k}`);
    if (captions.length === 1 && chance(0.5)) files[`${stem}.txt`] = `${captions[0]}\n`;
    else {
      const ending = one(["jsonl", "csv"]);
      // A table above the clip, or beside it.
      const place = chance(0.5) || path.length === 1 ? "" : `${path.slice(0, -1).join("/")}/`;
      const name = `${stem.slice(place.length)}${pictures ? "" : ".gif"}`;
      const table = `${place}captions.${ending}`;
      tables[table] ??= ending === "csv" ? ["text,file"] : [];
      for (const text of captions)
        tables[table].push(ending === "csv" ? `"${text}",${name}` : JSON.stringify({ caption: text, file_name: name }));
    }
    made.push({ path, greys, damaged, captions });
  }
  for (const [name, lines] of Object.entries(tables)) files[name] = lines.join("\n");
  return { folder: folderOf(files), made };
}

const byPath = (a: Made, b: Made) => {
  const at = a.path.findIndex((part, i) => part !== b.path[i]);
  return at < 0 ? a.path.length - b.path.length : (a.path[at] ?? 0) - (b.path[at] ?? -1);
};

test.each(Array.from({ length: FOLDERS }, (_, seed) => seed))("folder %i", async (seed) => {
  const draws = dice(seed);
  const { folder, made } = makeFolder(draws);
  const frames = 1 + draws.below(4);
  const pace = { stride: 1 + draws.below(2), windows: 1 + draws.below(2) };
  const options: DatasetOptions = {
    ...pace,
    damaged: "skip",
    short: draws.one(["skip", "hold"] as const),
    uncaptioned: draws.one(["skip", "empty"] as const),
    cache: temporary(),
  };
  const expected = [...made].sort(byPath).flatMap(({ greys, damaged, captions }) => {
    const film = { count: greys.length };
    const windows = filmWindows(film, frames, pace);
    const held = windows.length === 0 && options.short === "hold" ? [heldWindow(film, frames, pace)] : windows;
    const texts = captions.length === 0 && options.uncaptioned === "empty" ? [""] : captions;
    return damaged ? [] : held.flatMap((places) => texts.map((text) => `${text}: ${places.map((place) => greys[place])}`));
  });
  const size = { frames, height: 4, width: 4 };
  const opened = openDataset(folder, size, options);
  if (expected.length === 0) return expect(opened).rejects.toMatchObject({ code: "data-invalid" });
  const set = await opened;
  const found: string[] = [];
  for (let i = 0; i < set.count; i++) {
    const { pixels, caption } = await set.clip(i);
    found.push(`${caption}: ${Array.from({ length: frames }, (_, f) => pixels[f * 48])}`);
  }
  expect(found).toEqual(expected);
  const copy = temporary();
  cpSync(folder, copy, { recursive: true });
  expect((await openDataset(copy, size, options)).hash).toBe(set.hash);
});
