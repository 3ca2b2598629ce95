/** The text of manifest.json to a checked `Manifest`. */

import { FormFault } from "../compiler/package/form.ts";
import { formatVersion, type Manifest } from "../compiler/package/manifest.ts";
import { manifestVersion, readManifest } from "../compiler/package/read-manifest.ts";
import { mvcError } from "./errors.ts";

/** Throws MvcError `manifest-invalid`, `package-newer` or `package-older`. */
export function parseManifest(text: string): Manifest {
  const json = parse(text);
  try {
    const found = manifestVersion(json);
    if (found > formatVersion) throw mvcError("package-newer", { found, known: formatVersion });
    if (found < formatVersion) throw mvcError("package-older", { found, known: formatVersion });
    return readManifest(json);
  } catch (error) {
    throw error instanceof FormFault ? mvcError("manifest-invalid", { reason: error.message }) : error;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw mvcError("manifest-invalid", { reason: "it is not JSON" });
  }
}
