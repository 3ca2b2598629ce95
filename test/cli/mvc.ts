// Runs the built command line as a user's shell does, and tells what came of it.

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `interruptWhen` looks at what has happened every 20 ms, and has Ctrl-C pressed once it says so. */
export function mvc(args: readonly string[], interruptWhen?: () => boolean): Promise<Outcome> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [resolve("dist/cli/mvc.js"), ...args], { env: { ...process.env, NO_COLOR: "1" } });
    const texts = { out: "", err: "" };
    child.stdout.on("data", (chunk) => {
      texts.out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      texts.err += chunk;
    });
    const watch = setInterval(() => {
      if (interruptWhen?.()) {
        clearInterval(watch);
        child.kill("SIGINT");
      }
    }, 20);
    child.on("close", (code) => {
      clearInterval(watch);
      done({ code, ...texts });
    });
  });
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "mvc-cli-"));
}

/** Every file below a folder, by path within it. */
export function filesBelow(folder: string, prefix = ""): string[] {
  return readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(folder, path) : [path];
  });
}
