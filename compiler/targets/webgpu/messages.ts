/** The sentences for what a device cannot hold. */

import { diagnosticsOf, error, type MessageTable } from "../../../dsl/index.ts";

export const webgpuMessages = {
  "device-limit": error(
    (h: { readonly graph: string; readonly what: string; readonly limit: string; readonly needed: number; readonly allowed: number }) =>
      `\`${h.what}\` in graph \`${h.graph}\` needs ${h.needed} of the device's ${h.limit}, but the limit is ${h.allowed}`,
  ),
} satisfies MessageTable;

export const webgpuDiagnostic = diagnosticsOf(webgpuMessages);
