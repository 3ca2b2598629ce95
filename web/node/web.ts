/** `node web.js [FOLDER] [--study FOLDER] [--port N]`, which is `npm run web`, to the page's static folder and its server. */

import { listen, make, words } from "./command.ts";

const { folder, study, port } = words("study", "port");
make(folder, study);
listen(folder, port);
