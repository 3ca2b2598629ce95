/** What expanding a source may take, and what it has taken: nothing a source says makes a build hang, overflow or fill the memory. */

/** For one graph, far above any model. A constant is a single number, bounded by the values, or counts its elements as items. */
const ofGraph = {
  steps: {
    of: "the graph",
    most: 100_000,
    unit: "calls and rounds of `repeat`",
    hint: "repeat less often, or let fewer blocks call each other",
  },
  values: {
    of: "the graph",
    most: 200_000,
    unit: "values, counted once more by each that reads them",
    hint: "give the model fewer layers",
  },
  items: { of: "the graph", most: 1_000_000, unit: "items of lists and constants", hint: "keep less in lists, and constants smaller" },
  expressions: { of: "the graph", most: 2_000_000, unit: "expressions", hint: "repeat less often" },
} as const;

const ofEvaluation = {
  /** While one is evaluated: each takes some of the stack. */
  levels: {
    of: "the value",
    most: 400,
    unit: "blocks, bodies and expressions within each other",
    hint: "let blocks call each other less deeply, and give parts of long expressions names, with `const`",
  },
  /** Those truly evaluated for one build or check: seconds. */
  work: {
    of: "all graphs, presets and ablations together",
    most: 3_000_000,
    unit: "expressions",
    hint: "declare fewer presets and ablations, or smaller ones",
  },
} as const;

export const budgets = { ...ofGraph, ...ofEvaluation } as const;

export type Spent = keyof typeof ofGraph;
export type Bound = keyof typeof budgets;
export type Spending = { readonly [S in Spent]: number };

export function spendings(spending: Spending): readonly (readonly [Spent, number])[] {
  return Object.entries(spending) as [Spent, number][];
}

const nothing: Spending = { steps: 0, values: 0, items: 0, expressions: 0 };

/** Lists and records within each other. */
export const mostNested = 30;

/** Of a tensor. */
export const mostAxes = 16;

export class Budget {
  private spending: { -readonly [S in Spent]: number } = { ...nothing };
  private work = 0;
  private levels = 0;

  /** A graph has its budget for itself; work goes on being counted. */
  beginGraph(): void {
    this.spending = { ...nothing };
    this.levels = 0;
  }

  /** Whether there was that much left. */
  spend(what: Spent, amount: number): boolean {
    this.spending[what] += amount;
    return this.spending[what] <= budgets[what].most;
  }

  /** Counts an expression or body, until `leave`; whether it may be evaluated. */
  enter(): Bound | undefined {
    this.work++;
    this.levels++;
    if (!this.spend("expressions", 1)) return "expressions";
    if (this.work > budgets.work.most) return "work";
    return this.levels > budgets.levels.most ? "levels" : undefined;
  }

  leave(): void {
    this.levels--;
  }

  /** How many have been entered and not left. */
  get level(): number {
    return this.levels;
  }

  /** Leaves what an error has broken off. */
  returnTo(level: number): void {
    this.levels = level;
  }

  /** What has been spent so far; with `before`, since then. */
  spent(before: Spending = nothing): Spending {
    const { steps, values, items, expressions } = this.spending;
    return {
      steps: steps - before.steps,
      values: values - before.values,
      items: items - before.items,
      expressions: expressions - before.expressions,
    };
  }
}
