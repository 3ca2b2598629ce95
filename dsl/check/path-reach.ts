/** A path of a layout to whether the labels of its block can make it, by the labels alone: sizes are not known. */

import type { BlockDeclaration, ModelDeclaration, Statement } from "../ast.ts";
import type { Expression, Label, Levels } from "../expressions.ts";
import { plainText } from "../label.ts";
import { nearest } from "../nearest.ts";
import type { Declared } from "../program.ts";
import { partsOf } from "../walk.ts";

/** Levels that a label adds, each a text in which `*` stands for what a hole says and `#` for a number, and what stands below; of an op, its weights. */
interface Step {
  readonly levels: readonly string[];
  readonly below: (() => readonly Step[]) | "any";
}

export class PathReach {
  private readonly declared: (name: string, file: string) => Declared | undefined;
  private readonly known = new Map<readonly Statement[], readonly Step[]>();

  constructor(declared: (name: string, file: string) => Declared | undefined) {
    this.declared = declared;
  }

  /** Where it leads nowhere, `guess` is the path with the nearest level in the place of the first that is wrong. */
  follow(of: BlockDeclaration | ModelDeclaration, file: string, path: Levels): { reached: boolean; guess?: string | undefined } {
    const bodies = of.kind === "block" ? [of.body] : of.members.flatMap((member) => (member.kind === "graph" ? [member.body] : []));
    const levels = path.texts.join("#").split(".");
    const shown = path.texts
      .map((text, i) => text + (path.holes[i]?.kind === "name" ? `{${path.holes[i].name}}` : ""))
      .join("")
      .split(".");
    // Each step at each level once: calls without labels may lead to one block in many ways.
    const seen = new Map<Step, Set<number>>();
    let [deepest, candidates] = [0, new Set<string>()];
    const open = bodies.flatMap((body) => this.stepsIn(body, file)).map((step) => ({ step, at: 0 }));
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { step, at } = next;
      const places = seen.get(step) ?? new Set();
      seen.set(step, places);
      if (places.has(at)) continue;
      places.add(at);
      const differs = step.levels.findIndex((level, i) => at + i === levels.length || !meets(levels[at + i] as string, level));
      const end = at + (differs < 0 ? step.levels.length : differs);
      if (end === levels.length || (differs < 0 && step.below === "any")) return { reached: true };
      if (end > deepest) [deepest, candidates] = [end, new Set()];
      if (differs >= 0 && end === deepest) candidates.add(step.levels[differs] as string);
      if (differs < 0 && step.below !== "any") for (const below of step.below()) open.push({ step: below, at: end });
    }
    const guess = nearest(
      levels[deepest] ?? "",
      [...candidates].filter((one) => !/[#*]/.test(one)),
    );
    return { reached: false, guess: guess && [...shown.slice(0, deepest), guess, ...shown.slice(deepest + 1)].join(".") };
  }

  private stepsIn(statements: readonly Statement[], file: string): readonly Step[] {
    const known = this.known.get(statements);
    if (known !== undefined) return known;
    const steps: Step[] = [];
    for (const statement of statements) this.visit(statement, file, steps);
    this.known.set(statements, steps);
    return steps;
  }

  private visit(node: Statement | Expression, file: string, steps: Step[]): void {
    if (node.kind === "weight") steps.push({ levels: [node.name.name], below: () => [] });
    if (node.kind === "repeat") {
      const { body, label } = node;
      const numbered = label !== undefined && !label.tied && plainText(label) !== undefined;
      steps.push({ levels: [...levelsOf(label), ...(numbered ? ["#"] : [])], below: () => this.stepsIn(body, file) });
      return this.visit(node.range, file, steps);
    }
    if (node.kind === "call") {
      const declared = this.declared(node.callee.name, file);
      const block = declared?.declaration.kind === "block" ? { body: declared.declaration.body, file: declared.file } : undefined;
      if (block !== undefined) steps.push({ levels: levelsOf(node.label), below: () => this.stepsIn(block.body, block.file) });
      else if (node.label !== undefined) steps.push({ levels: levelsOf(node.label), below: "any" });
    }
    for (const part of partsOf(node)) this.visit(part, file, steps);
  }
}

function levelsOf(label: Label | undefined): readonly string[] {
  return label === undefined || plainText(label) === "" ? [] : label.texts.join("*").split(".");
}

/** Whether a level of a path can be what a label adds. */
function meets(level: string, label: string): boolean {
  return /[#*]/.test(label) ? patternOf(label).test(level.replaceAll("#", "0")) : patternOf(level).test(label);
}

function patternOf(level: string): RegExp {
  return new RegExp(`^${level.replaceAll("#", "\\d+").replaceAll("*", ".+")}$`);
}
