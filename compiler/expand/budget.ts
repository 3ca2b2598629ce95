/** What expanding a source may take, and what it has taken: nothing a source says makes a build hang, overflow or fill the memory. */

/** For one graph, far above any model. Constants are single numbers, one a value, so that the values bound their bytes too. */
export const budgets = {
  steps: { most: 100_000, unit: "calls and rounds of `repeat`", hint: "repeat less often, or let fewer blocks call each other" },
  values: { most: 200_000, unit: "values, counted once more by each that reads them", hint: "give the model fewer layers" },
  items: { most: 1_000_000, unit: "items of lists", hint: "keep less in lists" },
  expressions: { most: 2_000_000, unit: "expressions", hint: "repeat less often" },
} as const;

export type Spent = keyof typeof budgets;
export type Spending = { readonly [S in Spent]: number };

export function spendings(spending: Spending): readonly (readonly [Spent, number])[] {
  return Object.entries(spending) as [Spent, number][];
}

const nothing: Spending = { steps: 0, values: 0, items: 0, expressions: 0 };

/** Blocks, bodies and expressions within each other while one is evaluated: each takes some of the stack. */
export const mostLevels = 400;

/** Lists and records within each other. */
export const mostNested = 30;

/** Of a tensor. */
export const mostAxes = 16;

/** Expressions that are truly evaluated for one build or check, over all graphs, presets and ablations: seconds. */
export const mostWork = 3_000_000;

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
  enter(): Spent | "work" | "levels" | undefined {
    this.work++;
    this.levels++;
    if (!this.spend("expressions", 1)) return "expressions";
    if (this.work > mostWork) return "work";
    return this.levels > mostLevels ? "levels" : undefined;
  }

  leave(): void {
    this.levels--;
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
