// `mvc data`: what it says of a folder of films, and the files that it writes of one.

import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decode } from "fast-png";
import { expect, test } from "vitest";
import { movingShapes } from "../../../cli/data/moving-shapes.ts";
import { openDataset } from "../../../cli/data/open-dataset.ts";
import { mvc } from "../mvc.ts";
import { folderOf, greyGif, greyPng, temporary } from "./small-films.ts";

const cache = temporary();
const data = (...args: string[]) => mvc(["data", ...args, "--cache", cache]);

function films(): string {
  const folder = folderOf({
    "a.gif": greyGif([10, 20, 30, 40], 5),
    "b.gif": greyGif([1, 2, 3], 20),
    "b.txt": "two words",
    "pictures/1.png": greyPng(1),
    "pictures/2.png": greyPng(2),
    "c.mp4": "",
    "meta.csv": "file,text\na.gif,one\na.gif,one\npictures,and three words\nnone.gif,none\n",
    "notes.md": "",
  });
  copyFileSync("golden/films/h264-709.mp4", join(folder, "d.mp4"));
  return folder;
}

test("a folder is told by kinds of films, captions and clips, with all that is wrong in it", async () => {
  const { code, out, err } = await data(films(), "--frames", "2", "--fps", "20");
  expect(err).toBe("");
  expect(out).toBe(
    [
      "films            files  pixels  frames  frames a second       seconds",
      ".gif                 2     4x4  3 to 4    5.00 to 20.00  0.20 to 0.60",
      ".mp4                 1   64x48      24            10.00          2.40",
      "folders of .png      1     4x4       2",
      'captions: 4, 3 of them different, of 1 to 3 words, such as "one"',
      "clips of 2 frames of 64x64, 20 a second: 4",
      "frames come again in what has fewer a second: b.gif",
      "cannot be read: 1",
      "  c.mp4  it is empty",
      "captions of files that are not there: 1",
      "  none.gif  line 5 of meta.csv",
      "without a caption: 2",
      "  c.mp4",
      "  d.mp4",
      "files of other kinds are left alone: 1 .md",
      "",
    ].join("\n"),
  );
  expect(code).toBe(1);
  expect((await data(films(), "--frames", "2", "--damaged", "skip")).code).toBe(1);
  const skipped = await data(films(), "--frames", "2", "--damaged", "skip", "--uncaptioned", "empty");
  expect([skipped.code, skipped.out.includes("frames as they come: 5\n")]).toEqual([0, true]);
  expect((await data(films(), "--frames", "4", "--damaged", "skip", "--uncaptioned", "skip")).out).toContain(
    "too short: 2\n  b.gif  it has 3 frames, a clip takes 4\n  pictures  it has 2 frames, a clip takes 4\n",
  );
});

test("its clips go to a file that is a data set itself, or some to a contact sheet", async () => {
  const folder = films();
  const file = join(folder, "clips.safetensors");
  const options = ["--frames", "2", "--size", "3x2", "--damaged", "skip", "--uncaptioned", "skip"];
  const written = await data(folder, ...options, "-o", file);
  expect([written.code, written.out]).toEqual([0, `${file}: 4 clips of 2 frames of 3x2\n`]);
  expect(written.err).toContain("2 of 5 clips have no caption; left out: c.mp4, d.mp4");
  const size = { frames: 2, height: 2, width: 3 };
  const set = await openDataset(file, size);
  const direct = await openDataset(folder, size, { cache, damaged: "skip", uncaptioned: "skip" });
  for (let i = 0; i < 4; i++) expect(await set.clip(i)).toEqual(await direct.clip(i));
  expect((await set.clip(2)).caption).toBe("two words");
  const told = await data(file, "--frames", "2", "--size", "3x2");
  expect([told.code, told.out]).toEqual([
    0,
    'captions: 4, 3 of them different, of 1 to 3 words, such as "one"\nclips of 2 frames of 3x2, frames as they come: 4\n',
  ]);
  const sheet = join(folder, "sheet.png");
  expect((await data(file, "--frames", "2", "--size", "3x2", "-o", sheet)).out).toBe(
    `${sheet}: "one", "one", "two words", "and three words"\n`,
  );
  // Four rows of two frames, each pixel two wide, two of grey between.
  const picture = decode(readFileSync(sheet));
  expect([picture.width, picture.height]).toEqual([2 * 6 + 2, 4 * 4 + 3 * 2]);
  const red = (x: number, y: number) => picture.data[4 * (y * picture.width + x)];
  expect([red(0, 0), red(8, 0), red(7, 0), red(0, 12), red(13, 21)]).toEqual([20, 30, 128, 1, 2]);
});

test("moving shapes have a text to look at, and another size where it is asked for", async () => {
  const told = await data("moving-shapes", "--clips", "3", "--frames", "8");
  expect(told.out).toMatch(
    /^captions: 3, \d of them different, of 5 words, such as ".*"\nclips of 8 frames of 64x64, frames as they come: 3\n$/,
  );
  const file = join(temporary(), "small.safetensors");
  expect((await data("moving-shapes", "--clips", "2", "--size", "16x16", "-o", file)).code).toBe(0);
  const sheet = await data("moving-shapes", "--clips", "15", "-o", join(temporary(), "sheet.png"));
  const captions = [...movingShapes(15, 0, { combinations: "seen" })]
    .filter((_, i) => i % 2 === 0)
    .map(({ caption }) => JSON.stringify(caption));
  expect(sheet.out).toContain(`sheet.png: ${captions.join(", ")}\n`);
  const size = { frames: 16, height: 16, width: 16 };
  const [set, direct] = [await openDataset(file, size), await openDataset("moving-shapes", size, { clips: 2 })];
  expect(await set.clip(1)).toEqual(await direct.clip(1));
});

test("what is wrong with the call is one error", async () => {
  const folder = films();
  const refused = async (...args: string[]) => (await data(...args)).err;
  expect(await refused(folder, "-o", join(folder, "x.png"))).toContain(
    `error data-invalid\n  ${folder}: 1 caption is of a file that is not there, such as none.gif (line 5 of meta.csv)\n`,
  );
  expect(await refused("none")).toContain("none: there is no such file or folder");
  expect(await refused("moving-shapes", "--fps", "8")).toContain("--fps must be left out with moving-shapes");
  expect(await refused(folder, "--stride", "0")).toContain("--stride must be a whole number from 1 to 1000000, found 0");
  expect(await refused("moving-shapes", "--frames", "0")).toContain("--frames must be 1 to 65536 at 64x64, found 0");
  expect((await data(folder, "--size", "0x8")).code).toBe(2);
  expect((await data(folder, "--short", "stretch")).code).toBe(2);
  const file = join(folder, "clips.safetensors");
  expect((await data("moving-shapes", "--clips", "1", "-o", file)).code).toBe(0);
  expect(await refused(file, "-o", file)).toContain("it is read");
});
