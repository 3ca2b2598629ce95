// Ten thousand programs, broken and whole, through check, compile, plan and emit: nothing throws, nothing hangs, and check finds what a build finds.

import { expect, test } from "vitest";
import { fuzzCase, runCase } from "./fuzzing.ts";

test("random programs and settings never throw, hang or fill the memory", { timeout: 300_000 }, () => {
  const tally = { refused: 0, unbuildable: 0, compiled: 0, planned: 0 };
  for (let seed = 0; seed < 10_000; seed++) {
    try {
      tally[runCase(fuzzCase(seed))]++;
    } catch (thrown) {
      throw new Error(`seed ${seed}: ${thrown instanceof Error ? thrown.message : thrown}`, { cause: thrown });
    }
  }
  // The programs are neither all broken nor all whole, so every stage was reached.
  expect(tally.refused).toBeGreaterThan(1000);
  expect(tally.unbuildable).toBeGreaterThan(1000);
  expect(tally.planned).toBeGreaterThan(500);
  expect(process.memoryUsage().rss).toBeLessThan(1.5e9);
});
