/** `node make-site.js [FOLDER]` to the site that `npm run web` serves. */

import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { catalogue } from "./catalogue.ts";
import { makeSite } from "./site.ts";

/** The project's folder, from dist/web/node/. */
const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

makeSite(root, resolve(process.argv[2] ?? "out/web"), catalogue(root));
