/** A model with an ablation and without it to what the ablation is in the language's own terms: its declaration, the lines that read what it sets, and the nodes that differ. */

import type { AblationDeclaration, Declaration, FileScope, Program } from "../../dsl/index.ts";
import type { Change, SourceLine } from "../../study/variant.ts";
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
  const { graphs } = compared(baseline, variant);
  return {
    declared: linesOf(scope, ablation.span),
    settings,
    readBy: settings.flatMap(({ name }) => readersOf(program, scope, name)),
    nodes: graphs.flatMap(({ names, path, op, a, b }) => {
      if (path.length === 0) return [];
      const cost = (share: { readonly parameters: number; readonly flops: number } | undefined) =>
        share === undefined ? null : { parameters: share.parameters, flops: share.flops };
      const rows = path.map((row) => ({ name: row.name, baseline: cost(row.a), variant: cost(row.b) }));
      const ops = op.filter((row) => row.a?.flops !== row.b?.flops || row.a?.parameters !== row.b?.parameters);
      return [
        {
          graph: names.a ?? names.b ?? "",
          rows,
          ops: ops.map(({ name }) => name),
          nodes: { baseline: a?.nodes ?? 0, variant: b?.nodes ?? 0 },
        },
      ];
    }),
  };
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
