/** Choices of kernels in the browser's own storage, by package, adapter and graph. */

import type { Package } from "../package.ts";
import type { Choices, TuningStore } from "../webgpu/tuning.ts";

/** Storage that is full or forbidden only means that a later visit chooses again. */
export function tuningStorage({ manifest }: Package): TuningStore {
  const keyOf = (adapter: string, graph: string) => `mvc tuning ${manifest.graphs[graph]?.webgpu?.kernels.sha256 ?? ""} ${adapter}`;
  return {
    read: async (adapter, graph) => {
      try {
        return (JSON.parse(localStorage.getItem(keyOf(adapter, graph)) ?? "null") as Choices | null) ?? undefined;
      } catch {
        return undefined;
      }
    },
    write: async (adapter, graph, choices) => {
      try {
        localStorage.setItem(keyOf(adapter, graph), JSON.stringify(choices));
      } catch {}
    },
  };
}
