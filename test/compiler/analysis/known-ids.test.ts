// Ids that the source alone decides, looked up in tables that are too short for them, or that inputs decide.

import { expect, test } from "vitest";
import { idBeyondTable } from "../../../compiler/analysis/known-ids.ts";
import { GraphBuilder } from "../../../compiler/rewriting/builder.ts";

const origin = { path: "", span: { file: "test", start: 0, end: 0 }, expandedFrom: [] };

function graph() {
  const builder = new GraphBuilder();
  const beyondTable = (id: number) => idBeyondTable(builder, id);
  const ints = (...data: number[]) => builder.constant({ dtype: "i32", shape: [data.length] }, data);
  const input = (dtype: "f32" | "i32", ...shape: number[]) =>
    builder.input(`x${builder.finish("", []).values.length}`, { dtype, shape }, []);
  const gather = (x: number, indices: number, axis: number) => builder.op("gather", [x, indices], { axis }, origin);
  return { builder, beyondTable, ints, input, gather };
}

test("the first id beyond the axis that it is taken along is found, through arithmetic and lookups of ids", () => {
  const { builder, beyondTable, ints, input, gather } = graph();
  const table = input("f32", 3, 5);
  const beyond = (indices: number, axis: number) => beyondTable(gather(table, indices, axis));
  expect(beyond(ints(0, 4), 1)).toBe(undefined);
  expect(beyond(ints(0, 4, 3), 0)).toEqual({ id: 4, rows: 3, input: 1 });
  expect(beyond(ints(-1), 0)).toEqual({ id: -1, rows: 3, input: 1 });
  const apart = builder.op("sub", [ints(0, 1, 2), ints(2, 1, 0)], {}, origin);
  expect(beyond(apart, 1)).toEqual({ id: -2, rows: 5, input: 1 });
  expect(beyond(builder.op("add", [apart, ints(2)], {}, origin), 1)).toBe(undefined);
  expect(beyond(gather(ints(9, 1), ints(1), 0), 1)).toBe(undefined);
  expect(beyond(gather(ints(9, 1), ints(0), 0), 1)).toEqual({ id: 9, rows: 5, input: 1 });
  expect(beyond(builder.op("add", [input("i32", 3), apart], {}, origin), 1)).toBe(undefined);
});

test("a chain as long as a source may write it is followed, and what is refused is not computed", () => {
  const { builder, beyondTable, ints, input, gather } = graph();
  let ids = ints(0);
  for (let i = 0; i < 20_000; i++) ids = builder.op("add", [ids, ints(1)], {}, origin);
  expect(beyondTable(gather(input("f32", 20_000), ids, 0))).toEqual({ id: 20_000, rows: 20_000, input: 1 });
  const refused = gather(ints(1, 2), ints(5), 0);
  expect(beyondTable(gather(input("f32", 4), refused, 0))).toBe(undefined);
});
