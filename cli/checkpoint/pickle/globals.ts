/** The name of something in Python that a pickle asks for to what becomes of it here: a tensor's part, a thing left inert, or a refusal. */

import { isPythonModule } from "./python-modules.ts";

/**
 * What a global is here. Nothing is ever run: `rebuild` and the like are answered by code of ours; what is `inert` may be called, and gives
 * a thing without content, as objects beside the tensors (callbacks, hyper-parameters) are of no use to us.
 */
export type Role = "rebuild" | "rebuild-parameter" | "rebuild-from-type" | "storage" | "dtype" | "size" | "dict" | "attribute" | "inert";

const roles: ReadonlyMap<string, Role> = new Map([
  ["torch._utils._rebuild_tensor", "rebuild"],
  ["torch._utils._rebuild_tensor_v2", "rebuild"],
  ["torch._utils._rebuild_tensor_v3", "rebuild"],
  ["torch._utils._rebuild_parameter", "rebuild-parameter"],
  ["torch._utils._rebuild_parameter_with_state", "rebuild-parameter"],
  ["torch._tensor._rebuild_from_type", "rebuild-from-type"],
  ["torch._tensor._rebuild_from_type_v2", "rebuild-from-type"],
  ["torch.storage.UntypedStorage", "storage"],
  ["torch.Size", "size"],
  ["collections.OrderedDict", "dict"],
  ["collections.defaultdict", "dict"],
  ["collections.Counter", "dict"],
  ["builtins.dict", "dict"],
  // How Python 3.11 pickles the members of an enum; of anything else it is refused (`isMember`).
  ["builtins.getattr", "attribute"],
]);

/** Of Python's own: types of plain data. `typing` is only ever named. */
const harmless = new Set(
  `_codecs.encode argparse.Namespace array.array builtins.bool builtins.bytearray builtins.bytes builtins.complex builtins.float
  builtins.frozenset builtins.int builtins.list builtins.object builtins.range builtins.set builtins.slice builtins.str builtins.tuple
  collections.deque copyreg._reconstructor datetime.date datetime.datetime datetime.time datetime.timedelta datetime.timezone
  decimal.Decimal fractions.Fraction functools.partial pathlib.Path pathlib.PosixPath pathlib.PurePath pathlib.PurePosixPath
  pathlib.PureWindowsPath pathlib.WindowsPath pathlib._local.PosixPath pathlib._local.WindowsPath re._compile types.SimpleNamespace
  uuid.UUID`.split(/\s+/),
);

/** PyTorch's and NumPy's classes; of their functions those that make arrays and the tensors that are not read here. */
const libraries = [
  // Classes of a TorchScript program.
  /^__torch__(\.\w+)+$/,
  /^typing\.[A-Z]\w*$/,
  /^torch\.([a-z_]\w*\.)*[A-Z]\w*$/,
  /^torch\.(device|per_(tensor|channel)_\w+)$/,
  /^torch\._utils\._rebuild_\w+$/,
  /^torch\.serialization\._get_layout$/,
  /^numpy\.([a-z_]\w*\.)*[A-Z]\w*$/,
  /^numpy\.(dtype|ndarray|bool_?|str_|bytes_|(u?int|float|complex)\d+)$/,
  /^numpy\.(core|_core)\.(multiarray\.(scalar|_reconstruct)|numeric\._frombuffer)$/,
  /^numpy\.random\._pickle\.__\w+_ctor$/,
];

const storage = /^torch\.(cuda\.)?[A-Z]\w*Storage$/;
const dtype = /^torch\.(u?int\d+|float\d+\w*|bfloat16|bool|complex\d+|q\w+|bits\w+)$/;

/** Names of Python 2, which protocol 2 writes. */
const renamed: { readonly [module: string]: string } = { __builtin__: "builtins", copy_reg: "copyreg" };

/** `os.system`, as Python 3 calls it. */
export function globalName(module: string, name: string): string {
  return `${renamed[module] ?? module}.${name}`;
}

/** A name that a member of an enum may have: nothing private, by which a class leads to all of Python, and no module. */
export function isMember(name: unknown): name is string {
  return typeof name === "string" && /^[A-Za-z]\w*$/.test(name) && !isPythonModule(name);
}

/** Undefined for what is refused. Classes of a library that is not known stay inert, those of whoever trained the model among them. */
export function roleOf(module: string, name: string): Role | undefined {
  const full = globalName(module, name);
  const role = roles.get(full);
  if (role !== undefined) return role;
  if (storage.test(full)) return "storage";
  if (dtype.test(full)) return "dtype";
  if (harmless.has(full) || libraries.some((pattern) => pattern.test(full))) return "inert";
  const [root = ""] = full.split(".");
  if (root === "torch" || root === "numpy" || isPythonModule(root)) return undefined;
  // Protocol 4 has names with dots: `os.system` of any module that has imported `os`.
  return name.split(".").some(isPythonModule) ? undefined : "inert";
}
