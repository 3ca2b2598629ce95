/** What a user calls Python to the one that trains: it is there, and has a PyTorch that is new enough. */

import { spawnSync } from "node:child_process";
import { mvcError } from "../../runtime/errors.ts";

/** The oldest that the emitted files are tested with. */
const [oldestPython, oldestTorch] = [
  [3, 9],
  [1, 13],
];

/** Packages are asked for, not loaded: PyTorch takes seconds. */
const probe = `import json, sys
from importlib.metadata import PackageNotFoundError, version
found = {"python": sys.version.split()[0]}
for name in ("torch", "numpy"):
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))`;

/** The command of the first of `python3` and `python` that is there, where none is named. Throws MvcError `torch-missing`. */
export function requirePython(named: string | undefined): string {
  const way = "name one that has it by `--python`, such as a virtual environment's bin/python, or train by `--engine onnx`";
  const refuse = (reason: string, mend: string) => mvcError("torch-missing", { reason, way: `${mend}, or ${way}` });
  const names = named === undefined ? ["python3", "python"] : [named];
  for (const command of names) {
    const { error, status, stdout, stderr } = spawnSync(command, ["-c", probe], { encoding: "utf8" });
    if (error !== undefined && "code" in error && error.code === "ENOENT") continue;
    const found = parsed(stdout);
    if (status !== 0 || found === undefined)
      throw refuse(`${command} is no Python that runs: ${error?.message ?? lastLine(stderr)}`, "install Python 3.9 or newer");
    if (isOlder(found.python, oldestPython)) throw refuse(`${command} is Python ${found.python}`, "install Python 3.9 or newer");
    const lacking = found.torch === undefined ? "PyTorch" : found.numpy === undefined ? "NumPy" : undefined;
    if (found.torch === undefined || lacking !== undefined)
      throw refuse(`${command} has no ${lacking}`, `install it by \`${command} -m pip install torch numpy\``);
    if (isOlder(found.torch, oldestTorch))
      throw refuse(`${command} has PyTorch ${found.torch}`, `install 1.13 or newer by \`${command} -m pip install --upgrade torch\``);
    return command;
  }
  throw refuse(`there is no ${names.join(" and no ")}`, "install Python 3.9 or newer with the packages torch and numpy");
}

interface Found {
  readonly python: string;
  readonly torch?: string;
  readonly numpy?: string;
}

/** Of the last line: packages may say something before. */
function parsed(text: string | null): Found | undefined {
  try {
    const found = JSON.parse(lastLine(text)) as Found;
    return typeof found.python === "string" ? found : undefined;
  } catch {
    return undefined;
  }
}

export const lastLine = (text: string | null): string => (text ?? "").trimEnd().split("\n").at(-1) ?? "";

function isOlder(version: string, [least = 0, minor = 0]: readonly number[] = []): boolean {
  const [major = 0, second = 0] = version.split(".").map(Number);
  return major < least || (major === least && second < minor);
}
