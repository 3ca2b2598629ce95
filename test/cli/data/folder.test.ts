// Folders as people have them, to captioned clips: which files are clips, whose captions they have, what is named and what is kept.

import { execFileSync } from "node:child_process";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { encode } from "fast-png";
import { beforeEach, expect, test } from "vitest";
import type { DatasetOptions } from "../../../cli/data/dataset-options.ts";
import { openDataset } from "../../../cli/data/open-dataset.ts";
import type { Dataset } from "../../../training/dataset.ts";
import { filesBelow } from "../mvc.ts";
import { folderOf, greyGif, greyPng, temporary } from "./small-films.ts";

const four = { frames: 4, height: 4, width: 4 };
let cache = temporary();
let notes: string[] = [];
beforeEach(() => {
  cache = temporary();
  notes = [];
});

const open = (folder: string, options: DatasetOptions = {}, size = four) =>
  openDataset(folder, size, { cache, ...options }, { note: (text) => notes.push(text.replace(folder, "DIR")) });

/** Each clip as its caption and the greys of its frames. */
async function shown(set: Dataset): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < set.count; i++) {
    const { pixels, caption } = await set.clip(i);
    const frame = pixels.length / set.size.frames;
    const greys = Array.from({ length: set.size.frames }, (_, f) => {
      const part = pixels.subarray(f * frame, (f + 1) * frame);
      expect(new Set(part).size).toBe(1);
      return part[0];
    });
    found.push(`${caption}: ${greys.join(" ")}`);
  }
  return found;
}

const pictures = (folder: string, greys: readonly number[], first = 1, step = 1) =>
  Object.fromEntries(greys.map((grey, i) => [`${folder}/${first + i * step}.png`, greyPng(grey)]));

test("films and pictures of sub-folders are clips in natural order, with the captions beside them", async () => {
  const folder = folderOf({
    "10.gif": greyGif([1, 2, 3, 4]),
    "10.txt": "ten",
    "9.gif": greyGif([5, 6, 7, 8]),
    "9.txt": "\ufeff nine,\r\nin two lines\n",
    ...pictures("deep/er/take 2", [9, 10, 11, 12], 8),
    "deep/er/take 2.txt": "two",
    "deep/a.GIF": greyGif([20, 30, 40, 50]),
    "deep/a.txt": "a",
    ".hidden.gif": "no clip",
    ".git/x.gif": "no clip",
    "notes.md": "of another kind",
    "README.txt": "beside nothing",
  });
  const set = await open(folder);
  expect(await shown(set)).toEqual(["nine, in two lines: 5 6 7 8", "ten: 1 2 3 4", "a: 20 30 40 50", "two: 9 10 11 12"]);
  expect([set.name, set.count, set.size]).toEqual([folder, 4, four]);
  expect(notes).toEqual([
    "DIR: no clip lies beside 1 of the .txt files, such as README.txt",
    "DIR: files of other kinds are left alone: 1 .md",
  ]);
});

test("tables name files from where they lie, by either pair of words; a row each is an example", async () => {
  const gif = greyGif([1, 2, 3, 4]);
  const folder = folderOf({
    "a.gif": gif,
    "sub/b.gif": greyGif([5, 6, 7, 8]),
    "sub/c.gif": greyGif([9, 10, 11, 12]),
    "sub/meta.jsonl":
      '\ufeff{"file":"b.gif","text":"b one","extra":[1]}\n\n{"file":"../a.gif","text":"a"}\r\n{"file":"b.gif","text":"b two"}\n',
    "all.csv": '\ufefffile_name,other,caption\nsub/c.gif,1,"c, ""quoted"",\nin two"\n',
  });
  expect(await shown(await open(folder))).toEqual(["a: 1 2 3 4", "b one: 5 6 7 8", "b two: 5 6 7 8", 'c, "quoted", in two: 9 10 11 12']);
});

test("a text beside a clip comes before lines of JSON, and these before a table; that is said", async () => {
  const gif = greyGif([1, 2, 3, 4]);
  const folder = folderOf({
    ...{ "a.gif": gif, "b.gif": gif, "c.gif": gif, "d.gif": gif, "a.txt": "a of txt" },
    "x.jsonl": ["a", "b"].map((name) => JSON.stringify({ file: `${name}.gif`, text: `${name} of jsonl` })).join("\n"),
    "x.csv": "file,text\na.gif,a of csv\nb.gif,b of csv\nc.gif,c of csv\nd.gif,the same\n",
    "d.txt": "the same",
  });
  expect(await shown(await open(folder))).toEqual(["a of txt", "b of jsonl", "c of csv", "the same"].map((text) => `${text}: 1 2 3 4`));
  expect(notes).toEqual(["DIR: 2 of the clips have other captions too: a .txt comes before a .jsonl, and that before a .csv"]);
});

test("names with letters of their own are found, in one letter or two", async () => {
  const gif = greyGif([1, 2, 3, 4]);
  const two = "Bäume 树.gif".normalize("NFD");
  for (const [name, written] of [
    [two, two.normalize("NFC")],
    [two.normalize("NFC"), two],
  ] as const) {
    const folder = folderOf({ [name]: gif, "x.jsonl": JSON.stringify({ file: written, text: "trees 🌳" }) });
    expect(await shown(await open(folder))).toEqual(["trees 🌳: 1 2 3 4"]);
  }
});

test("clips without a caption are refused, left out or taken with the empty text", async () => {
  const gif = greyGif([1, 2, 3, 4]);
  const folder = folderOf({ "a.gif": gif, "b.gif": gif, "b.txt": "  \n", "c.gif": gif, "c.txt": "c" });
  await expect(open(folder)).rejects.toMatchObject({
    code: "data-invalid",
    message: `${folder}: 2 of 3 clips have no caption, such as a.gif`,
    hint: expect.stringContaining("`--uncaptioned skip`"),
  });
  expect(await shown(await open(folder, { uncaptioned: "skip" }))).toEqual(["c: 1 2 3 4"]);
  expect(notes).toEqual(["DIR: 2 of 3 clips have no caption; left out: a.gif, b.gif"]);
  expect(await shown(await open(folder, { uncaptioned: "empty" }))).toEqual([": 1 2 3 4", ": 1 2 3 4", "c: 1 2 3 4"]);
});

test("captions of files that are not there are refused, or left out", async () => {
  const folder = folderOf({
    "a.gif": greyGif([1, 2, 3, 4]),
    "x.csv": "file,text\na.gif,a\n\nb.gif,b\n",
    "x.jsonl": '{"file":"c.gif","text":"c"}',
  });
  await expect(open(folder)).rejects.toThrow(`${folder}: 2 captions are of files that are not there, such as c.gif (line 1 of x.jsonl)`);
  expect((await open(folder, { damaged: "skip" })).count).toBe(1);
  expect(notes).toEqual(["DIR: 2 captions are of files that are not there; left out: c.gif (line 1 of x.jsonl), b.gif (line 4 of x.csv)"]);
});

test.each([
  ["x.jsonl", '{"file":"a.gif","text":"a"}\nno', /line 2 is no JSON/],
  ["x.jsonl", "[]", /line 1 is no object/],
  ["x.jsonl", '{"file":"a.gif","text":7}', /text of line 1 is no text/],
  ["x.jsonl", '{"path":"a.gif","text":"a"}', /line 1 has no file or file_name, only path, text/],
  ["x.jsonl", '{"file":"","text":"a"}', /line 1 names no file/],
  ["x.csv", "name,text\na.gif,a\n", /line 2 has no file or file_name, only name, text/],
  ["x.csv", "file,text\na.gif,a,b\n", /Invalid Record Length: columns length is 2, got 3 on line 2/],
  ["x.csv", 'file,text\na.gif,"a\n', /Quote Not Closed/],
])("a table that cannot be understood is an error with its line: %s %j", async (name, text, reason) => {
  await expect(open(folderOf({ "a.gif": greyGif([1, 2, 3, 4]), [name]: text }))).rejects.toThrow(reason);
});

test("a table in another encoding is an error with its line", async () => {
  const folder = folderOf({ "a.gif": greyGif([1, 2, 3, 4]), "x.csv": Buffer.from("file,text\na.gif,B\u00e4ume\n", "latin1") });
  await expect(open(folder)).rejects.toMatchObject({ code: "not-utf8" });
});

test("what cannot be read is counted and named before the work, or left out and named", async () => {
  const gif = greyGif([1, 2, 3, 4]);
  const png = greyPng(1);
  const names = ["bad.gif", "cut.gif", "cut.mp4", "empty.webm", "text.mp4", "moving", "gap", "sizes", "broken.gif", "good.gif"];
  const folder = folderOf({
    ...{ "good.gif": gif, "bad.gif": Buffer.from("GIF89a and no more"), "cut.gif": gif.subarray(0, gif.length - 20) },
    ...{ "cut.mp4": readFileSync("golden/films/h264-709.mp4").subarray(0, 900), "empty.webm": "", "text.mp4": "no film" },
    ...pictures("gap", [1, 2], 1),
    ...{ "gap/5.png": png, "sizes/1.png": png, "sizes/2.png": greyPng(1, 4, 5) },
    "x.csv": `file,text\n${names.filter((name) => !["moving", "gap", "broken.gif"].includes(name)).join(",t\n")},t\n`,
  });
  symlinkSync(join(folder, "nowhere"), join(folder, "broken.gif"));
  await expect(open(folder)).rejects.toMatchObject({
    code: "data-invalid",
    message: `${folder}: 8 of 9 clips cannot be read, such as broken.gif (it is a link to ${join(folder, "nowhere")}, which does not exist)`,
    hint: `mend or remove them, or go on without them by \`--damaged skip\`; \`mvc data ${folder}\` names all`,
  });
  expect(filesBelow(cache).filter((name) => name.startsWith("clips"))).toEqual([]);
  expect(await shown(await open(folder, { damaged: "skip" }))).toEqual(["t: 1 2 3 4"]);
  expect(notes.length).toBe(1);
  for (const said of [
    "DIR: 8 of 9 clips cannot be read; left out: broken.gif (it is a link to ",
    "gap (after 2.png comes 5.png: a picture is missing)",
    "bad.gif (it is no GIF that can be read (Unknown gif block: 0x20))",
    "cut.gif (it is no GIF that can be read (",
    "cut.mp4 (it has no video in it that can be found (cut short?))",
    "empty.webm (it is empty)",
    "sizes (it is 4x5, but the first picture of the clip 4x4)",
    "text.mp4 (it is no video that can be read (damaged?))",
  ])
    expect(notes[0]).toContain(said);
});

test("what fails only when it is decoded is named then, and what was decoded is kept", async () => {
  const cut = greyPng(7);
  const folder = folderOf({
    "a.gif": greyGif([1, 2, 3, 4]),
    ...pictures("b", [1, 2, 3], 1),
    "b/4.png": cut.subarray(0, cut.length - 20),
    "c.gif": greyGif([5, 6, 7, 8]),
    ...{ "a.txt": "a", "b.txt": "b", "c.txt": "c" },
  });
  await expect(open(folder)).rejects.toThrow(/1 of 3 clips cannot be read, such as b \(it is no PNG that can be read/);
  expect(filesBelow(cache).filter((name) => name.startsWith("clips")).length).toBe(1);
  expect(await shown(await open(folder, { damaged: "skip" }))).toEqual(["a: 1 2 3 4", "c: 5 6 7 8"]);
});

test("films that are too short are refused, left out or held", async () => {
  const folder = folderOf({ "a.gif": greyGif([1, 2, 3]), "a.txt": "a", "b.gif": greyGif([1, 2, 3, 4]), "b.txt": "b" });
  await expect(open(folder)).rejects.toThrow(`${folder}: 1 of 2 clips is too short, such as a.gif (it has 3 frames, a clip takes 4)`);
  await expect(open(folder, { fps: 5 })).rejects.toThrow(`2 of 2 clips are too short, such as a.gif (it lasts 0.30 s, a clip 0.80 s)`);
  expect(await shown(await open(folder, { short: "skip" }))).toEqual(["b: 1 2 3 4"]);
  expect(await shown(await open(folder, { short: "hold" }))).toEqual(["a: 1 2 3 3", "b: 1 2 3 4"]);
  await expect(open(folder, { short: "skip", fps: 5 })).rejects.toThrow(`${folder}: of its 2 clips none is left`);
});

test("clips are taken at a rate, and several of a long film", async () => {
  // Half a second in frames of 0.05 s, then in two of 0.25 s.
  const folder = folderOf({
    "a.gif": greyGif([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 5),
    "a.txt": "a",
    "b.gif": greyGif([10, 20], 25),
    "b.txt": "b",
  });
  expect(await shown(await open(folder, { fps: 10 }, { ...four, frames: 2 }))).toEqual(["a: 2 4", "b: 10 20"]);
  expect(notes).toEqual([]);
  // The second time from the cache.
  for (let i = 0; i < 2; i++)
    expect(await shown(await open(folder, { fps: 20, windows: 2 }))).toEqual([
      "a: 0 1 2 3",
      "a: 5 6 7 8",
      "b: 10 10 10 10",
      "b: 20 20 20 20",
    ]);
  expect(notes).toEqual([1, 2].map(() => "DIR: frames come again in what has fewer a second: b.gif"));
  expect(await shown(await open(folder, { stride: 3, short: "skip" }))).toEqual(["a: 0 3 6 9"]);
});

test("pictures are each a clip by themselves in the folder itself, and where a text lies beside one", async () => {
  const one = { ...four, frames: 1 };
  const folder = folderOf({
    ...{ "1.png": greyPng(1), "2.png": greyPng(2), "1.txt": "one", "2.txt": "two" },
    ...pictures("sub", [3, 4]),
    ...{ "sub/1.txt": "three", "sub/2.txt": "four" },
  });
  expect(await shown(await open(folder, {}, one))).toEqual(["one: 1", "two: 2", "three: 3", "four: 4"]);
});

test("films are cut about their middle as they are shown, pixels that are wide among them", async () => {
  const size = { frames: 3, height: 48, width: 48 };
  const corners = async (name: string) => {
    const folder = folderOf({ [name]: readFileSync(join("golden/films", name)), [`${name.slice(0, -4)}.txt`]: "bars" });
    const { pixels } = await (await open(folder, {}, size)).clip(0);
    return [pixels.subarray(0, 3), pixels.subarray(47 * 3, 48 * 3)].map((colour) => [...colour]);
  };
  const near = (found: readonly number[] | undefined, colour: readonly number[]) =>
    expect(Math.max(...colour.map((value, c) => Math.abs(value - (found?.[c] ?? 0))))).toBeLessThanOrEqual(3);
  // Bars are eight wide: of 64 columns 8 to 55 are left, red first and grey last; shown twice as wide, 20 to 43, green and near black.
  const [left, right] = await corners("h264-709.mp4");
  near(left, [230, 40, 40]);
  near(right, [128, 128, 128]);
  const [wideLeft, wideRight] = await corners("h264-wide-pixels.mp4");
  near(wideLeft, [40, 200, 70]);
  near(wideRight, [16, 16, 16]);
});

test("what is see-through stands before black; a PNG that moves is refused, not taken for its first picture", async () => {
  const pixel = encode({ width: 1, height: 1, channels: 4, data: Uint8Array.of(200, 100, 50, 128) });
  const one = { frames: 1, height: 1, width: 1 };
  const set = await open(folderOf({ "a.png": pixel, "a.txt": "a" }), {}, one);
  // 200 x 128 / 255 = 100.4.
  expect([...(await set.clip(0)).pixels]).toEqual([100, 50, 25]);
  const chunk = Buffer.from([0, 0, 0, 8, ...Buffer.from("acTL"), 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
  const moves = Buffer.concat([pixel.subarray(0, 33), chunk, pixel.subarray(33)]);
  await expect(open(folderOf({ "a.png": moves, "a.txt": "a" }), {}, one)).rejects.toThrow(
    "a.png (it is a PNG that moves, which is not read)",
  );
});

test("what never ends, or waits for somebody, is not opened", async () => {
  const folder = folderOf({ "a.gif": greyGif([1, 2, 3, 4]), "a.txt": "a" });
  symlinkSync("/dev/zero", join(folder, "zero.mp4"));
  execFileSync("mkfifo", [join(folder, "pipe.gif")]);
  expect((await open(folder, { damaged: "skip" })).count).toBe(1);
  expect(notes).toEqual([
    "DIR: 2 of 3 clips cannot be read; left out: pipe.gif (it is a pipe, not a file), zero.mp4 (it is a device, not a file)",
  ]);
});

test("links to films and folders are followed, but never in a circle", async () => {
  const elsewhere = folderOf({ "a.gif": greyGif([1, 2, 3, 4]), "a.txt": "a", "more/b.gif": greyGif([5, 6, 7, 8]), "more/b.txt": "b" });
  const folder = folderOf({ "a.txt": "linked" });
  symlinkSync(join(elsewhere, "a.gif"), join(folder, "a.gif"));
  symlinkSync(join(elsewhere, "more"), join(folder, "more"));
  expect(await shown(await open(folder))).toEqual(["linked: 1 2 3 4", "b: 5 6 7 8"]);
  symlinkSync(elsewhere, join(elsewhere, "more", "circle"));
  await expect(open(folder)).rejects.toThrow(
    "1 of 4 clips cannot be read, such as more/circle/more (it is a link to a folder that it lies in)",
  );
  await expect(open(elsewhere)).rejects.toThrow(
    "1 of 3 clips cannot be read, such as more/circle (it is a link to a folder that it lies in)",
  );
});

test("a folder without clips says what would be some", async () => {
  await expect(open(folderOf({ "a.txt": "a" }))).rejects.toMatchObject({ message: expect.stringContaining("it has no clips") });
});
