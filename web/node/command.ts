/** What a command of the page was given to the work: a site that is made, a server that listens, or one sentence that says why not. */

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { MvcError, reasonOf } from "../../runtime/errors.ts";
import { catalogue, type Offer } from "./catalogue.ts";
import { makeSite } from "./site.ts";
import { staticServer } from "./static-server.ts";
import { studyOffers } from "./study.ts";

/** The project's folder, from dist/web/node/. */
const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/** Options of the commands, each of which takes some of them, as their users are told of them. */
const options = { study: "--study FOLDER", port: "--port N" } as const;

export interface Words {
  /** Of the site. */
  readonly folder: string;
  /** Of a study. */
  readonly study: string | undefined;
  readonly port: number;
}

export function words(...taken: readonly (keyof typeof options)[]): Words {
  try {
    const known = Object.fromEntries(taken.map((name) => [name, { type: "string" } as const]));
    const { positionals, values } = parseArgs({ allowPositionals: true, options: known });
    if (positionals.length > 1) throw new Error(`Unexpected argument '${positionals[1]}'`);
    const [folder = "out/web"] = positionals;
    const { study, port = "8080" }: { readonly study?: string; readonly port?: string } = values;
    return { folder, study, port: portOf(port) };
  } catch (error) {
    return fail(`${reasonOf(error)}; what is understood is ${["FOLDER", ...taken.map((name) => options[name])].join(" and ")}`);
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) fail(`--port must be a whole number from 0 to 65535, found ${text}`);
  return port;
}

function fail(sentence: string): never {
  process.stderr.write(`error: ${sentence}\n`);
  process.exit(1);
}

/** Of a study's variants where one is named, else of Mini and its ablations. */
export function make(folder: string, study: string | undefined): void {
  try {
    makeSite(root, resolve(folder), study === undefined ? catalogue(root) : offersOf(study));
  } catch (error) {
    if (error instanceof MvcError) fail(`${error.message}; ${error.hint}`);
    // A command that failed has said why.
    if (error instanceof Error && "status" in error) process.exit(1);
    throw error;
  }
}

function offersOf(study: string): readonly Offer[] {
  const { offers, notes } = studyOffers(study);
  for (const note of notes) process.stderr.write(`note ${note}\n`);
  return offers;
}

/** On this computer alone. */
export function listen(folder: string, port: number): void {
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
}
