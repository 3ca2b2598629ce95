// Seven thousand programs, broken and whole, through check, compile, plan and emit: nothing throws, nothing hangs, and check finds what a build finds.

import { expect, test } from "vitest";
import { fuzzCase, runCase } from "./fuzzing.ts";

const programs = 4500;

test("random programs and settings never throw, hang or fill the memory", { timeout: 300_000 }, () => {
  const tally = { refused: 0, unbuildable: 0, compiled: 0, planned: 0 };
  for (let seed = 0; seed < programs; seed++) {
    try {
      tally[runCase(fuzzCase(seed))]++;
    } catch (thrown) {
      throw new Error(`seed ${seed}: ${thrown instanceof Error ? thrown.message : thrown}`, { cause: thrown });
    }
  }
  // The programs are neither all broken nor all whole, so every stage was reached.
  expect(tally.refused / programs).toBeGreaterThan(0.1);
  expect(tally.unbuildable / programs).toBeGreaterThan(0.1);
  expect(tally.planned / programs).toBeGreaterThan(0.05);
  expect(process.memoryUsage().rss).toBeLessThan(1.5e9);
});
