/** A model with an ablation and without it to what the ablation is in the language's own terms: its declaration, the lines that read what it sets, and the nodes that differ. */

import type { Graph, OpValue, ValueId } from "../../compiler/graph/graph.ts";
import type { AblationDeclaration, Declaration, FileScope, Program } from "../../dsl/index.ts";
import type { Change, GraphChange, Share, SourceLine } from "../../study/variant.ts";
import { compared } from "../report/comparison.ts";
import type { Side } from "../report/side.ts";

/** The ablations of a model, in the order of the source. */
export function ablationsOf(program: Program, model: string): readonly AblationDeclaration[] {
  const declarations = program.files.get(program.entry)?.source.declarations ?? [];
  return declarations.filter((one) => one.kind === "ablation").filter((one) => one.model.name === model);
}

export function changeOf(ablation: AblationDeclaration, baseline: Side, variant: Side): Change {
  const { program, choices } = baseline;
  const scope = program.files.get(program.entry);
  if (scope === undefined) throw new Error("ablate: the entry is not in its program");
  const preset = scope.source.declarations.find((one) => one.kind === "preset" && one.name.name === choices.preset);
  const presets = preset?.kind === "preset" ? preset.overrides : [];
  const settings = ablation.overrides.map(({ name: { name }, value }) => {
    const given = choices.settings?.[name];
    const preset = presets.find((one) => one.name.name === name);
    const from = given !== undefined ? JSON.stringify(given) : preset ? textOf(scope, preset.value.span) : defaultOf(program, scope, name);
    return { name, from, to: textOf(scope, value.span) };
  });
  const read = settings.flatMap(({ name }) => readersOf(program, scope, name));
  const places = new Set<string>();
  return {
    declared: linesOf(scope, ablation.span),
    settings,
    readBy: read.filter(({ file, line }) => !places.has(`${file}:${line}`) && places.add(`${file}:${line}`)),
    graphs: graphChanges(baseline, variant),
  };
}

function graphChanges(a: Side, b: Side): readonly GraphChange[] {
  return compared(a, b).graphs.flatMap(({ names, path, ...costs }): GraphChange[] => {
    const [own, other] = [placesIn(a.expanded.graphs.get(names.a ?? "")), placesIn(b.expanded.graphs.get(names.b ?? ""))];
    const [ops, told, rewired] = [countsOf(own, other), toldOf(own, other), rewiredIn(own, other)];
    if ([path, ops, told, rewired].every(({ length }) => length === 0)) return [];
    const share = (one: Share | undefined) => (one === undefined ? null : { parameters: one.parameters, flops: one.flops });
    const parts = path.map((row) => ({ name: row.name, baseline: share(row.a), variant: share(row.b) }));
    const nodes = { baseline: costs.a?.nodes ?? 0, variant: costs.b?.nodes ?? 0 };
    return [{ graph: names.a ?? names.b ?? "", nodes, ops, told, rewired, parts }];
  });
}

interface Placed {
  readonly node: OpValue;
  /** Where each of its inputs stands. */
  readonly inputs: readonly string[];
}

/** By op and weight path, and of several the first, the second and so on. */
function placesIn(graph: Graph | undefined): ReadonlyMap<string, Placed> {
  const [seen, places, nodes] = [new Map<string, number>(), new Map<ValueId, string>(), new Map<string, Placed>()];
  for (const value of graph?.values ?? []) {
    const name =
      value.kind === "op"
        ? `${value.op} at ${value.origin.path}`
        : value.kind === "weight"
          ? value.path
          : value.kind === "input"
            ? value.name
            : "a constant";
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    const place = value.kind === "op" && count > 1 ? `${name} (${count})` : name;
    places.set(value.id, place);
    if (value.kind === "op") nodes.set(place, { node: value, inputs: value.inputs.map((id) => places.get(id) ?? "") });
  }
  return nodes;
}

type Places = ReadonlyMap<string, Placed>;

function countsOf(a: Places, b: Places): GraphChange["ops"] {
  const count = (nodes: Places, op: string) => [...nodes.values()].filter(({ node }) => node.op === op).length;
  const names = [...new Set([...a.values(), ...b.values()].map(({ node }) => node.op))];
  return names.map((op) => ({ op, baseline: count(a, op), variant: count(b, op) })).filter(({ baseline, variant }) => baseline !== variant);
}

function toldOf(a: Places, b: Places): GraphChange["told"] {
  const found = new Map<string, GraphChange["told"][number]>();
  for (const [place, { node }] of a) {
    const other = b.get(place)?.node;
    if (other === undefined) continue;
    const its = new Map(Object.entries(other.attributes ?? {}));
    for (const [attribute, value] of Object.entries(node.attributes ?? {})) {
      const [from, to] = [JSON.stringify(value), JSON.stringify(its.get(attribute))];
      if (to === undefined || to === from) continue;
      const key = [node.op, attribute, from, to].join();
      found.set(key, { op: node.op, attribute, from, to, count: (found.get(key)?.count ?? 0) + 1 });
    }
  }
  return [...found.values()];
}

/** Of what both have; what an op is added before or taken from before reads something else too. */
function rewiredIn(a: Places, b: Places): readonly string[] {
  return [...a].flatMap(([place, { inputs }]) => {
    const other = b.get(place)?.inputs;
    return other === undefined || other.join() === inputs.join() ? [] : [place];
  });
}

const textOf = ({ source }: FileScope, { start, end }: { readonly start: number; readonly end: number }): string =>
  source.text.slice(start, end);

function linesOf({ source }: FileScope, { start, end }: { readonly start: number; readonly end: number }): readonly SourceLine[] {
  const first = source.text.slice(0, start).split("\n").length;
  return source.text
    .slice(source.text.lastIndexOf("\n", start - 1) + 1, end)
    .split("\n")
    .map((text, i) => ({ file: source.path, line: first + i, text }));
}

/** As the source has it; null of a dim of the model itself. */
function defaultOf(program: Program, scope: FileScope, name: string): string | null {
  const declared = scope.names.get(name);
  const own = declared && program.files.get(declared.file);
  if (own === undefined || (declared?.declaration.kind !== "dim" && declared?.declaration.kind !== "param")) return null;
  const { value } = declared.declaration as Extract<Declaration, { readonly kind: "dim" | "param" }>;
  return textOf(own, value.span);
}

/** Lines where a name stands for what the entry file means by it, but for its declaration and where it is set. */
function readersOf(program: Program, scope: FileScope, name: string): readonly SourceLine[] {
  const declaration = scope.names.get(name)?.declaration;
  if (declaration === undefined) return [];
  const reads = new RegExp(`(?<![\\w.])(?<!\\bas )${name}(?![\\w]|\\s*:)`);
  return [...program.files.values()].flatMap((file) => {
    if (file.names.get(name)?.declaration !== declaration) return [];
    const skipped = file.source.declarations.filter((one) => one === declaration || ["import", "preset", "ablation"].includes(one.kind));
    const lines = new Set(skipped.flatMap((one) => linesOf(file, one.span).map(({ line }) => line)));
    return file.source.text.split("\n").flatMap((text, i) => {
      const code = text.replace(/\/\/.*$/, "").replace(/"[^"]*"/g, '""');
      return lines.has(i + 1) || !reads.test(code) ? [] : [{ file: file.source.path, line: i + 1, text: text.trim() }];
    });
  });
}
