/** The sentences for what a device cannot hold. */

import { diagnosticsOf, error, type MessageTable, warning } from "../../../dsl/index.ts";

interface Breach {
  readonly graph: string;
  readonly what: string;
  readonly limit: string;
  readonly needed: number;
  readonly allowed: number;
}

export const webgpuMessages = {
  "device-limit": error(
    (h: Breach) => `\`${h.what}\` in graph \`${h.graph}\` needs ${h.needed} of the device's ${h.limit}, but the limit is ${h.allowed}`,
  ),
  "beyond-devices": warning(
    (h: Breach) =>
      `on WebGPU, \`${h.what}\` in graph \`${h.graph}\` needs ${h.needed} of ${h.limit}, and not every device has more than ${h.allowed}`,
  ),
} satisfies MessageTable;

export const webgpuDiagnostic = diagnosticsOf(webgpuMessages);
