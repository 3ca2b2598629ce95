/** A part of a buffer on the device to its bytes on the host. */

import { mvcError, reasonOf } from "../errors.ts";
import { type Device, usage } from "./device.ts";
import { pipelinesOf } from "./pipelines.ts";

const mapRead = 1;

/** Waits for all that was submitted. Throws MvcError `out-of-memory`, `device-lost`. */
export async function readBack(device: Device, buffer: GPUBuffer, bytes: number, offset = 0): Promise<ArrayBuffer> {
  const host = await device.buffer("read back", bytes, usage.COPY_DST | usage.MAP_READ);
  try {
    pipelinesOf(device).copy(buffer, host, offset, 0, bytes);
    await host.mapAsync(mapRead).catch((error: unknown) => {
      device.check();
      throw mvcError("device-lost", { reason: reasonOf(error) });
    });
    return host.getMappedRange().slice(0, bytes);
  } finally {
    device.free(host);
  }
}
