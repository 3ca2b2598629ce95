/** `node serve.js FOLDER [--port N]` to a server on this computer alone. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { reasonOf } from "../../runtime/errors.ts";
import { staticServer } from "./static-server.ts";

function fail(sentence: string): never {
  process.stderr.write(`error: ${sentence}\n`);
  process.exit(1);
}

function words() {
  try {
    return parseArgs({ allowPositionals: true, options: { port: { type: "string", default: "8080" } } });
  } catch (error) {
    return fail(`${reasonOf(error)}; what is understood is FOLDER and --port N`);
  }
}

const { positionals, values } = words();
const [folder = "out/web"] = positionals;
const port = Number(values.port);
if (!/^\d+$/.test(values.port) || port > 65535) fail(`--port must be a whole number from 0 to 65535, found ${values.port}`);
if (!existsSync(join(folder, "index.html")))
  fail(`${folder} holds no index.html: put the page there with \`node dist/web/node/make-site.js ${folder}\``);

const server = staticServer(folder);
server.on("error", (error: NodeJS.ErrnoException) => {
  fail(error.code === "EADDRINUSE" ? `port ${port} is taken: give another with --port` : reasonOf(error));
});
server.listen(port, "127.0.0.1", () => {
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  process.stdout.write(`the page is at http://127.0.0.1:${bound}/ (Ctrl-C ends)\n`);
});
