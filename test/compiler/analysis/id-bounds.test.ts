// How many ids an input may hold, where `gather` looks them up: along any axis, and through ids that are looked up themselves.

import { expect, test } from "vitest";
import { idBounds } from "../../../compiler/analysis/id-bounds.ts";
import { GraphBuilder } from "../../../compiler/rewriting/builder.ts";

const origin = { path: "", span: { file: "test", start: 0, end: 0 }, expandedFrom: [] };

test("gather bounds its indices by the axis that it takes them along, and carries what it takes", () => {
  const builder = new GraphBuilder();
  const input = (name: string, dtype: "f32" | "i32", ...shape: number[]) => builder.input(name, { dtype, shape }, shape.map(String));
  const [table, ids, places] = [input("table", "f32", 3, 7), input("ids", "i32", 5), input("places", "i32", 2)];
  const some = builder.op("gather", [ids, places], { axis: 0 }, origin);
  const value = builder.op("gather", [table, some], { axis: 1 }, origin);
  expect(idBounds(builder.finish("test", [{ name: "y", value, axes: ["3", "2"] }]))).toEqual(
    new Map([
      ["places", 5],
      ["ids", 7],
    ]),
  );
});
