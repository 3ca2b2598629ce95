/** The pickle of `torch.save` to its values, tensors among them as views into storages whose numbers have been checked. */

import { mvcError } from "../../runtime/errors.ts";
import { DTYPE_BYTES, type StoredDType } from "../../runtime/safetensors.ts";
import { globalName, isMember, roleOf } from "./pickle/globals.ts";
import { type Host, unpickle } from "./pickle/unpickle.ts";
import { Global, Inert, Tuple } from "./pickle/values.ts";

/** Bytes of the archive that tensors are views of. */
class Storage {
  /** The name of its entry, below `data/`. */
  readonly key: string;
  /** Of its elements; undefined where only the tensors know, and the elements are bytes. */
  readonly dtype: string | undefined;
  readonly elements: number;

  constructor(key: string, dtype: string | undefined, elements: number) {
    this.key = key;
    this.dtype = dtype;
    this.elements = elements;
  }
}

/** A view into a storage, all of it within the storage. */
export class TorchTensor {
  readonly storage: string;
  readonly dtype: StoredDType;
  /** Elements, counted from the storage's first. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** Elements from one index of an axis to the next. */
  readonly strides: readonly number[];

  constructor(storage: string, dtype: StoredDType, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.dtype = dtype;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** A tensor that is not read, and why: `float8_e4m3fn`, `a sparse tensor`. */
export class UnreadTensor {
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}

/** PyTorch's names of the types that safetensors has too, as in `torch.float16` and in `torch.HalfStorage`. */
const dtypes: { readonly [name: string]: StoredDType } = {
  float32: "F32",
  float64: "F64",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint8: "U8",
  uint16: "U16",
  uint32: "U32",
  uint64: "U64",
  bool: "BOOL",
};
const storageTypes: { readonly [name: string]: string } = {
  Float: "float32",
  Double: "float64",
  Half: "float16",
  BFloat16: "bfloat16",
  Long: "int64",
  Int: "int32",
  Short: "int16",
  Char: "int8",
  Byte: "uint8",
  Bool: "bool",
};

/** Bytes that a view may have beyond those of its storage, where it shows the same elements again and again (`expand`). */
const MOST_REPEATED = 2 ** 30;
const MOST_AXES = 64;

export interface TorchFile {
  readonly path: string;
  /** Bytes of the entry that holds a storage; undefined where there is none. */
  storageBytes(key: string): number | undefined;
}

export interface TorchPickle {
  readonly value: unknown;
  /** Names of the classes that objects beside the tensors have: none was made. */
  readonly inert: ReadonlySet<string>;
}

/** Throws MvcError `checkpoint-refused` for what would run code, `checkpoint-invalid` for what is not sound. */
export function torchValues(bytes: Uint8Array, file: TorchFile): TorchPickle {
  const host = new TorchHost(file);
  return { value: unpickle(bytes, host), inert: host.inert };
}

class TorchHost implements Host {
  readonly inert = new Set<string>();
  readonly #file: TorchFile;

  constructor(file: TorchFile) {
    this.#file = file;
  }

  readonly fail = (reason: string): Error => mvcError("checkpoint-invalid", { file: this.#file.path, reason });

  global(module: string, name: string): Global {
    const full = globalName(module, name);
    const role = roleOf(module, name);
    if (role === undefined) throw this.#refused(full);
    return new Global(full, role);
  }

  call(callee: unknown, args: readonly unknown[]): unknown {
    if (callee instanceof Inert) throw this.#refused(`what ${callee.of} gives`);
    if (!(callee instanceof Global)) throw this.fail("its pickle calls what is no function");
    const [first, second, third] = args;
    switch (callee.role) {
      case "rebuild":
        return this.#tensor(args);
      case "rebuild-parameter":
        return first;
      case "rebuild-from-type":
        return third instanceof Tuple ? this.call(first, third.items) : new Inert(second instanceof Global ? second.name : callee.name);
      case "size":
        return first instanceof Tuple || Array.isArray(first) ? first : new Tuple([]);
      case "dict":
        return dictOf(args);
      case "attribute":
        if (!(first instanceof Global) || first.role !== "inert" || !isMember(second)) throw this.#refused(callee.name);
        return new Inert(`${first.name}.${second}`);
      case "inert":
        if (callee.name.startsWith("torch._utils._rebuild_")) return new UnreadTensor(`made by ${callee.name}`);
        this.inert.add(callee.name);
        return new Inert(callee.name);
      case "dtype":
      case "storage":
        throw this.fail(`its pickle calls ${callee.name}, which is no function`);
    }
  }

  persistent(id: unknown): Storage {
    const [tag, type, key, , elements] = id instanceof Tuple ? id.items : [];
    if (tag !== "storage" || !(type instanceof Global) || type.role !== "storage" || typeof key !== "string" || !isCount(elements))
      throw this.fail("its pickle asks for something outside of it that is no storage");
    const kind = /(\w*)Storage$/.exec(type.name)?.[1] ?? "";
    const storage = new Storage(key, kind === "Untyped" ? undefined : (storageTypes[kind] ?? kind), elements);
    const found = this.#file.storageBytes(key);
    if (found === undefined) throw this.fail(`it lacks the storage data/${key}`);
    const size = storage.dtype === undefined ? 1 : bytesOf(storage.dtype);
    if (size !== undefined && elements * size > found)
      throw this.fail(`its storage data/${key} has ${found} bytes, fewer than the ${elements * size} of ${elements} elements`);
    return storage;
  }

  /** `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)`; the third version adds the type. */
  #tensor(args: readonly unknown[]): TorchTensor | UnreadTensor {
    const [storage, offset, size, stride, , , type] = args;
    const shape = size instanceof Tuple ? size.items : undefined;
    const strides = stride instanceof Tuple ? stride.items : undefined;
    if (!(storage instanceof Storage) || !isCount(offset) || !isCounts(shape) || !isCounts(strides))
      throw this.fail("a tensor of it has an offset, a shape or strides that are no whole numbers from 0 on");
    if (shape.length !== strides.length || shape.length > MOST_AXES)
      throw this.fail(`a tensor of it has ${shape.length} axes and ${strides.length} strides`);
    const name = storage.dtype ?? (type instanceof Global && type.role === "dtype" ? type.name.slice("torch.".length) : "of no type");
    const dtype = dtypes[name];
    if (dtype === undefined) return new UnreadTensor(name);
    const itemBytes = DTYPE_BYTES[dtype];
    const available = storage.dtype === undefined ? Math.floor(storage.elements / itemBytes) : storage.elements;
    const count = shape.reduce((product, n) => product * n, 1);
    const end = count === 0 ? 0 : offset + shape.reduce((sum, n, axis) => sum + (n - 1) * (strides[axis] ?? 0), 1);
    const shown = `[${shape.join(", ")}] with the strides [${strides.join(", ")}] from element ${offset} on`;
    if (!Number.isSafeInteger(count * itemBytes) || !Number.isSafeInteger(end))
      throw this.fail(`a tensor of ${shown} is larger than any file`);
    if (end > available) throw this.fail(`a tensor of ${shown} ends beyond its storage data/${storage.key} of ${available} elements`);
    if (count > available && count * itemBytes > MOST_REPEATED)
      throw this.fail(`a tensor of ${shown} repeats its ${available} elements to ${count * itemBytes} bytes`);
    return new TorchTensor(storage.key, dtype, offset, shape, strides);
  }

  #refused(name: string): Error {
    return mvcError("checkpoint-refused", { file: this.#file.path, name });
  }
}

/** Bytes an element of a type by PyTorch's name; undefined of the types that are not read. */
function bytesOf(dtype: string): number | undefined {
  const stored = dtypes[dtype];
  return stored && DTYPE_BYTES[stored];
}

/** `OrderedDict()`, and `OrderedDict([[key, value], …])` of Python 2. */
function dictOf(args: readonly unknown[]): Map<unknown, unknown> {
  const pairs = args.find((arg) => Array.isArray(arg)) ?? [];
  const dict = new Map<unknown, unknown>();
  for (const pair of pairs) {
    const [key, value] = pair instanceof Tuple ? pair.items : Array.isArray(pair) ? pair : [];
    dict.set(key, value);
  }
  return dict;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isCounts(values: readonly unknown[] | undefined): values is readonly number[] {
  return values?.every(isCount) === true;
}
