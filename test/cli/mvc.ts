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

/** One convolution: it builds in no time. */
export const tinyModel = `dim B = 1;
model Tiny<H = 8> {
  graph run(x: Tensor<float, [B, 4, H, H]>): Tensor<float, [B, 4, H, H]> {
    return x |> conv2d(4, kernel: 3) as conv;
  }
}
`;

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
