// Where outputs may go and where not: each kind of path is tried before the work, by `build` and by a command that writes one file.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { filesBelow, mvc, mvcAlone, type Outcome, temporaryFolder, tinyModel } from "./mvc.ts";

const folder = temporaryFolder();
const model = join(folder, "tiny.mv");
const entry = resolve("dist/cli/mvc.js");
const tiny = join(folder, "tiny");
const place = join(folder, "place");
const at = (name: string) => (name === "" || name.startsWith("/") ? name : `${place}/${name}`);
const socket = createServer();
const clips = join(folder, "clips.safetensors");

beforeAll(async () => {
  writeFileSync(model, tinyModel);
  expect((await build(tiny)).code).toBe(0);
  expect((await data(clips)).code).toBe(0);
});
afterAll(() => {
  socket.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What users have: none of it may be lost. */
beforeEach(async () => {
  socket.close();
  rmSync(place, { recursive: true, force: true });
  for (const name of ["other", "app", "extension", "broken", "newer", "empty"]) mkdirSync(at(name), { recursive: true });
  writeFileSync(at("other/thesis.txt"), "years of work");
  writeFileSync(at("app/manifest.json"), '{"name":"app","icons":[]}');
  writeFileSync(at("app/index.html"), "<p>");
  writeFileSync(at("extension/manifest.json"), '{"manifest_version":3,"format":"zip","graphs":{}}');
  writeFileSync(at("broken/manifest.json"), '{"format":"mvc-pack');
  writeFileSync(at("newer/manifest.json"), '{"format":"mvc-package","formatVersion":9,"graphs":{}}');
  writeFileSync(at("file"), "older");
  symlinkSync("file", at("to-file"));
  symlinkSync("other", at("to-folder"));
  symlinkSync("nowhere", at("to-nothing"));
  symlinkSync(tiny, at("to-package"));
  symlinkSync("circle", at("circle"));
  execFileSync("mkfifo", [at("pipe")]);
  await new Promise<void>((done) => socket.listen(at("socket"), done));
});

const build = (output: string) => mvc(["build", model, "-o", output]);
/** A process of its own: what it writes to may keep it waiting. */
const data = (output: string, count = 1) => mvcAlone(["data", "moving-shapes", "--clips", String(count), "-o", output]);

/** Everything in the place: kinds, targets of links, contents. */
function inventory(): readonly string[] {
  return filesBelow(place).map((file) => {
    const found = lstatSync(at(file));
    return `${file} ${found.mode} ${found.isFile() ? readFileSync(at(file), "utf8").slice(0, 100) : ""}`;
  });
}

function expectRefused({ code, out, err }: Outcome, text: string): void {
  expect(err).toContain(text);
  expect(err).toMatch(/^error (output-refused|write-failed|option-invalid|disk-full)\n {2}\S.*\n {2}hint: /);
  expect(err.match(/^error /gm)?.length).toBe(1);
  expect([code, out]).toEqual([1, ""]);
}

const long = "n".repeat(300);

describe("a package is refused, before the model is read", () => {
  test.each<[string, string, string]>([
    ["a folder of other files", "other", "holds thesis.txt, but no manifest.json"],
    ["a web app", "app", 'a manifest.json without `"format": "mvc-package"`'],
    ["a browser extension", "extension", 'a manifest.json without `"format": "mvc-package"`'],
    ["a manifest that is cut off", "broken", "cannot be read as JSON"],
    ["a package of a newer version", "newer", "format version 9"],
    ["a link to a folder", "to-folder", "a link to other"],
    ["a link to a folder, with a slash", "to-folder/", "a link to other"],
    ["a link to a package", "to-package", `a link to ${tiny}`],
    ["a link to nothing", "to-nothing", "a link to nowhere"],
    ["a link to itself", "circle", "a link to circle"],
    ["a file", "file", "it is a file, not a folder"],
    ["a path inside a file", "file/package", "a part of the path is a file"],
    ["a pipe", "pipe", "it is a pipe"],
    ["a socket", "socket", "it is a socket"],
    ["a device", "/dev/null", "it is a device"],
    ["a folder of the kernel", "/proc/package", "does not exist, or takes no files"],
    ["a name that is too long", long, "the name is too long"],
    ["an empty path", "", "must be a path, found nothing"],
    ["the root", "/", "but no manifest.json"],
  ])("%s", async (_, output, text) => {
    const before = inventory();
    // A model that is not there: what is said first is what is tried first.
    const refused = output === "other" ? mvcAlone : mvc;
    expectRefused(await refused(["build", join(folder, "none.mv"), "-o", at(output)]), text);
    expect(inventory()).toEqual(before);
  });
});

describe("a package is written", () => {
  test("to an empty folder, with a slash, and below folders that are not there", async () => {
    for (const output of ["empty/", "new/deep/package"]) {
      expect(await build(at(output))).toMatchObject({ code: 0, err: "" });
      expect(filesBelow(at(output)).sort()).toEqual(filesBelow(tiny).sort());
    }
  });

  test("over an older one: what no build wrote stays, and all is said", async () => {
    const output = at("mine");
    cpSync(tiny, output, { recursive: true });
    const own = { "clip.gif": "clip", "own.onnx": "own", "notes/a.txt": "a", "tuning.json": "{}" };
    mkdirSync(join(output, "notes"));
    for (const [file, text] of Object.entries(own)) writeFileSync(join(output, file), text);
    const { ino } = statSync(output);
    const { code, out } = await mvc(["build", model, "--target", "webgpu", "-o", output]);
    expect(code).toBe(0);
    expect(out).toContain("replaced of the package that was there: manifest.json, bindings.ts, graphs/ (1 file), webgpu/ (2 files)\n");
    expect(out).toContain("removed of the package that was there: run.onnx\n");
    expect(out.split("kept, as no build wrote them: ")[1]?.trim().split(", ").sort()).toEqual(Object.keys(own).sort());
    for (const [file, text] of Object.entries(own)) expect(readFileSync(join(output, file), "utf8")).toBe(text);
    // The folder is the same one, which may be a shell's or a mount.
    expect(statSync(output).ino).toBe(ino);
  });

  test("over one of format version 2, whose graphs lay in a folder of their own", async () => {
    const output = at("mine");
    cpSync(tiny, output, { recursive: true });
    mkdirSync(join(output, "onnx"));
    renameSync(join(output, "run.onnx"), join(output, "onnx/run.onnx"));
    const manifest = readFileSync(join(output, "manifest.json"), "utf8");
    writeFileSync(
      join(output, "manifest.json"),
      manifest.replace('"formatVersion": 4', '"formatVersion": 2').replace("run.onnx", "onnx/run.onnx"),
    );
    const { code, out } = await mvc(["build", model, "-o", output]);
    expect(code).toBe(0);
    expect(out).toContain("removed of the package that was there: onnx/ (1 file)\n");
    expect(filesBelow(output).sort()).toEqual(filesBelow(tiny).sort());
    expect(existsSync(join(output, "onnx"))).toBe(false);
  });

  test.each<[string, (output: string) => void, string]>([
    [
      "weights that a build without weights did not write",
      (output) => writeFileSync(join(output, "weights.safetensors"), "trained for a week"),
      "weights.safetensors in it is a file",
    ],
    [
      "a link in the place of a file",
      (output) => {
        rmSync(join(output, "bindings.ts"));
        symlinkSync(at("file"), join(output, "bindings.ts"));
      },
      "bindings.ts in it is a link",
    ],
    [
      "a link in the place of a folder",
      (output) => {
        rmSync(join(output, "graphs"), { recursive: true });
        symlinkSync(at("other"), join(output, "graphs"));
      },
      "graphs in it is a link",
    ],
  ])("but not over %s", async (_, change, text) => {
    const output = at("mine");
    cpSync(tiny, output, { recursive: true });
    change(output);
    const before = inventory();
    expectRefused(await mvc(["build", model, "--init", "0", "-o", output]), text);
    expect(inventory()).toEqual(before);
  });
});

describe("a file is refused, before the work", () => {
  test.each<[string, string, string]>([
    ["a folder", "other", "it is a folder"],
    ["a folder that is not there, by its slash", "new/", "the path names a folder"],
    ["a link to a folder", "to-folder", "it is a folder"],
    ["a link to nothing", "to-nothing", "a link to nowhere, which does not exist"],
    ["a link to itself", "circle", "circle"],
    ["a missing folder", "no/such.safetensors", "does not exist"],
    ["a path inside a file", "file/x", "a part of the path is a file"],
    ["a socket", "socket", "it is a socket"],
    ["a device that is full", "/dev/full", "the disk is full"],
    ["a folder of the kernel", "/proc/x", "does not exist, or takes no files"],
    ["a name that is too long", long, "the name is too long"],
    ["an empty path", "", "must be a path, found nothing"],
  ])("%s", async (_, output, text) => {
    const before = inventory();
    // The inputs are not there: what is said first is what is tried first.
    const refused = output === "other" ? mvcAlone : mvc;
    expectRefused(await refused(["run", tiny, "run", "--inputs", join(folder, "none"), "-o", at(output)]), text);
    expect(inventory()).toEqual(before);
  });

  test("a hyphen, by each command", async () => {
    for (const args of [
      ["data", "moving-shapes", "--clips", "1"],
      ["sample", tiny, "x"],
      ["build", model],
    ])
      expectRefused(await mvcAlone([...args, "-o", "-"]), "/dev/stdout is standard output, ./- a file of that name");
  });

  test("more than a file may have", () => {
    const limited = spawnSync("sh", [
      "-c",
      `ulimit -f 100; exec "$0" "$@"`,
      process.execPath,
      entry,
      "data",
      "moving-shapes",
      "--clips",
      "9",
      "-o",
      at("large"),
    ]);
    expect(limited.stderr.toString()).toContain("larger than a file may be here");
    expect([limited.status, existsSync(at("large"))]).toEqual([1, false]);
  });

  /** Root may write anywhere: the command is run as a user who may not. */
  const asNobody = (...args: readonly string[]) =>
    spawnSync(process.execPath, [entry, ...args], { uid: 65534, gid: 65534, encoding: "utf8" });
  test.runIf(process.getuid?.() === 0 && asNobody("--version").status === 0)(
    "without permission: another user's folder, and another user's file",
    () => {
      chmodSync(folder, 0o755);
      chmodSync(at("other"), 0o777);
      writeFileSync(at("other/kept"), "older", { mode: 0o644 });
      const before = inventory();
      for (const output of ["x", "other/kept"]) {
        const { status, stderr } = asNobody("run", tiny, "run", "--inputs", "none", "-o", at(output));
        expect([status, stderr]).toEqual([1, expect.stringContaining("permission is denied")]);
      }
      const { status, stderr } = asNobody("build", "none.mv", "-o", at("new"));
      expect([status, stderr]).toEqual([1, expect.stringContaining("permission is denied")]);
      expect(inventory()).toEqual(before);
    },
  );
});

describe("a file is written", () => {
  const expected = () => readFileSync(clips);

  test("over a file, whose mode it keeps; and through a link, which stays", async () => {
    chmodSync(at("file"), 0o600);
    expect((await data(at("to-file"))).code).toBe(0);
    expect(lstatSync(at("to-file")).isSymbolicLink()).toBe(true);
    expect(readFileSync(at("file")).equals(expected())).toBe(true);
    expect(statSync(at("file")).mode & 0o777).toBe(0o600);
  });

  test("to devices, which stay", async () => {
    expect(await data("/dev/null")).toMatchObject({ code: 0, err: "" });
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  test("to standard output, and nothing else with it", async () => {
    for (const path of ["/dev/stdout", "/dev/fd/1"]) {
      // Node gives a socket here, a shell a pipe or a file.
      const piped = spawnSync(process.execPath, [entry, "data", "moving-shapes", "--clips", "1", "-o", path]);
      expect(piped.stdout.equals(expected())).toBe(true);
      expect(piped.stderr.toString()).toContain("1 clips");
    }
    execFileSync("sh", ["-c", `"$0" "$1" data moving-shapes --clips 1 -o /dev/stdout >> "$2"`, process.execPath, entry, at("file")], {
      stdio: "pipe",
    });
    expect(readFileSync(at("file")).equals(Buffer.concat([Buffer.from("older"), expected()]))).toBe(true);
  });

  test("to a pipe: waits for a reader, and for one that is slow; a reader that leaves is an error", async () => {
    const reader = spawn("sh", ["-c", `sleep 0.5; (sleep 0.2; cat) < ${at("pipe")} > ${at("got")}`]);
    const ended = new Promise((done) => reader.on("close", done));
    expect(await data(at("pipe"))).toMatchObject({ code: 0, err: "" });
    await ended;
    expect(readFileSync(at("got")).equals(expected())).toBe(true);
    expect(lstatSync(at("pipe")).isFIFO()).toBe(true);
    spawn("sh", ["-c", `head -c 10 < ${at("pipe")}`]);
    const { code, err } = await data(at("pipe"), 9);
    expect([code, err]).toEqual([1, expect.stringContaining("its reader has closed it")]);
  });
});
