// What the test runner reads: every suite under test/, two at a time, the longest first, with room for the slow oracle.

import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Goldens on the device that suites share, where each kernel is compiled once for all graphs that have it: they follow one another. */
const onDevice = ["test/golden/*webgpu.test.ts", "test/golden/@(constants|families|neutral|wide).test.ts"];

/** Suites that open devices of their own, and the one that watches the memory: each has its process to itself. */
const alone = [
  "test/runtime/webgpu.test.ts",
  "test/training/webgpu-engine.test.ts",
  "test/cli/gpu-commands.test.ts",
  "test/compiler/fuzz.test.ts",
];

/** Over twenty seconds each, the longest of a project first. */
const long = [
  ...["golden/webgpu", "golden/families", "golden/wide"],
  ...["web/page", "golden/every-graph", "compiler/fuzz", "package/install", "runtime/webgpu"],
  ...["expand/budget", "dsl/breakages", "dsl/fuzz", "cli/interruption", "cli/bad-input"],
];

const projects = ["devices", "alone", "shared"];

/** What is long is not left for the end, where one processor would wait for the other; suites that share a process follow one another. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification) => {
      const at = long.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return projects.indexOf(project.name) * (long.length + 1) + (at < 0 ? long.length : at);
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

/** New objects have room for 64 MB before they are collected: a compiler makes many, and with V8's 16 MB a quarter of its time goes there. */
const execArgv = ["--max-semi-space-size=64"];

const each = { testTimeout: 60_000, hookTimeout: 60_000, pool: "forks", execArgv } as const;

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
      { plugins: [python], test: { ...each, name: "devices", include: onDevice, isolate: false } },
      { plugins: [python], test: { ...each, name: "alone", include: alone } },
      // What they import is loaded once, and once compiled to machine code; nothing of theirs outlives a suite but what is the same for all.
      {
        plugins: [python],
        test: { ...each, name: "shared", include: ["test/**/*.test.ts"], exclude: [...onDevice, ...alone], isolate: false },
      },
    ],
  },
});
