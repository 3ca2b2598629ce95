// Commands that are killed or hung up on at any moment: what stands in their place is the old or the new, whole, and the next run leaves nothing of the last.
// `MOMENTS=20 npx vitest run test/cli/interruption.test.ts` tries as many moments of each, spread over the whole run.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, type Dirent, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filesBelow, mvc, mvcAlone, temporaryFolder, tinyModel } from "./mvc.ts";

const moments = Number(process.env.MOMENTS ?? 2);
const folder = temporaryFolder();
const place = join(folder, "place");
const older = join(folder, "older");
const model = join(folder, "model.mv");
const sampled = join(folder, "mini");
const entry = resolve("dist/cli/mvc.js");

/** Its weights take a second to make, so that some moments fall into their writing. */
const wide = tinyModel.replace(
  "conv2d(4, kernel: 3) as conv",
  "conv2d(512, kernel: 3) as a |> conv2d(512, kernel: 3) as b |> conv2d(4, kernel: 3) as c",
);

beforeAll(async () => {
  writeFileSync(model, wide);
  for (const args of [
    ["build", model, "--init", "0", "-o", older],
    ["build", "models/magicvideo.mv", "--preset", "Mini", "--set", "F=4", "--init", "0", "--target", "onnx", "-o", sampled],
  ])
    expect((await mvc(args)).code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Every file of the place with its hash, but what is temporary. */
function contents(): ReadonlyMap<string, string> {
  return new Map(
    filesBelow(place)
      .filter((file) => !file.includes(".mvc-"))
      .map((file) => [
        file,
        createHash("sha256")
          .update(readFileSync(join(place, file)))
          .digest("hex"),
      ]),
  );
}

/** Temporary files and folders. A command that runs may remove a folder as soon as it is seen here. */
function leftovers(folder = place): readonly string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name.startsWith(".mvc-")) return [path];
    return entry.isDirectory() ? leftovers(path) : [];
  });
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

const start = (args: readonly string[]) => spawn(process.execPath, [entry, ...args], { stdio: "ignore" });
const ended = (child: ChildProcess) =>
  new Promise<string | number | null>((done) => child.on("exit", (code, signal) => done(signal ?? code)));
const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

interface Kind {
  readonly args: readonly string[];
  /** What is there before; the place is empty where nothing is. */
  readonly before?: () => void;
  /** What is run there afterwards, where it is not the same again. */
  readonly next?: readonly string[];
}

const output = join(place, "out");
const kinds: { readonly [name: string]: Kind } = {
  "build to a free place": { args: ["build", model, "--init", "1", "-o", output] },
  "build over an older package": {
    args: ["build", model, "--init", "1", "-o", output],
    before: () => {
      cpSync(older, output, { recursive: true });
      writeFileSync(join(output, "mine.txt"), "mine");
    },
  },
  "sample over an older clip": {
    args: ["sample", sampled, "a red circle moves right", "--steps", "1", "-o", `${output}.gif`],
    before: () => writeFileSync(`${output}.gif`, "older"),
    next: ["data", "moving-shapes", "--clips", "1", "-o", join(place, "other")],
  },
  "import over older weights": {
    args: ["import", older, model, "-o", `${output}.safetensors`],
    before: () => writeFileSync(`${output}.safetensors`, "older"),
  },
  data: { args: ["data", "moving-shapes", "--clips", "60", "-o", output] },
};

function prepare({ before }: Kind): void {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  before?.();
}

/** When a command that takes `time` is struck: the first half anywhere in it, the second so long after its writing has begun. */
function momentsOf(time: number): readonly (() => Promise<unknown>)[] {
  const half = Math.ceil(moments / 2);
  const anywhere = Array.from({ length: half }, (_, i) => () => pause((time * (i + 0.5)) / half));
  const writing = Array.from({ length: moments - half }, (_, i) => async () => {
    // The trial before the work is over by then.
    await pause(time / 4);
    const until = performance.now() + 4 * time;
    while (!leftovers().some((file) => file.includes(".part")) && performance.now() < until) await pause(1);
    await pause(4 * i);
  });
  return [...anywhere, ...writing];
}

/** As soon as the trial before the work has made something, which is there for a millisecond: nothing else runs here until then. */
async function atTrial(): Promise<void> {
  const until = performance.now() + 5000;
  while (leftovers().length === 0 && performance.now() < until);
}

describe.each(Object.entries(kinds))("%s", (name, kind) => {
  test(`SIGKILL and SIGHUP at ${moments} moments each`, { timeout: 60_000 * Math.max(1, moments) }, async () => {
    prepare(kind);
    const before = contents();
    const started = performance.now();
    expect(await ended(start(kind.args))).toBe(0);
    const time = performance.now() - started;
    const after = contents();
    const counts: { [outcome: string]: number } = {};
    for (const signal of ["SIGKILL", "SIGHUP"] as const) {
      for (const moment of [...(signal === "SIGHUP" ? [atTrial] : []), ...momentsOf(time)]) {
        prepare(kind);
        const child = start(kind.args);
        const end = ended(child);
        await moment();
        child.kill(signal);
        const outcome = await end;
        const found = contents();
        const left = leftovers().length > 0;
        expect([before, after]).toContainEqual(found);
        if (signal === "SIGHUP") expect([left, [0, 130, "SIGHUP"].includes(outcome ?? "")]).toEqual([false, true]);
        if (found.size > 0 && name.startsWith("build")) expect(existsSync(join(output, "manifest.json"))).toBe(true);
        const key = `${signal}: ${found.size === after.size && [...after].every(([file, hash]) => found.get(file) === hash) ? "new" : "old"}${left ? ", leftovers" : ""}`;
        counts[key] = (counts[key] ?? 0) + 1;
        expect((await mvc(kind.next ?? kind.args)).code).toBe(0);
        expect(leftovers()).toEqual([]);
        if (kind.next === undefined) expect(contents()).toEqual(after);
      }
    }
    if (process.env.MOMENTS !== undefined) process.stdout.write(`${name} (${(time / 1000).toFixed(1)} s): ${JSON.stringify(counts)}\n`);
  });
});

/** A run that is in the middle of its writing, and stays there: its reader of clips is stopped. */
async function stopped(): Promise<ChildProcess> {
  const child = start(["data", "moving-shapes", "--clips", "600", "-o", output]);
  while (!leftovers().some((file) => file.endsWith(".part"))) await pause(2);
  // The trial before the work makes a part, too, for a moment; the second one stays.
  await pause(500);
  while (!leftovers().some((file) => file.endsWith(".part"))) await pause(2);
  child.kill("SIGSTOP");
  return child;
}

test("what a process that lives is writing is not touched, be it stopped; once it has died it is swept", async () => {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  const child = await stopped();
  const parts = leftovers();
  const other = ["data", "moving-shapes", "--clips", "1", "-o", join(place, "other")];
  expect((await mvcAlone(other)).code).toBe(0);
  expect(leftovers()).toEqual(parts);
  const end = ended(child);
  child.kill("SIGKILL");
  await end;
  expect(leftovers()).toEqual(parts);
  expect((await mvcAlone(other)).code).toBe(0);
  expect(readdirSync(place)).toEqual(["other"]);
});

test("names alone do not say that a process has died: a lock that is listened on stays, and so do files of others", async () => {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  const live = createServer();
  await new Promise<void>((done) => live.listen(join(place, ".mvc-0123456789abcdef.lock"), done));
  writeFileSync(join(place, ".mvc-0123456789abcdef.part"), "being written");
  writeFileSync(join(place, ".mvc-notes.part"), "somebody's");
  writeFileSync(join(place, `out.partial-${process.pid}`), "somebody's");
  const before = readdirSync(place);
  expect((await mvc(["data", "moving-shapes", "--clips", "1", "-o", output])).code).toBe(0);
  expect(readdirSync(place)).toEqual([...before, "out"].sort());
  live.close();
});

/** strace kills the process at its nth renaming, which no clock would meet. */
async function killedBetweenRenamings(): Promise<void> {
  const kind = kinds["build over an older package"] as Kind;
  prepare(kind);
  expect(await ended(start(kind.args))).toBe(0);
  const after = contents();
  for (let nth = 1; nth <= 9; nth++) {
    prepare(kind);
    const inject = ["-f", "-o", "/dev/null", "-e", "trace=rename", "-e", `inject=rename:signal=KILL:when=${nth}`];
    spawnSync("strace", [...inject, process.execPath, entry, ...kind.args]);
    expect(readFileSync(join(output, "mine.txt"), "utf8")).toBe("mine");
    const killed = leftovers().length > 0;
    process.stdout.write(`killed at renaming ${nth}: ${killed}, ${leftovers().length} left\n`);
    // Another model: what was cut off is finished first, and then replaced.
    expect(await ended(start(kind.args))).toBe(0);
    expect(contents()).toEqual(after);
    expect(leftovers()).toEqual([]);
  }
}
if (process.env.MOMENTS !== undefined && spawnSync("strace", ["-V"]).status === 0)
  test("build over an older package, killed between any two files that it moves", { timeout: 600_000 }, killedBetweenRenamings);
