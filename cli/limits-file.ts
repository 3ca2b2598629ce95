/** The option `--limits` to what a device allows. */

import { type DeviceLimits, defaultLimits } from "../compiler/targets/webgpu/plan/limits.ts";
import { mvcError, reasonOf } from "../runtime/errors.ts";
import { readText, textLimits } from "../runtime/node/regular-file.ts";

/** Limits by name, over the defaults that every device grants. */
export function readLimits(file: string): DeviceLimits {
  if (file === "default") return defaultLimits;
  const wrong = (expected: string, found: string) => mvcError("option-invalid", { option: `--limits ${file}`, expected, found });
  const text = readText(file, "the file of limits", textLimits.settings);
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw wrong("a file of JSON", reasonOf(error));
  }
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw wrong("an object of limits by name", JSON.stringify(given));
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaultLimits, name)) throw wrong(`limits named ${Object.keys(defaultLimits).join(", ")}`, name);
    if (!Number.isSafeInteger(value) || value < 1) throw wrong(`whole numbers above 0 for ${name}`, JSON.stringify(value));
  }
  return { ...defaultLimits, ...given };
}
