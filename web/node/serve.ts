/** `node serve.js [FOLDER] [--port N]` to a server on this computer alone. */

import { listen, words } from "./command.ts";

const { folder, port } = words("port");
listen(folder, port);
