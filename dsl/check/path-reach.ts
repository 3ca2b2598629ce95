/** A path of a layout to whether the labels of its block can make it, by the labels alone: sizes are not known. */

import type { BlockDeclaration, ModelDeclaration, Statement } from "../ast.ts";
import type { Expression, Label, Levels } from "../expressions.ts";
import { plainText } from "../label.ts";
import { nearest } from "../nearest.ts";
import type { Declared } from "../program.ts";
import { opWeights } from "../signature.ts";
import { partsOf } from "../walk.ts";

/** Levels that a label adds, each a text in which `*` stands for what a hole says and `#` for a number, and what stands below; of an op, its weights. */
interface Step {
  readonly levels: readonly string[];
  readonly below: (() => readonly Step[]) | "any";
}

/** Whether a path leads to weights, and where not, what may have been meant. */
export interface Reached {
  readonly reached: boolean;
  readonly guess?: string | undefined;
}

/** How the path is shown, and what stands below the label of an op. */
interface Walk {
  readonly shown: readonly string[];
  readonly ofOps: "any" | readonly Step[];
}

export class PathReach {
  private readonly declared: (name: string, file: string) => Declared | undefined;
  private readonly known = new Map<readonly Statement[], readonly Step[]>();

  constructor(declared: (name: string, file: string) => Declared | undefined) {
    this.declared = declared;
  }

  /** Where it leads nowhere, `guess` is the path with the nearest level in the place of the first that is wrong. */
  follow(of: BlockDeclaration | ModelDeclaration, file: string, { texts, holes }: Levels): Reached {
    const shown = texts.map((text, i) => text + (holes[i]?.kind === "name" ? `{${holes[i].name}}` : "")).join("");
    return this.followLevels(of, file, texts.join("#").split("."), { shown: shown.split("."), ofOps: "any" });
  }

  /** The same of a pattern of weight paths, in which `*` is one level and `**` any number of them. */
  followPattern(of: BlockDeclaration | ModelDeclaration, file: string, pattern: string): Reached {
    return this.followLevels(of, file, pattern.split("."), { shown: pattern.split("."), ofOps: opSteps });
  }

  private followLevels(of: BlockDeclaration | ModelDeclaration, file: string, levels: readonly string[], { shown, ofOps }: Walk): Reached {
    const bodies = of.kind === "block" ? [of.body] : of.members.flatMap((member) => (member.kind === "graph" ? [member.body] : []));
    // Each step at each level once: calls without labels may lead to one block in many ways.
    const seen = new Map<Step, Set<number>>();
    let [deepest, candidates] = [0, new Set<string>()];
    /** The places in the pattern behind a level of a path, of all that lie before it. */
    const past = (places: readonly number[], label: string): readonly number[] => {
      const next = new Set<number>();
      for (const place of places) {
        // `**` is nothing, or takes the level and stays.
        for (let at = place; ; at++) {
          const level = levels[at];
          if (level === "**") next.add(at);
          else {
            if (level === undefined || meets(level, label)) next.add(at + 1);
            else {
              if (at > deepest) [deepest, candidates] = [at, new Set()];
              if (at === deepest) candidates.add(label);
            }
            break;
          }
        }
      }
      return [...next];
    };
    const open = bodies.flatMap((body) => this.stepsIn(body, file)).map((step) => ({ step, at: 0 }));
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { step, at } = next;
      const known = seen.get(step) ?? new Set();
      seen.set(step, known);
      if (known.has(at)) continue;
      known.add(at);
      let places: readonly number[] = [at];
      for (const label of step.levels) {
        places = past(places, label);
        if (places.some((place) => isEnd(levels, place))) return { reached: true };
      }
      const inner = step.below === "any" ? ofOps : step.below();
      if (places.length > 0 && inner === "any") return { reached: true };
      if (inner !== "any") for (const below of inner) for (const place of places) open.push({ step: below, at: place });
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

/** The weights of an op, whichever it is. */
const opSteps: readonly Step[] = opWeights.map((name) => ({ levels: [name], below: () => [] }));

/** Whether nothing of a pattern is left that a path must have. */
function isEnd(levels: readonly string[], place: number): boolean {
  return levels.slice(place).every((level) => level === "**");
}

/** Whether a level of a path can be what a label adds. */
function meets(level: string, label: string): boolean {
  return /[#*]/.test(label) ? patternOf(label).test(level.replaceAll("#", "0")) : patternOf(level).test(label);
}

function patternOf(level: string): RegExp {
  return new RegExp(`^${level.replaceAll("#", "\\d+").replaceAll("*", ".+")}$`);
}
