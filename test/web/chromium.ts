// Debian's Chromium for the suites of the page, with an empty profile each time; and a static server for what it opens.

import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";
import { staticServer } from "../../web/node/static-server.ts";

const executablePath = "/usr/bin/chromium";

/** Whether its suites are skipped; with MVC_REQUIRE_GPU=1 they fail instead. */
export const noChromium = !existsSync(executablePath) && process.env.MVC_REQUIRE_GPU !== "1";
if (noChromium)
  process.stderr.write(`the suites of Chromium are skipped: there is no ${executablePath}; install Debian's package chromium\n`);

/** Gives a software adapter. */
export const withWebGpu = ["--enable-unsafe-webgpu"];

/** A script by which a page's kernels have all their bindings and return at once: for visits that are not about pictures, as a software adapter compiles whole ones for twenty seconds. */
export const idleKernels = `{
  const { createShaderModule } = GPUDevice.prototype;
  GPUDevice.prototype.createShaderModule = function ({ code, ...others }) {
    return createShaderModule.call(this, { code: code.replace(/fn main\\([^{]*{/, (head) => head + " return;"), ...others });
  };
}`;

export async function browse<T>(flags: readonly string[], act: (context: BrowserContext) => Promise<T>): Promise<T> {
  const quiet = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  const profile = mkdtempSync(join(tmpdir(), "mvc-profile-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args: [...quiet, ...flags] });
  try {
    return await act(context);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

export async function serve(folder: string): Promise<{ readonly server: Server; readonly address: string }> {
  const server = staticServer(folder).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
