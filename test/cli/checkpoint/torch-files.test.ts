// Files that PyTorch 1.13 and 2.13 wrote, as golden/reference/make_checkpoints.py had them: every tensor is PyTorch's, byte for byte.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type OpenOptions, openCheckpoint } from "../../../cli/checkpoint/open-checkpoint.ts";
import { op, pickle, tensor, torchFile } from "./hand-made.ts";
import { bytesOf, readAll, refusal, write } from "./written.ts";

interface Expected {
  readonly [file: string]: { readonly [key: string]: { readonly dtype: string; readonly shape: readonly number[]; readonly hex: string } };
}
const folder = "golden/checkpoints";
const root = mkdtempSync(join(tmpdir(), "mvc-torch-"));
const at = (name: string) => join(root, name);
const expected: Expected = Object.assign(
  {},
  ...["1.13", "2.13"].map((version) => JSON.parse(readFileSync(`${folder}/expected-${version}.json`, "utf8"))),
);
afterAll(() => rmSync(root, { recursive: true }));

async function described(path: string, options?: OpenOptions) {
  const checkpoint = await openCheckpoint(path, options);
  const tensors = [...checkpoint.tensors].map(([key, { dtype, shape }]) => {
    return [key, { dtype, shape, hex: bytesOf(checkpoint, key).toString("hex") }] as const;
  });
  checkpoint.close();
  return { tensors: Object.fromEntries(tensors), notes: checkpoint.notes };
}

test.each(Object.keys(expected))("%s", async (name) => {
  const [file = "", averaged] = name.split(" ");
  expect((await described(`${folder}/${file}`, { ema: averaged !== undefined })).tensors).toEqual(expected[name]);
});

test("what else Lightning keeps is neither run nor in the way, and said", async () => {
  const file = `${folder}/lightning-2.13.pt`;
  const { notes } = await described(file);
  expect(notes).toEqual([
    `the tensors are those of "state_dict" in ${file}; beside it lies what was not read: epoch, global_step, pytorch-lightning_version, callbacks, optimizer_states, lr_schedulers and 1 more`,
    expect.stringMatching(/^golden.* holds Python objects, which were not made: pathlib.PurePosixPath, latent\.config\.Config/),
    `${file} holds averaged weights (EMA) beside the plain ones: the plain ones were read; \`--ema\` reads the averaged ones`,
  ]);
  expect((await described(file, { ema: true })).notes.at(-1)).toBe(
    `of ${file} the averaged weights (EMA) were read: 2 tensors, under the keys of the plain ones`,
  );
  expect(await refusal(`${folder}/kinds-2.13.pt`, { ema: true })).toMatch(/^checkpoint-averages: .*\| leave `--ema` out/);
});

test.each([
  ["raw", "checkpoint-kind: FILE is a PyTorch checkpoint of before 1.6 (raw pickles)", "save it again with PyTorch 1.6"],
  ["sparse", 'checkpoint-tensor: "s" of FILE is made by torch._utils._rebuild_sparse_tensor', "dense tensor"],
  ["quantised", 'checkpoint-tensor: "q" of FILE is made by torch._utils._rebuild_qtensor', "dense tensor"],
  ["complex", 'checkpoint-tensor: "c" of FILE is Complex', "dense tensor"],
])("refused by name: %s", async (name, said, way) => {
  for (const version of ["1.13", "2.13"]) {
    const file = `${folder}/${name}-${version}.pt`;
    const refused = await refusal(file);
    expect(refused).toContain(said.replace("FILE", file));
    expect(refused).toContain(way);
  }
});

test("float8 is refused by name, where it is a tensor of the model", async () => {
  expect(await refusal(`${folder}/float8-2.13.pt`)).toMatch(/^weights-float8: .*"blocks\.0\.weight" is float8_e4m3fn/);
});

const six = tensor(op.storage("FloatStorage", "0", op.int(6)), op.int(0), [op.int(2), op.int(3)], [op.int(3), op.int(1)]);
const last = tensor(op.storage("FloatStorage", "0", op.int(6)), op.int(5), [op.int(1)], [op.int(1)]);
const named = (...entries: readonly (readonly [string, Buffer])[]) =>
  op.dict(...entries.map(([key, value]) => [op.text(key), value] as const));
const made = (value: Buffer, options = {}) => {
  write(at("made.ckpt"), torchFile(pickle(value), options));
  return at("made.ckpt");
};

test("archives over 4 GiB write their numbers elsewhere; compressed ones are unpacked", async () => {
  for (const options of [{}, { zip64: true }, { deflated: true }]) {
    const { tensors } = await readAll(made(named(["w", six], ["v", last]), options));
    expect(tensors).toEqual({ w: [0, 1, 2, 3, 4, 5], v: [5] });
  }
});

test.each<[string, Buffer, { [key: string]: number[] }, string]>([
  [
    "model",
    named(["model", named(["a", last])], ["opt", named(["a", six])]),
    { a: [5] },
    '"model" in FILE; beside it lies what was not read: opt',
  ],
  ["model within state_dict", named(["state_dict", named(["model", named(["a", last])])]), { a: [5] }, '"model" in FILE'],
  [
    "ema alone",
    named(["ema", named(["a", last])], ["step", op.int(3)]),
    { a: [5] },
    '"ema" in FILE; beside it lies what was not read: step',
  ],
  ["params beside params_ema", named(["params_ema", named(["a", six])], ["params", named(["a", last])]), { a: [5] }, "`--ema` reads"],
  ["the dict itself", named(["a", last], ["note", op.text("x")]), { a: [5] }, "1 value among its tensors that are none: note"],
  [
    "parts",
    named(["encoder", named(["a", last])], ["decoder", named(["a", six])]),
    { "encoder/a": [5], "decoder/a": [0, 1, 2, 3, 4, 5] },
    '"encoder", "decoder"',
  ],
  [
    "wrapped twice",
    named(["module._orig_mod.a", last], ["module._orig_mod.b", last]),
    { a: [5], b: [5] },
    "all keys of FILE begin with module., which",
  ],
  ["Python 2's keys", op.dict([Buffer.from("U\x01a"), last]), { a: [5] }, ""],
])("a state dict in: %s", async (_, value, tensors, note) => {
  const file = made(value);
  const read = await readAll(file);
  expect(read.tensors).toEqual(tensors);
  expect(read.notes.join("\n")).toContain(note.replace("FILE", file));
});

test("the averaged dict in place of the plain one", async () => {
  const both = named(["model", named(["a", last])], ["ema", named(["a", six])]);
  expect((await readAll(made(both), { ema: true })).tensors).toEqual({ a: [0, 1, 2, 3, 4, 5] });
});

test("a whole model, or a program: its tensors, and that its code was not read", async () => {
  const [module, script] = [`${folder}/module-2.13.pt`, `${folder}/script-2.13.pt`];
  expect((await described(module)).notes[0]).toBe(
    `${module} holds a whole model (torch.nn.modules.container.Sequential): its tensors were read, and its code was not`,
  );
  expect((await described(script)).notes[0]).toContain("holds a whole model (__torch__.torch.nn.modules.container.");
  const { notes } = await described(`${folder}/modules-2.13.pt`);
  expect(notes.join("\n")).toMatch(/averaged weights \(EMA\).*\n.*those of "model".*: ema, args\n.*a whole model/);
});

test("no tensors by name: what is there instead", async () => {
  expect(await refusal(made(op.call(op.global("lib", "Config"))))).toContain(
    "a Python object (lib.Config) without tensors that can be found",
  );
  expect(await refusal(made(six))).toContain("a file of torch.save that holds a lone tensor, not a dict");
  expect(await refusal(made(op.list(six)))).toContain("that holds a list, not a dict");
  expect(await refusal(made(named(["epoch", op.int(3)])))).toContain("a file of torch.save without tensors by name (epoch)");
});
