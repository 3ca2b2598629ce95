// What adapters say of themselves, as browsers and drivers have it, to what they are taken for.

import { expect, test } from "vitest";
import { adapterKind } from "../../runtime/webgpu/device.ts";

const adapter = (info: Partial<GPUAdapterInfo>) =>
  ({ info: { vendor: "", architecture: "", device: "", description: "", ...info } }) as unknown as GPUAdapter;

test.each([
  ["Chrome on a card", adapter({ vendor: "nvidia", architecture: "ampere" }), "hardware"],
  ["Chrome on SwiftShader", adapter({ vendor: "google", architecture: "swiftshader" }), "software"],
  ["Dawn on lavapipe", adapter({ vendor: "mesa", description: "llvmpipe (LLVM 15.0.6, 256 bits)" }), "software"],
  ["Firefox, which hides all of it", adapter({}), "unnamed"],
  ["a fallback without a name", adapter({ isFallbackAdapter: true } as Partial<GPUAdapterInfo>), "software"],
])("%s", (_, found, kind) => expect(adapterKind(found)).toBe(kind));
