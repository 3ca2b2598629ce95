// Runs the built command line, as a user's shell does or many commands in one process, and tells what came of it.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "vitest";

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const entry = resolve("dist/cli/mvc.js");
/** As it is when a command is run: the suites of devices name the driver in it. */
const env = () => ({ ...process.env, NO_COLOR: "1" });

/** A process of its own, as a shell starts it. `interruptWhen` looks at what has happened every 20 ms, and has Ctrl-C pressed once it says so. */
export function mvcAlone(args: readonly string[], interruptWhen?: () => boolean): Promise<Outcome> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [entry, ...args], { env: env() });
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

/**
 * Runs one command after the other: the entry again for each, on the modules that are loaded and compiled to machine code already. What
 * it writes goes where a pipe would take it; a process that ends itself, or never ends, is seen only where it is alone. Room for new
 * objects as in vitest.config.ts.
 */
const program = `
// By these the command line would know that its words begin elsewhere.
process.execArgv = [];
const streams = { out: process.stdout, err: process.stderr };
let runs = 0;
process.on("message", async ({ args, env }) => {
  Object.assign(process.env, env);
  const texts = { out: "", err: "" };
  const writes = {};
  for (const [name, stream] of Object.entries(streams)) {
    writes[name] = stream.write;
    stream.write = (chunk, encoding, done) => {
      texts[name] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
      const heard = typeof encoding === "function" ? encoding : done;
      if (heard) queueMicrotask(heard);
      return true;
    };
  }
  process.argv = [process.execPath, process.env.MVC_ENTRY, ...args];
  process.exitCode = undefined;
  await import("file://" + process.env.MVC_ENTRY + "?run=" + runs++);
  Object.assign(streams.out, { write: writes.out });
  Object.assign(streams.err, { write: writes.err });
  const code = process.exitCode ?? 0;
  process.exitCode = undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(signal);
  process.send({ code, ...texts });
});
process.on("disconnect", () => process.exit(0));
`;

let warm: ChildProcess | undefined;
let last: Promise<unknown> = Promise.resolve();

/** Several commands in one process, which compiles the command line's modules once; alone where it is to be interrupted. */
export function mvc(args: readonly string[], interruptWhen?: () => boolean): Promise<Outcome> {
  if (interruptWhen !== undefined) return mvcAlone(args, interruptWhen);
  const outcome = last.then(() => inWarmProcess(args));
  last = outcome.catch(() => {});
  return outcome;
}

function inWarmProcess(args: readonly string[]): Promise<Outcome> {
  warm ??= spawn(process.execPath, ["--max-semi-space-size=64", "-e", program], {
    env: { ...env(), MVC_ENTRY: entry },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const child = warm;
  // It ends with this one, which need not wait for it.
  child.unref();
  child.channel?.unref();
  return new Promise((done, failed) => {
    const ended = (code: number | null, signal: string | null) => {
      warm = undefined;
      failed(new Error(`\`mvc ${args.join(" ")}\` ended its process: ${signal ?? `exit code ${code}`}`));
    };
    child.channel?.ref();
    child.once("exit", ended);
    child.once("message", (outcome) => {
      child.off("exit", ended);
      child.channel?.unref();
      done(outcome as Outcome);
    });
    child.send({ args, env: env() });
  });
}

/** The command ends by exit code 1 with one error, which says all these texts. */
export async function expectRefused(args: readonly string[], ...texts: readonly string[]): Promise<void> {
  const { code, err } = await mvc(args);
  for (const text of texts) expect(err).toContain(text);
  expect(err.match(/^error/gm), texts[0]).toHaveLength(1);
  expect(code, texts[0]).toBe(1);
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
