/** What several calls of a block came to, to one known value for all of them: the same everywhere, or told by the rounds of its loops. */

import type { RepeatStatement } from "../../../dsl/index.ts";
import type { Known, LoopId, PlainValue } from "../../module/code.ts";
import type { Round } from "../frame.ts";
import type { Static } from "../static.ts";
import type { Run } from "./recorder.ts";

/** Calls of one block that cannot share code, told apart by a text each. */
export class Conflict extends Error {
  readonly kinds: ReadonlyMap<Run, string>;

  constructor(kinds: ReadonlyMap<Run, string>, what: string) {
    super(what);
    this.kinds = kinds;
  }
}

/** What was found in a run, in one round of its loops. */
export interface Found<T> {
  readonly run: Run;
  readonly rounds: readonly Round[];
  readonly value: T;
}

/** A value without tensors; undefined where there are any. */
export function plainOf(value: Static): PlainValue | undefined {
  switch (value.kind) {
    case "int":
    case "float":
    case "bool":
    case "string":
      return value.value;
    case "tensor":
      return undefined;
    case "list": {
      const items = value.items.map(plainOf);
      return items.every((item) => item !== undefined) ? items : undefined;
    }
    case "record": {
      const fields = [...value.fields].map(([name, field]) => [name, plainOf(field)] as const);
      return fields.every(([, field]) => field !== undefined) ? (Object.fromEntries(fields) as PlainValue) : undefined;
    }
  }
}

export function holdsTensor(value: Static): boolean {
  if (value.kind === "list") return value.items.some(holdsTensor);
  return value.kind === "tensor" || (value.kind === "record" && [...value.fields.values()].some(holdsTensor));
}

/** One value for all that was found; a table by the rounds of loops where it follows from them. Throws a conflict where calls differ. */
export function agree(found: readonly Found<PlainValue>[], loops: (loop: RepeatStatement) => LoopId, what: string): Known {
  const [first] = found;
  if (first === undefined) throw new Error(`code: ${what} is asked for, but was never evaluated`);
  const text = JSON.stringify(first.value);
  if (found.every(({ value }) => JSON.stringify(value) === text)) return { kind: "plain", value: first.value };
  const byRounds = new Map<string, string>();
  const alike = found.every(({ rounds, value }) => {
    const key = rounds.map(({ at }) => at).join();
    const [own, other] = [JSON.stringify(value), byRounds.get(key)];
    byRounds.set(key, own);
    return other === undefined || other === own;
  });
  if (alike && first.rounds.length > 0) return table(found, loops);
  throw conflict(found, what);
}

/** Calls told apart by all that was found in each. */
export function conflict(found: readonly Found<unknown>[], what: string): Conflict {
  const kinds = new Map<Run, string>();
  for (const { run, rounds, value } of found) {
    kinds.set(run, `${kinds.get(run) ?? ""};${rounds.map(({ at }) => at).join()}=${JSON.stringify(value)}`);
  }
  return new Conflict(kinds, what);
}

type Rows = { [at: number]: Rows | PlainValue };

/** Rounds in which nothing was found have a 0. */
function table(found: readonly Found<PlainValue>[], loops: (loop: RepeatStatement) => LoopId): Known {
  const rows: Rows = {};
  for (const { rounds, value } of found) {
    let row = rows;
    for (const { at } of rounds.slice(0, -1)) {
      row[at] ??= {};
      row = row[at] as Rows;
    }
    row[rounds.at(-1)?.at ?? 0] = value;
  }
  const depth = found[0]?.rounds.length ?? 0;
  const known = (found[0]?.rounds ?? []).map(({ loop }) => loops(loop));
  const listed = (row: Rows | PlainValue | undefined, level: number): PlainValue => {
    if (level === depth) return (row as PlainValue | undefined) ?? 0;
    const keys = Object.keys(row ?? {}).map(Number);
    return Array.from({ length: Math.max(-1, ...keys) + 1 }, (_, i) => listed((row as Rows)[i], level + 1));
  };
  return withoutIdle(listed(rows, 0), known);
}

/** Loops by which nothing changes are left out of a table. */
function withoutIdle(rows: PlainValue, loops: readonly LoopId[]): Known {
  const inner = loops.length - 1;
  if (inner < 0) return { kind: "plain", value: rows };
  const idle = (value: PlainValue, level: number): boolean => {
    const items = value as readonly PlainValue[];
    if (level > 0) return items.every((item) => idle(item, level - 1));
    return items.every((item) => JSON.stringify(item) === JSON.stringify(items[0]));
  };
  for (let level = inner; level >= 0; level--) {
    if (!idle(rows, level)) continue;
    const without = (value: PlainValue, at: number): PlainValue => {
      const items = value as readonly PlainValue[];
      return at === 0 ? (items[0] ?? 0) : items.map((item) => without(item, at - 1));
    };
    return withoutIdle(without(rows, level), loops.toSpliced(level, 1));
  }
  return { kind: "table", rows, loops };
}
