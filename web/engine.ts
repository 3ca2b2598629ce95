/** ONNX Runtime beside the page to its module, for visitors whose processor makes the clips: downloaded at the first need, with its bytes counted. */

import { mvcError, reasonOf } from "../runtime/errors.ts";
import type { OnnxEngine } from "../runtime/web/index.ts";
import type { EngineEntry } from "./models.ts";

export interface Engine {
  /** Of its WebAssembly, which is nearly all there is. */
  readonly bytes: number;
  /** Throws MvcError `file-unreadable`, `aborted`; the next call tries again. */
  load(onBytes: (loaded: number) => void, signal: AbortSignal): Promise<OnnxEngine>;
}

/** What is set on the module before its first session. */
interface Settings {
  readonly env: { readonly wasm: { proxy?: boolean; wasmBinary?: Uint8Array } };
}

export function createEngine({ script, binary, bytes, sha256 }: EngineEntry): Engine {
  let loading: Promise<OnnxEngine> | undefined;
  const load = async (onBytes: (loaded: number) => void, signal: AbortSignal): Promise<OnnxEngine> => {
    // With its hash in the address a file may be kept for ever.
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const response = await fetch(`${binary}?sha256=${sha256.slice(0, 16)}`, { signal });
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    const reader = response.body?.getReader();
    let loaded = 0;
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      parts.push(part.value);
      loaded += part.value.byteLength;
      onBytes(loaded);
    }
    const module: OnnxEngine & Settings = await import(new URL(script, document.baseURI).href);
    // In a worker, so that the page stays alive meanwhile; that one may compile WebAssembly, which the page may not.
    module.env.wasm.proxy = true;
    module.env.wasm.wasmBinary = new Uint8Array(await new Blob(parts).arrayBuffer());
    return module;
  };
  return {
    bytes,
    load: (onBytes, signal) => {
      loading ??= load(onBytes, signal).catch((error: unknown) => {
        loading = undefined;
        if (signal.aborted) throw mvcError("aborted", { during: "the download" });
        throw mvcError("file-unreadable", { file: binary, reason: reasonOf(error) });
      });
      return loading;
    },
  };
}
