/** A loss of training to the class that computes it: it reads the model's modules, and what it calls in another way by the same weights. */

import type { CodeLoss, CodeStatement, Computed, Levels } from "../../module/code.ts";
import { broken } from "./broken.ts";
import { BlockContext, type FileContext, joined, modelOwner, type Registered, type Registering, type Spot } from "./context.ts";
import { ForwardWriter } from "./forward.ts";
import { InitWriter, type Owner, placeKey } from "./init.ts";
import { keptOf } from "./lines.ts";
import { docstring, isIdentifier, pythonName } from "./python.ts";
import { noLevels } from "./spots.ts";
import { indented, shapesOf, tensorsOf } from "./write-block.ts";
import type { WrittenModel } from "./write-model.ts";

export interface WrittenLoss {
  readonly name: string;
  readonly lines: readonly string[];
  readonly uses: ReadonlySet<string>;
}

/** Names of the model's class, and of the function that ties modules to a model's weights. */
export interface LossNames {
  readonly model: string;
  readonly tied: string;
}

export function writeLoss(
  name: string,
  loss: CodeLoss,
  file: FileContext,
  { registered, methods }: WrittenModel,
  { model, tied }: LossNames,
): WrittenLoss {
  const { block } = loss;
  const context = new BlockContext(file, block, methods, modelOwner);
  const body = returning(block.body, loss.outputs, () => context.fresh("outputs"));
  const given = context.fresh("model");
  const writer = new LossInitWriter(context, body, registered, { given, tied });
  const init = keptOf(writer.write(body));
  const float = block.parameters.find(({ tensor }) => tensor !== undefined && tensor !== "several" && tensor.isFloat);
  const forward = new ForwardWriter(context, {
    parameter: pythonName,
    dim: pythonName,
    like: float === undefined ? "next(self.parameters())" : pythonName(float.name),
  });
  const kept = keptOf(forward.write(body));
  const sizes = forward.sizes(kept.uses);
  const lines = [
    `class ${name}(nn.Module):`,
    ...(loss.doc === undefined ? [] : [...docstring(loss.doc, "    "), ""]),
    ...broken(`    def __init__(self, ${given}: ${model}) -> None:`),
    "        super().__init__()",
    `        ${modelOwner} = ${given}`,
    ...writer.tables.map((table) => `        self.${table} = {}`),
    ...indented(init, "        "),
    "",
    ...broken(`    def forward(${["self", ...tensorsOf(block)].join(", ")}) -> dict[str, Tensor]:`),
    ...shapesOf({ ...block, body }, "        "),
    ...sizes.lines.map((line) => `        ${line}`),
    ...indented(kept, "        "),
  ];
  return { name, lines, uses: new Set([...init.uses, ...sizes.uses]) };
}

/** What a loss registers is the model's where that has it by the same text, else beside it by the model's weights. */
class LossInitWriter extends InitWriter {
  /** Attributes that hold a module for each path. */
  readonly tables: string[] = [];
  private readonly model: ReadonlyMap<string, Registered>;
  private readonly names: { readonly given: string; readonly tied: string };
  private readonly beside = new Map<string, Registered>();
  private readonly attributes = new Set(["model", "forward"]);

  constructor(
    context: BlockContext,
    statements: readonly CodeStatement[],
    model: ReadonlyMap<string, Registered>,
    names: { readonly given: string; readonly tied: string },
  ) {
    super(context, true, statements);
    this.model = model;
    this.names = names;
  }

  protected override listSpot(): undefined {
    return undefined;
  }

  protected override register(node: Registering, label: Levels, made: string, { prefix }: Owner, kind: "_modules" | "_parameters"): void {
    const { spots } = this.context;
    const tie = (module: string, at: string) => `${this.names.tied}(${module}, ${this.names.given}, ${at})`;
    const levels = joined(prefix, label);
    const path = this.known.string(levels);
    const uses = this.known.taken();
    // What a variable says may be another thing by the same text.
    const isFixed = ![...uses].some((use) => /^(?:local|index):/.test(use));
    const key = placeKey("self", levels);
    const same = [this.model.get(key), this.beside.get(key)].find((one) => isFixed && one?.made === made);
    const line = (text: string) => this.nodes.push({ kind: "line", text, uses, sets: undefined, comment: undefined });
    if (same !== undefined) {
      spots.set(node, same.spot.kind === "beside" ? same.spot : inModel(same.spot));
      return;
    }
    if (kind === "_parameters") {
      const name = label.texts.join("");
      const owner = prefix ?? noLevels;
      spots.set(node, { kind: "submodule", levels: owner, name });
      line(tie(`nn.ParameterDict({${JSON.stringify(name)}: ${made}})`, this.known.string(owner)));
      return;
    }
    const name = this.attribute(levels);
    const spot: Spot = { kind: "beside", name, levels: levels.holes.length === 0 ? undefined : levels };
    if (spot.levels !== undefined) this.tables.push(name);
    spots.set(node, spot);
    this.beside.set(key, { made, spot });
    line(`self.${name}${spot.levels === undefined ? "" : `[${path}]`} = ${tie(made, path)}`);
  }

  /** A name for what lies at levels, after the last that is a word, which no module has for itself. */
  private attribute({ texts }: Levels): string {
    const words = texts
      .join(".")
      .split(".")
      .filter((level) => isIdentifier(level) && !this.context.clashes(level, modelOwner));
    const word = words.at(-1) ?? "own";
    let name = word;
    for (let i = 2; this.attributes.has(name); i++) name = `${word}${i}`;
    this.attributes.add(name);
    return name;
  }
}

/** Where the model has something, from a loss. */
function inModel(spot: Spot): Spot {
  return spot.kind === "attribute" || spot.kind === "path" || spot.kind === "shared" ? { ...spot, owner: modelOwner } : spot;
}

/** The statements with what they return as a record of the outputs, the minimised one first. */
function returning(statements: readonly CodeStatement[], outputs: CodeLoss["outputs"], fresh: () => string): readonly CodeStatement[] {
  return statements.flatMap((statement): CodeStatement[] => {
    switch (statement.kind) {
      case "if": {
        const [yes, no] = [statement.yes, statement.no].map((branch) => returning(branch, outputs, fresh));
        return [{ ...statement, yes: yes ?? [], no: no ?? [] }];
      }
      case "repeat":
        return [{ ...statement, body: returning(statement.body, outputs, fresh) }];
      case "return": {
        const { value } = statement;
        const parts = outputs.map(({ path }) => partOf(value, path));
        if (parts.every((part) => part !== undefined)) return [asRecord(outputs, parts)];
        const name = fresh();
        const whole = { kind: "variable", name } as const;
        const found = outputs.map(({ path }) => path.reduce<Computed>(stepInto, whole));
        return [{ kind: "bind", name, value, shape: undefined, declares: true }, asRecord(outputs, found)];
      }
      default:
        return [statement];
    }
  });
}

function asRecord(outputs: CodeLoss["outputs"], parts: readonly Computed[]): CodeStatement {
  const fields = new Map(outputs.map(({ name }, i) => [name, parts[i] as Computed]));
  return { kind: "return", value: { kind: "fields", fields }, shape: undefined };
}

/** A part of what is written out; undefined where it is not. */
function partOf(value: Computed, path: readonly (string | number)[]): Computed | undefined {
  const [step, ...others] = path;
  if (step === undefined) return value;
  const part = value.kind === "fields" ? value.fields.get(String(step)) : value.kind === "tensors" ? value.items[Number(step)] : undefined;
  return part && partOf(part, others);
}

function stepInto(value: Computed, step: string | number): Computed {
  if (typeof step === "string") return { kind: "of", record: value, field: step };
  return { kind: "at", list: value, index: { kind: "plain", value: step } };
}
