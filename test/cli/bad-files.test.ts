// Files that a command reads and that are no files, too large, not text, or elsewhere; and readers of its output that go away.

import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filesBelow, mvc, temporaryFolder, tinyModel } from "./mvc.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const written = (name: string, text: string | Uint8Array) => {
  writeFileSync(at(name), text);
  return at(name);
};
/** "// café" as Latin-1 has it. */
const latin1 = Buffer.concat([Buffer.from("dim B = 1;\n// caf"), Buffer.from([0xe9, 0x0a])]);

beforeAll(() => {
  written("tiny.mv", tinyModel);
  written("latin1.mv", latin1);
  execFileSync("mkfifo", [at("pipe.mv")]);
  written("large.mv", "");
  truncateSync(at("large.mv"), 2 ** 40);
  mkdirSync(at("folder.mv"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("models", () => {
  test.each<[string, string, string]>([
    ["a device", "/dev/zero", "it is a device, not a file"],
    ["a pipe", "pipe.mv", "it is a pipe, not a file"],
    ["a folder", "folder.mv", "it is a folder, not a file"],
    ["a terabyte", "large.mv", "has more than the 1048576 bytes"],
    ["Latin-1", "latin1.mv", "is not UTF-8: line 2"],
  ])("%s: as the model, and imported", async (_, name, text) => {
    const path = name.startsWith("/") ? name : at(name);
    const importing = written(
      "importing.mv",
      `import { B } from "${name.startsWith("/") ? "../..".concat(name) : `./${name}`}";\ndim C = B;\n`,
    );
    for (const args of [
      ["check", path],
      ["check", importing],
      ["build", path, "-o", at("out")],
      ["format", path],
    ]) {
      const { code, out, err } = await mvc(args);
      expect([args, code, out, err]).toEqual([args, 1, "", expect.stringContaining(text)]);
      expect(err).not.toMatch(/^\s+at /m);
    }
    expect(filesBelow(folder).filter((file) => file.startsWith("out"))).toEqual([]);
  });

  test("format leaves a file that is not UTF-8 as it is", async () => {
    await mvc(["format", at("latin1.mv")]);
    expect(readFileSync(at("latin1.mv")).equals(latin1)).toBe(true);
  });
});

describe("other files", () => {
  test.each<[string, readonly string[]]>([
    ["limits", ["--limits"]],
    ["weights", ["--weights"]],
  ])("%s", async (_, option) => {
    for (const [path, text] of [
      [at("pipe.mv"), "it is a pipe"],
      ["/dev/zero", "it is a device"],
      [at("none"), "there is no file"],
      ["", 'there is no file ""'],
    ] as const) {
      const { code, err } = await mvc(["build", at("tiny.mv"), ...option, path, "-o", at("out")]);
      expect([path, code, err]).toEqual([path, 1, expect.stringContaining(text)]);
    }
  });

  test("inputs, and files of a package", async () => {
    const pack = at("package");
    expect((await mvc(["build", at("tiny.mv"), "--init", "0", "-o", pack])).code).toBe(0);
    const run = () => mvc(["run", pack, "run", "--inputs", join(pack, "weights.safetensors"), "--backend", "reference", "-o", at("out")]);
    expect(await mvc(["run", pack, "run", "--inputs", at("pipe.mv"), "-o", at("out")])).toMatchObject({
      code: 1,
      err: expect.stringContaining("it is a pipe"),
    });
    rmSync(join(pack, "graphs/run.json"));
    execFileSync("mkfifo", [join(pack, "graphs/run.json")]);
    expect((await run()).err).toContain("it is a pipe");
    truncateSync(join(pack, "manifest.json"), 2 ** 40);
    expect((await run()).err).toContain("has more than the");
  });
});

describe("tokenizers", () => {
  const home = at("home");
  beforeAll(() => {
    mkdirSync(join(home, "below"), { recursive: true });
    copyFileSync("models/mini.tokenizer.json", at("outside.json"));
    copyFileSync("models/mini.tokenizer.json", join(home, "below/inside.json"));
    symlinkSync(at("outside.json"), join(home, "link.json"));
    symlinkSync("below/inside.json", join(home, "inner.json"));
    execFileSync("mkfifo", [join(home, "pipe.json")]);
  });
  const named = (file: string) => {
    const text = tinyModel.replace(
      "  graph run",
      `  tokenizer { file: ${JSON.stringify(file)}, pad: "<pad>" }\n  graph encodeText(tokens: Tensor<i32, [B, 4]>): Tensor<float, [B, 4, 8]> {\n    return embedding(tokens, 32, 8) as table;\n  }\n  graph run`,
    );
    writeFileSync(join(home, "model.mv"), text);
    return mvc(["build", join(home, "model.mv"), "-o", at("with-tokenizer")]);
  };

  test.each<[string, string]>([
    ["../outside.json", "climbs out of it"],
    ["below/../../outside.json", "climbs out of it"],
    [at("outside.json"), "is an absolute path"],
    ["/etc/passwd", "is an absolute path"],
    ["link.json", "is reached by a link that leads to"],
    ["pipe.json", "it is a pipe, not a file"],
  ])("%s is refused at its place", async (file, text) => {
    const { code, err } = await named(file);
    expect(err).toContain("error tokenizer-file");
    expect(err).toContain(":3:21\n");
    expect(err).toContain(text);
    expect([code, filesBelow(folder).filter((found) => found.startsWith("with-tokenizer"))]).toEqual([1, []]);
  });

  test.each(["below/inside.json", "./below/../inner.json"])("%s is taken", async (file) => {
    expect(await named(file)).toMatchObject({ code: 0, err: "note no condition comes from text, so the tokenizer is not used\n" });
    expect(readFileSync(at("with-tokenizer/tokenizer.json")).equals(readFileSync("models/mini.tokenizer.json"))).toBe(true);
    rmSync(at("with-tokenizer"), { recursive: true });
  });
});

describe("a reader that closes the pipe", () => {
  /** The exit code and standard error of a command whose standard output, or whose both outputs, nobody reads. */
  function unread(args: readonly string[], both = ""): Promise<{ code: number | null; err: string }> {
    const command = `"$@" ${both} | true; exit \${PIPESTATUS[0]}`;
    const child = spawn("bash", ["-c", command, "sh", process.execPath, resolve("dist/cli/mvc.js"), ...args]);
    let err = "";
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    return new Promise((done) => child.on("close", (code) => done({ code, err })));
  }

  test("does not turn a failed check into a success, and a success stays one", async () => {
    const bad = written("bad.mv", "const a = b;\n");
    expect(await unread(["check", bad, "--json"])).toEqual({ code: 1, err: "" });
    expect(await unread(["check", bad], "2>&1")).toEqual({ code: 1, err: "" });
    expect((await unread(["check", bad])).err).toContain("unknown-name");
    expect(await unread(["check", at("tiny.mv")])).toEqual({ code: 0, err: "" });
    expect(await unread(["report", at("tiny.mv"), "--json"])).toEqual({ code: 0, err: "" });
  });

  test("an output that takes nothing more is an error", async () => {
    const full = spawn("sh", ["-c", '"$@" > /dev/full', "sh", process.execPath, resolve("dist/cli/mvc.js"), "check", at("tiny.mv")]);
    let err = "";
    full.stderr.on("data", (chunk) => {
      err += chunk;
    });
    const code = await new Promise((done) => full.on("close", done));
    expect([code, err]).toEqual([1, expect.stringContaining("standard output was not written: the disk is full")]);
    expect(err).not.toMatch(/^\s+at /m);
  });
});
