/** `mvc diff`: one graph by two backends, value by value, to the first node where they part. */

import pc from "picocolors";
import type { Graph, OpValue, ValueId } from "../../compiler/graph/graph.ts";
import { mvcError, openPackage, openRunner, type Package, packageFolder, type Tensors } from "../../runtime/index.ts";
import { type GraphInputOptions, graphInputs } from "../graph-inputs.ts";
import { openProbe, openSubject, type Probe, type ProbedBackend, runsOf } from "../probes.ts";
import { sourceText } from "../program.ts";
import { referenceRunner } from "../reference-runner.ts";
import { type Worst, worstOf } from "../tensor-error.ts";
import type { Outcome } from "../terminal.ts";

export interface DiffOptions extends GraphInputOptions {
  readonly backend: ProbedBackend;
  readonly against: ProbedBackend;
  /** Of the tensor's largest value. */
  readonly tolerance?: number;
}

/** f32 sums in two orders stay within the first; values that are stored as halves, through a thousand layers, within the second. */
const tolerances = { f32: 1e-4, f16: 2e-2 } as const;

/** Of values that are held at once, of each backend. */
const bytesAtOnce = 512 * 2 ** 20;

interface Compared {
  readonly value: OpValue;
  readonly worst: Worst;
}

export async function diff(folder: string, name: string, options: DiffOptions): Promise<Outcome> {
  const { backend, against } = options;
  if (backend === against)
    throw mvcError("option-invalid", { option: "--against", expected: `another backend than ${backend}`, found: against });
  const pack = await openPackage(packageFolder(folder));
  const subject = await openSubject(pack, folder, name, await inputsOf(pack, folder, name, options));
  const tolerance = options.tolerance ?? tolerances[pack.manifest.precision];
  if (!(tolerance > 0)) throw mvcError("option-invalid", { option: "--tolerance", expected: "above 0", found: String(tolerance) });
  const probes: Probe[] = [];
  try {
    const open = async (one: ProbedBackend) => {
      const probe = await openProbe(one, subject);
      probes.push(probe);
      return probe;
    };
    const pair = [await open(backend), await open(against)] as const;
    const compared = await compare(subject.graph, pair, tolerance);
    const last = compared.at(-1);
    const parted = last !== undefined && !(last.worst.error <= tolerance);
    const lines = parted ? divergence(subject.graph, compared, pair, { ...options, tolerance }) : agreement(compared, options, tolerance);
    process.stdout.write(`${lines.join("\n")}\n`);
    return parted ? "mistake" : "done";
  } finally {
    for (const probe of probes) await probe.close();
  }
}

/** A prompt is encoded by that of the two backends which is no oracle. */
async function inputsOf(pack: Package, folder: string, graph: string, options: DiffOptions): Promise<Tensors> {
  if (options.prompt === undefined) return graphInputs(pack, graph, options, referenceRunner(pack, folder));
  const fast = options.backend === "reference" ? options.against : options.backend;
  const runner = fast === "reference" ? referenceRunner(pack, folder) : await openRunner(pack, folder, { backend: fast });
  try {
    return await graphInputs(pack, graph, options, runner);
  } finally {
    await runner.dispose();
  }
}

/** Every value up to and with the first beyond the tolerance. */
async function compare(graph: Graph, pair: readonly [Probe, Probe], tolerance: number): Promise<readonly Compared[]> {
  const compared: Compared[] = [];
  for (const run of runsOf(graph, pair, bytesAtOnce)) {
    const ids = new Set(run.map(({ id }) => id));
    const [found, expected] = [await pair[0].read(ids), await pair[1].read(ids)];
    for (const value of run) {
      const [a, b] = [found.get(value.id), expected.get(value.id)];
      if (a === undefined || b === undefined) throw new Error(`diff: value %${value.id} of ${graph.name} was not given`);
      const worst = worstOf(a, b);
      compared.push({ value, worst });
      if (!(worst.error <= tolerance)) return compared;
    }
  }
  return compared;
}

function agreement(compared: readonly Compared[], { backend, against }: DiffOptions, tolerance: number): readonly string[] {
  const [first] = compared;
  if (first === undefined) return ["there is no value that both backends can show"];
  const most = compared.reduce((worst, one) => (one.worst.error > worst.worst.error ? one : worst), first);
  return [
    `${pc.green("agree")}: ${compared.length} values by ${backend} and ${against} within ${tolerance} of each one's largest`,
    `the most they differ is ${most.worst.error.toExponential(1)}, at ${described(most.value)} ${pc.dim(sourceOf(most.value))}`,
  ];
}

function divergence(
  graph: Graph,
  compared: readonly Compared[],
  [probe]: readonly [Probe, Probe],
  { backend, against, tolerance }: DiffOptions,
): readonly string[] {
  const { value, worst } = compared.at(-1) as Compared;
  const kernel = probe.kernelOf(value.id);
  const errors = new Map(compared.map((one) => [one.value.id, one]));
  const before = nearest(graph, value, errors).map(
    ({ value: read, worst: { error } }) => `  reads ${described(read)}, which differs by ${error.toExponential(1)}`,
  );
  return [
    `${pc.red("differ")} first at ${pc.bold(described(value))}, ${compared.length - 1} values after the start`,
    `  ${sourceOf(value)}`,
    `  ${backend} and ${against} differ by ${worst.error.toExponential(1)} of the largest value, where ${tolerance} is allowed`,
    `  most at [${placeOf(worst.at, value.type.shape).join(", ")}]: ${worst.found} by ${backend}, ${worst.expected} by ${against}`,
    ...(kernel === undefined ? [] : [`  kernel ${kernel}`]),
    ...before,
  ];
}

/** The values that were compared and that this one is made of, seen through those that were not. */
function nearest(graph: Graph, value: OpValue, errors: ReadonlyMap<ValueId, Compared>): readonly Compared[] {
  const byId = new Map(graph.values.map((one) => [one.id, one]));
  const found = new Set<Compared>();
  const visited = new Set<ValueId>();
  const visit = (id: ValueId): void => {
    if (visited.has(id)) return;
    visited.add(id);
    const known = errors.get(id);
    const read = byId.get(id);
    if (known !== undefined) found.add(known);
    else if (read?.kind === "op") read.inputs.forEach(visit);
  };
  value.inputs.forEach(visit);
  return [...found];
}

function described({ op, id, origin, type }: OpValue): string {
  return `${origin.path || `%${id}`} (${op} ${type.dtype} [${type.shape.join(", ")}])`;
}

/** The line that the node was written in; packages name the file as it was built. */
function sourceOf({ origin: { span } }: OpValue): string {
  const text = sourceText(span.file);
  if (text === undefined) return `from ${span.file}, characters ${span.start} to ${span.end}`;
  const before = text.slice(0, span.start).split("\n");
  return `from ${span.file}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

function placeOf(at: number, shape: readonly number[]): readonly number[] {
  let rest = at;
  return [...shape]
    .reverse()
    .map((size) => {
      const place = rest % size;
      rest = Math.floor(rest / size);
      return place;
    })
    .reverse();
}
