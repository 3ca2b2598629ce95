// Checkpoints made to harm: what would run code is refused by its name, what does not fit its file is refused by its numbers, and neither takes memory or time.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { op, pickle, tensor, torchFile, zip } from "./hand-made.ts";
import { readAll, refusal, write } from "./written.ts";

const root = mkdtempSync(join(tmpdir(), "mvc-hostile-"));
const path = join(root, "model.ckpt");
afterAll(() => rmSync(root, { recursive: true }));

const command = op.text("touch /tmp/mvc-was-here");
const storage = (count: number | bigint, key = "0", type = "FloatStorage") => op.storage(type, key, op.int(count));
const good = tensor(storage(6), op.int(0), [op.int(6)], [op.int(1)]);
/** Beside a sound tensor, where training code keeps what is not read. */
const beside = (value: Buffer) =>
  pickle(op.dict([op.text("state_dict"), op.dict([op.text("w"), good])], [op.text("hyper_parameters"), value]));
const refused = (data: Buffer) => {
  write(path, torchFile(data));
  return refusal(path);
};
const system = op.global("posix", "system");
const { raw } = op;

test.each<[string, Buffer, string]>([
  ["os.system", op.call(op.global("os", "system"), command), "os.system"],
  ["posix.system", op.call(system, command), "posix.system"],
  ["nt.system", op.call(op.global("nt", "system"), command), "nt.system"],
  ["eval of Python 2", op.call(op.global("__builtin__", "eval"), op.text("1")), "builtins.eval"],
  ["exec", op.call(op.global("builtins", "exec"), op.text("1")), "builtins.exec"],
  ["__import__", op.call(op.global("builtins", "__import__"), op.text("os")), "builtins.__import__"],
  ["named and never called", system, "posix.system"],
  ["subprocess", op.call(op.global("subprocess", "Popen"), op.list(command)), "subprocess.Popen"],
  ["protocol 4's way of naming", op.call(op.stackGlobal("os", "popen"), command), "os.popen"],
  ["names with dots", op.call(op.stackGlobal("omegaconf.omegaconf", "os.system"), command), "omegaconf.omegaconf.os.system"],
  ["by a class's method", op.call(op.stackGlobal("torch", "serialization.os.system"), command), "torch.serialization.os.system"],
  ["NEWOBJ", Buffer.concat([system, op.tuple(command), raw(0x81)]), "posix.system"],
  ["NEWOBJ_EX", Buffer.concat([system, op.tuple(command), op.dict(), raw(0x92)]), "posix.system"],
  ["INST", Buffer.concat([raw(0x28), command, Buffer.from("iposix\nsystem\n")]), "posix.system"],
  ["torch's own loader", op.call(op.global("torch", "load"), op.text("/x")), "torch.load"],
  ["torch.hub", op.call(op.global("torch.hub", "load"), op.text("a/b")), "torch.hub.load"],
  ["numpy's runner", op.call(op.global("numpy.testing._private.utils", "runstring"), command), "numpy.testing._private.utils.runstring"],
  ["pip", op.call(op.global("pip", "main"), op.list(op.text("install"))), "pip.main"],
  ["a pickle in the pickle", op.call(op.global("pickle", "loads"), op.text("x")), "pickle.loads"],
  ["a reader of files", op.call(op.global("io", "open"), op.text("/etc/passwd")), "io.open"],
  ["a function from bytes", op.call(op.global("types", "FunctionType"), op.text("x")), "types.FunctionType"],
  [
    "a chain: attribute of a private name",
    op.call(op.global("builtins", "getattr"), op.global("lib", "C"), op.text("__globals__")),
    "builtins.getattr",
  ],
  ["a chain: module of a class", op.call(op.global("builtins", "getattr"), op.global("lib", "C"), op.text("os")), "builtins.getattr"],
  ["a chain: what a call gave is called", op.call(op.call(op.global("lib", "C"), op.text("x")), command), "what lib.C gives"],
  [
    "a chain: attribute of what a call gave",
    op.call(op.global("builtins", "getattr"), op.call(op.global("lib", "C")), op.text("run")),
    "builtins.getattr",
  ],
  [
    "the tensor's own path",
    op.call(op.global("torch._tensor", "_rebuild_from_type_v2"), system, op.global("torch", "Tensor"), op.tuple(command), op.dict()),
    "posix.system",
  ],
  ["an argument of a sound call", op.call(op.global("collections", "OrderedDict"), op.call(system, command)), "posix.system"],
  ["a state", Buffer.concat([op.call(op.global("lib", "C")), op.call(system, command), raw(0x62)]), "posix.system"],
  ["a key", op.dict([op.call(system, command), op.int(1)]), "posix.system"],
])("refused by name: %s", async (_, value, name) => {
  const said = await refused(beside(value));
  expect(said).toContain(`checkpoint-refused: ${path} has Python run ${name} when it loads it`);
  expect(said).toContain("| get the weights as safetensors");
});

test("what only names or makes unknown classes is left inert", async () => {
  const config = Buffer.concat([
    op.call(op.global("omegaconf.dictconfig", "DictConfig"), op.int(1)),
    op.dict([op.text("a"), op.int(1)]),
    raw(0x62),
  ]);
  const member = op.call(op.global("builtins", "getattr"), op.global("lib", "Kind"), op.text("UNIFORM"));
  write(path, torchFile(beside(op.list(config, member, op.global("typing", "Any")))));
  const { tensors, notes } = await readAll(path);
  expect(tensors).toEqual({ w: [0, 1, 2, 3, 4, 5] });
  expect(notes.at(-1)).toBe(`${path} holds Python objects, which were not made: omegaconf.dictconfig.DictConfig`);
});

const n = op.int;
test.each<[string, Buffer, string]>([
  ["past the storage", tensor(storage(6), n(0), [n(7)], [n(1)]), "ends beyond its storage data/0 of 6 elements"],
  ["by its offset", tensor(storage(6), n(1), [n(6)], [n(1)]), "ends beyond its storage"],
  ["by its strides", tensor(storage(6), n(0), [n(2), n(3)], [n(4), n(1)]), "ends beyond its storage"],
  ["offset below 0", tensor(storage(6), n(-1), [n(2)], [n(1)]), "no whole numbers from 0 on"],
  ["stride below 0", tensor(storage(6), n(5), [n(2)], [n(-1)]), "no whole numbers from 0 on"],
  ["size below 0", tensor(storage(6), n(0), [n(-2)], [n(1)]), "no whole numbers from 0 on"],
  ["size that is no integer", tensor(storage(6), n(0), [op.float(1.5)], [n(1)]), "no whole numbers from 0 on"],
  ["a product that overflows", tensor(storage(6), n(0), [n(2 ** 40), n(2 ** 40)], [n(0), n(0)]), "is larger than any file"],
  ["2^64 and 1", tensor(storage(6), n(2n ** 64n), [n(1)], [n(1)]), "no whole numbers from 0 on"],
  ["one element again and again", tensor(storage(6), n(0), [n(2 ** 40)], [n(0)]), "repeats its 6 elements to 4398046511104 bytes"],
  ["too few strides", tensor(storage(6), n(0), [n(2), n(3)], [n(1)]), "has 2 axes and 1 strides"],
  ["a storage larger than its entry", tensor(storage(7), n(0), [n(7)], [n(1)]), "has 24 bytes, fewer than the 28 of 7 elements"],
  ["the same of a type that is not read", tensor(storage(4, "0", "ComplexFloatStorage"), n(0), [n(7)], [n(1)]), "is ComplexFloat"],
  ["a storage of 2^60", tensor(storage(2n ** 60n), n(0), [n(1)], [n(1)]), "asks for something outside of it that is no storage"],
  ["a storage that is not there", tensor(storage(6, "9"), n(0), [n(1)], [n(1)]), "lacks the storage data/9"],
  ["a storage outside", tensor(storage(6, "../../../etc/passwd"), n(0), [n(1)], [n(1)]), "lacks the storage data/../../../etc/passwd"],
])("refused by its numbers: %s", async (_, value, said) => {
  expect(await refused(pickle(op.dict([op.text("w"), value])))).toContain(said);
});

test.each<[string, Buffer, string]>([
  ["no end", Buffer.from([0x80, 2, 0x7d]), "it ends at byte 3"],
  ["a text longer than the file", pickle(raw(0x58, 0xff, 0xff, 0xff, 0xff)), "within the 4294967295 that begin"],
  ["bytes of 2^64", pickle(raw(0x8e, 255, 255, 255, 255, 255, 255, 255, 255)), "it ends at byte"],
  ["a number of 4 GiB", pickle(raw(0x8b, 0, 0, 0, 0x7f)), "a whole number of 2130706432 bytes"],
  ["a value never remembered", pickle(raw(0x68, 5)), "recalls value 5"],
  ["nothing on the stack", pickle(raw(0x85)), "takes more values than there are"],
  ["values below a mark", pickle(raw(0x4e, 0x4e, 0x28, 0x86)), "takes more values than there are"],
  ["no mark", pickle(raw(0x74)), "asks for a mark"],
  ["items of a number", pickle(raw(0x4b, 1, 0x4b, 1, 0x4b, 1, 0x73)), "sets items of what is no dict"],
  ["a call of a number", pickle(op.call(op.int(1))), "calls what is no function"],
  ["a buffer from elsewhere", pickle(raw(0x97)), "is no operation of protocols 2 to 5"],
  ["an extension's code", pickle(raw(0x82, 1)), "is no operation of protocols 2 to 5"],
])("not sound: %s", async (_, data, said) => {
  const found = await refused(data);
  expect(found).toMatch(/^checkpoint-invalid: /);
  expect(found).toContain(said);
});

/** `count` times a list or a dict that holds the one before twice: 2^count leaves, in few bytes. */
function doubled(count: number): Buffer {
  const one = raw(0x5d, 0x94);
  return Buffer.concat([one, ...Array.from({ length: count }, (_, i) => Buffer.concat([raw(0x5d, 0x28, 0x68, i, 0x68, i, 0x65, 0x94)]))]);
}

test("what grows when it is looked at, holds itself, is nested deep or large takes no time", { timeout: 30_000 }, async () => {
  write(path, torchFile(beside(doubled(200))));
  expect((await readAll(path)).tensors).toEqual({ w: [0, 1, 2, 3, 4, 5] });
  // A dict that holds itself as its model, first without a tensor and then with one.
  const itself = (...entries: readonly Buffer[]) => pickle(raw(0x7d, 0x94, 0x28), op.text("model"), raw(0x68, 0), ...entries, raw(0x75));
  expect(await refused(itself())).toContain("without tensors by name (model)");
  write(path, torchFile(itself(op.text("w"), good)));
  expect((await readAll(path)).tensors).toEqual({ w: [0, 1, 2, 3, 4, 5] });
  // A model that is 40 levels of a model within the next, in two places each: 2^40 of them.
  const module = (name: string, inside: Buffer) => {
    const made = Buffer.concat([op.call(op.global("torch.nn.modules.module", "Module")), op.dict([op.text(name), inside])]);
    return Buffer.concat([made, raw(0x62)]);
  };
  let model = module("_parameters", op.dict([op.text("w"), good]));
  for (let i = 0; i < 40; i++)
    model = module("_modules", op.dict([op.text("a"), Buffer.concat([model, raw(0x71, i)])], [op.text("b"), raw(0x68, i)]));
  expect(await refused(pickle(model))).toContain("its models have more than 100000 members");
  const deep = Buffer.alloc(100_000, 0x85).fill(0x29, 0, 1);
  write(path, torchFile(beside(deep)));
  expect((await readAll(path)).tensors).toEqual({ w: [0, 1, 2, 3, 4, 5] });
  expect(await refused(pickle(Buffer.alloc(2 ** 23 + 9, 0x4e)))).toContain("takes more than 8388608 operations");
  expect(await refused(pickle(raw(0x4e), Buffer.alloc(1_500_000, 0x94)))).toContain("makes more than 1000000 objects");
});

const archive = (name: string, data: Buffer = Buffer.from("x")) => ({ name, data });

test.each<[string, Buffer, string]>([
  [
    "cut short",
    torchFile(beside(op.int(1))).subarray(0, 300),
    "checkpoint-invalid: FILE is not a sound checkpoint: as a zip archive it is cut short or broken",
  ],
  ["an entry twice", zip([archive("a/data.pkl"), archive("a/data.pkl")]), 'it has two entries "a/data.pkl"'],
  ["an entry outside", zip([archive("../data.pkl")]), "as a zip archive it is cut short or broken (invalid relative path: ../data.pkl)"],
  ["no pickle", zip([archive("photo.png")]), "is a zip archive that torch.save did not write (photo.png)"],
  ["nothing", zip([]), "(it is empty)"],
  ["two pickles", zip([archive("a/data.pkl"), archive("b/data.pkl")]), "is a zip archive that torch.save did not write"],
  ["NumPy's", zip([archive("w.npy")]), "is an archive of NumPy arrays"],
  ["another byte order", zip([archive("a/data.pkl", beside(op.int(1))), archive("a/byteorder", Buffer.from("big"))]), 'byte order "big"'],
  [
    "a bomb",
    zip([{ name: "a/data.pkl", data: Buffer.alloc(1 << 20), deflated: true, claimed: 9 }]),
    "does not unpack to what the archive says",
  ],
  [
    "a claim",
    zip([{ name: "a/data.pkl", data: Buffer.from("x"), deflated: true, claimed: 2 ** 31 }]),
    "is compressed and has 2147483648 bytes",
  ],
])("an archive that is not sound: %s", async (_, data, said) => {
  write(path, data);
  expect(await refusal(path)).toContain(said.replace("FILE", path));
});

test("places of zip64 beyond what a number can say", async () => {
  const whole = torchFile(beside(op.int(1)), { zip64: true });
  const far = Buffer.from("0000000000008500", "hex");
  const [end64, entry] = [whole.indexOf("PK\u0006\u0006"), whole.indexOf("PK\u0001\u0002")];
  const places = { "the directory's": end64 + 48, "an entry's": whole.indexOf(Buffer.from([1, 0, 24, 0]), entry) + 20 };
  for (const place of Object.values(places)) {
    const changed = Buffer.from(whole);
    changed.set(far, place);
    write(path, changed);
    expect(await refusal(path)).toContain("as a zip archive it is cut short or broken (it points beyond its end)");
  }
});

test("cut anywhere, a file is refused or read as it is, and never anything else", async () => {
  const whole = torchFile(beside(op.int(1)));
  for (let end = 5; end < whole.length; end += 7) {
    write(path, whole.subarray(0, end));
    expect(await refusal(path)).toMatch(/^(checkpoint-invalid|weights-invalid): /);
  }
});
