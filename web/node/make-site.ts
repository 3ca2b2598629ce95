/** `node make-site.js [FOLDER] [--study FOLDER]` to the page's static folder. */

import { make, words } from "./command.ts";

const { folder, study } = words("study");
make(folder, study);
