/** A folder to a temporary place in it under a random name, whose owner is known to be alive by a socket that it listens on. */

import { randomBytes } from "node:crypto";
import { closeSync, existsSync, openSync, readdirSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";

/** `path` does not exist yet: its owner makes a file or a folder of it. */
export interface Temporary {
  readonly path: string;
  /** Removes the part that is still there; what is whole stays, for whoever comes next to finish. */
  release(): void;
}

/** `.lock` is the socket, `.part` what is being written, `.whole` a folder that is written and on its way to its place. */
const named = /^\.mvc-[0-9a-f]{16}\.(lock|part|whole)$/;

export const isTemporary = (name: string): boolean => named.test(name);

/** The part of a temporary, once it is whole: whoever finds it when its owner has died finishes the work. */
export const wholeOf = (path: string): string => path.replace(/part$/, "whole");

/** Removed when the process ends by itself, or by a signal that only ends it. */
const held = new Set<Temporary>();
let watching = false;

/** Sweeps the folder, then names a temporary place in it. */
export async function claimTemporary(folder: string): Promise<Temporary> {
  await sweep(folder);
  const name = `.mvc-${randomBytes(8).toString("hex")}`;
  const path = join(folder, `${name}.part`);
  let server: Server | undefined;
  const temporary: Temporary = {
    path,
    release: () => {
      held.delete(temporary);
      rmSync(path, { recursive: true, force: true });
      server?.close();
      if (!existsSync(wholeOf(path))) rmSync(join(folder, `${name}.lock`), { force: true });
    },
  };
  if (!watching) watch();
  watching = true;
  held.add(temporary);
  server = await listen(folder, `${name}.lock`);
  return temporary;
}

/** The listeners stay: one that is taken away while its signal is on the way would swallow it. */
function watch(): void {
  const release = () => {
    for (const one of held) one.release();
  };
  process.once("exit", release);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const end = () => {
      // Whoever else listens ends the work in their own way.
      if (process.listenerCount(signal) > 1) return;
      release();
      process.off(signal, end);
      process.kill(process.pid, signal);
    };
    process.on(signal, end);
  }
}

/** Removes what processes that have ended left in the folder; what was whole only once `finish` has moved it to its place. */
export async function sweep(folder: string, finish?: (whole: string) => void): Promise<void> {
  for (const lock of entriesOf(folder).filter((name) => /\.lock$/.test(name) && isTemporary(name))) {
    if (!(await isDead(folder, lock))) continue;
    const part = join(folder, lock.replace(/lock$/, "part"));
    if (existsSync(wholeOf(part))) {
      if (finish === undefined) continue;
      finish(wholeOf(part));
    }
    try {
      rmSync(part, { recursive: true, force: true });
      rmSync(join(folder, lock), { force: true });
    } catch {
      // Another user's: it is theirs to sweep.
    }
  }
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * The kernel stops the listening when the process ends, however it ends, and answers for it while it is busy or suspended. A
 * process id tells neither: by then it may be another's, and in containers all have the same few. On a file system without
 * sockets nobody can tell, so what a killed process leaves there stays.
 */
function listen(folder: string, name: string): Promise<Server | undefined> {
  return new Promise((done) => {
    const server = createServer((socket) => socket.destroy()).unref();
    server.once("error", () => done(undefined));
    server.once("listening", () => done(server));
    if (!atShortPath(folder, name, (path) => server.listen({ path, exclusive: true }))) done(undefined);
  });
}

function isDead(folder: string, name: string): Promise<boolean> {
  return new Promise((done) => {
    const attempt = (path: string) => {
      const socket = connect({ path });
      socket.once("connect", () => {
        socket.destroy();
        done(false);
      });
      socket.once("error", (error: NodeJS.ErrnoException) => done(error.code === "ECONNREFUSED"));
    };
    if (!atShortPath(folder, name, attempt)) done(false);
  });
}

/** The address of a socket holds some hundred bytes, and Node cuts a longer path without a word. */
const LONGEST_ADDRESS = 100;

/** Calls `use`, which must take the path at once, with one that is short enough; says whether there is one. */
function atShortPath(folder: string, name: string, use: (path: string) => void): boolean {
  if (process.platform !== "linux") {
    const path = join(folder, name);
    if (Buffer.byteLength(path) > LONGEST_ADDRESS) return false;
    use(path);
    return true;
  }
  let descriptor: number;
  try {
    descriptor = openSync(folder, "r");
  } catch {
    return false;
  }
  try {
    use(`/proc/self/fd/${descriptor}/${name}`);
  } finally {
    closeSync(descriptor);
  }
  return true;
}
