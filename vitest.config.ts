// What the test runner reads: every suite under test/, two at a time, the longest first, with room for the slow oracle.

import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Suites of devices and browsers, and the one that watches the memory: each has its process to itself. */
const alone = [
  "test/golden/**/*.test.ts",
  "test/package/**/*.test.ts",
  "test/web/**/*.test.ts",
  "test/runtime/webgpu.test.ts",
  "test/training/webgpu-engine.test.ts",
  "test/cli/gpu-commands.test.ts",
  "test/compiler/fuzz.test.ts",
];

/** Over twenty seconds each, the longest first. */
const long = ["golden/webgpu", "web/page", "golden/families", "package/install", "golden/wide", "runtime/webgpu", "compiler/fuzz"];

/** What is long is not left for the end, where one processor would wait for the other; suites that share a process follow one another. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification) => {
      const at = long.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return project.name === "shared" ? long.length + 1 : at < 0 ? long.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

const each = { testTimeout: 60_000, hookTimeout: 60_000, pool: "forks" } as const;

/** Files of Python are their text, as in what `build.js` bundles. */
const python = {
  name: "python as text",
  transform: (code: string, id: string) => (id.endsWith(".py") ? `export default ${JSON.stringify(code)}` : undefined),
};

export default defineConfig({
  test: {
    globalSetup: "test/build-once.ts",
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      { plugins: [python], test: { ...each, name: "alone", include: alone } },
      // What they import is loaded once, and once compiled to machine code; nothing of theirs outlives a suite but what is the same for all.
      { plugins: [python], test: { ...each, name: "shared", include: ["test/**/*.test.ts"], exclude: alone, isolate: false } },
    ],
  },
});
