// Slots where a buffer may not end where the next binding could begin.

import { expect, test } from "vitest";
import { shareSlots } from "../../../../../compiler/targets/webgpu/plan/slots.ts";

test("a slot is no larger than a buffer may be, and is shared all the same", () => {
  const life = (buffer: string, bytes: number, first: number) => ({ buffer, bytes, first, last: first + 1, apart: new Set<string>() });
  expect(shareSlots([life("a", 5760, 0), life("b", 5744, 2)], 5760).sizes).toEqual([5760]);
  expect(shareSlots([life("a", 5760, 0), life("b", 16, 0)], 5760).sizes).toEqual([5760, 256]);
});
