// Reads the sources and holds them to the laws of the layout: who may import whom, no cycles, no long or misnamed files.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

const parts = ["dsl", "compiler", "runtime", "training", "study", "cli", "web", "bench"] as const;

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : entry.name.endsWith(".ts") ? [path] : [];
  });
}

interface Import {
  readonly to: string;
  readonly typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, "utf8");
  const found = text.matchAll(/^(?:import|export)\s+(type\s+)?[^;]*?from\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm);
  return [...found].map(([, typeOnly, fixed, dynamic]) => ({ to: fixed ?? dynamic ?? "", typeOnly: typeOnly !== undefined }));
}

const files = parts.flatMap((part) => {
  try {
    return sources(part);
  } catch {
    return [];
  }
});
const graph = new Map(files.map((file) => [file, importsOf(file)]));
const target = (file: string, imported: Import) => normalize(join(dirname(file), imported.to));
const partOf = (file: string) => file.split("/")[0] ?? "";

/** Of the lower parts, what the page uses as well: the words of the training data, types of the package. */
const sharedWithThePage = /^(cli\/data\/moving-shapes|compiler\/package\/manifest)\.ts$/;

test("parts import only what lies below them", () => {
  const allowed: { readonly [part: string]: readonly string[] } = {
    dsl: ["dsl"],
    compiler: ["compiler", "dsl"],
    runtime: ["runtime"],
    training: ["training", "compiler", "dsl", "runtime"],
    study: ["study"],
    cli: ["cli", "compiler", "dsl", "runtime", "training", "study"],
    web: ["web", "runtime", "study"],
    bench: ["bench", "cli", "compiler", "dsl", "runtime", "training", "study"],
  };
  const breaches = [...graph].flatMap(([file, imports]) =>
    imports
      .filter((imported) => imported.to.startsWith("."))
      .filter((imported) => !allowed[partOf(file)]?.includes(partOf(target(file, imported))))
      .filter((imported) => !(partOf(file) === "runtime" && target(file, imported).startsWith("compiler/package/")))
      .filter((imported) => !(partOf(file) === "web" && sharedWithThePage.test(target(file, imported))))
      .map((imported) => `${file} imports ${imported.to}`),
  );
  expect(breaches).toEqual([]);
});

/**
 * The rooms of the compiler from the ground up, and the lower rooms that each may import, types included. A target knows no
 * other target; of WebGPU's rooms the plan does not write kernels and kernels do not plan.
 */
const rooms: { readonly [room: string]: readonly string[] } = {
  graph: [],
  ops: ["graph"],
  rewriting: ["graph", "ops"],
  analysis: ["graph", "ops", "rewriting"],
  passes: ["graph", "ops", "rewriting", "analysis"],
  differentiate: ["graph", "ops", "rewriting", "analysis", "passes"],
  package: ["graph"],
  module: ["graph", "package"],
  expand: ["graph", "ops", "rewriting", "analysis", "package", "module"],
  "targets/onnx": ["graph", "ops", "package"],
  "targets/torch": ["graph", "ops", "module"],
  "targets/typescript": ["graph", "module"],
  "targets/webgpu/layout": ["graph"],
  "targets/webgpu/forms": ["graph", "ops", "targets/webgpu/layout"],
  "targets/webgpu/kernels": ["graph", "ops", "targets/webgpu/layout", "targets/webgpu/forms"],
  "targets/webgpu/plan": ["graph", "ops", "rewriting", "passes", "package", "targets/webgpu/layout", "targets/webgpu/forms"],
};
/** Joins its rooms, each of which may be imported here only. */
const webgpuTop = [
  "graph",
  "ops",
  "rewriting",
  "package",
  "module",
  ...Object.keys(rooms).filter((room) => room.startsWith("targets/webgpu/")),
];

/** The room of a file of the compiler; files that stand in no room are the way in, above all rooms. */
function roomOf(file: string): string | undefined {
  const path = file.slice("compiler/".length);
  const room = Object.keys(rooms).find((name) => path.startsWith(`${name}/`));
  return room ?? (path.startsWith("targets/webgpu/") ? "targets/webgpu" : undefined);
}

test("the compiler's rooms import only what lies below them, types included", () => {
  const order = Object.keys(rooms);
  for (const [room, lower] of Object.entries(rooms)) expect(lower.filter((one) => order.indexOf(one) >= order.indexOf(room))).toEqual([]);
  const breaches = [...graph].flatMap(([file, imports]) => {
    if (partOf(file) !== "compiler") return [];
    const room = roomOf(file);
    if (room === undefined) return file.split("/").length === 2 ? [] : [`${file} stands in no room`];
    const allowed = room === "targets/webgpu" ? webgpuTop : rooms[room];
    return imports
      .filter((imported) => imported.to.startsWith(".") && partOf(target(file, imported)) === "compiler")
      .map((imported) => roomOf(target(file, imported)) ?? "the way in")
      .filter((other) => other !== room && !allowed?.includes(other))
      .map((other) => `${file} imports ${other}`);
  });
  expect([...new Set(breaches)]).toEqual([]);
});

test("what follows the module knows nothing of the source's tree", () => {
  const breaches = [...graph]
    .filter(([file]) => /^compiler\/(?!expand\/)\w+\//.test(file))
    .flatMap(([file, imports]) =>
      imports
        .map((imported) => target(file, imported))
        .filter((to) => /^dsl\/(?!index\.ts|sampling\.ts)/.test(to))
        .map((to) => `${file} imports ${to}`),
    );
  expect(breaches).toEqual([]);
});

test("what compiler and runtime both read of a package needs nothing of the compiler", () => {
  const breaches = [...graph]
    .filter(([file]) => file.startsWith("compiler/package/"))
    // Where weights lie is worked out by the compiler alone.
    .filter(([file]) => file !== "compiler/package/weights.ts")
    .flatMap(([file, imports]) =>
      imports
        .filter((imported) => !imported.typeOnly && !/^(compiler\/package\/|dsl\/sampling\.ts$)/.test(target(file, imported)))
        .map((imported) => `${file} imports ${imported.to}`),
    );
  expect(breaches).toEqual([]);
});

test("what a browser runs imports nothing of Node", () => {
  const breaches = [...graph]
    .filter(([file]) => ["dsl", "compiler", "runtime", "training", "study", "web"].includes(partOf(file)) || sharedWithThePage.test(file))
    .filter(([file]) => !/^(runtime|training|web)\/node\//.test(file))
    .filter(([file]) => file !== "runtime/index.ts")
    .flatMap(([file, imports]) =>
      imports
        .filter((imported) => !imported.typeOnly && (/^node:|onnxruntime-node/.test(imported.to) || imported.to.includes("/node/")))
        .map((imported) => `${file} imports ${imported.to}`),
    );
  expect(breaches).toEqual([]);
});

test("no import goes in a circle", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) cycles.push([...trail.slice(trail.indexOf(file)), file].join(" → "));
    if (done.has(file) || trail.includes(file)) return;
    for (const imported of graph.get(file) ?? []) {
      if (imported.to.startsWith(".") && !imported.typeOnly) visit(target(file, imported), [...trail, file]);
    }
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});

test("files, tests among them, are short, named in kebab-case, and open with one sentence", () => {
  const breaches = [...files, ...sources("test")].flatMap((file) => {
    const text = readFileSync(file, "utf8");
    const name = file.split("/").at(-1) ?? "";
    const lines = text.split("\n").length - 1;
    return [
      ...(lines > 400 ? [`${file} has ${lines} lines`] : []),
      ...(/^[a-z0-9]+(-[a-z0-9]+)*(\.d|\.test)?\.ts$/.test(name) ? [] : [`${file} is not in kebab-case`]),
      ...(/^(utils?|helpers?|common|managers?)\.ts$/.test(name) ? [`${file} says nothing of what it does`] : []),
      ...(/^(#!.*\n)?(\/\*\*|\/\/) \S/.test(text) ? [] : [`${file} does not open with a sentence`]),
    ];
  });
  expect(breaches).toEqual([]);
});
