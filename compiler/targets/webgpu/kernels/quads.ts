/** Threads in fours, WGSL's quads: each loads a quarter of what all four read and hands it round, so that memory is asked a fourth as often. */

import type { KernelWriter } from "./kernel-writer.ts";
import { innerQuarter, type Run } from "./operand.ts";

const leastThreads = 16;
const mostThreads = 128;

/**
 * Threads of a workgroup, all on one row of the operand: then it does not matter which of them a device puts together.
 * They divide the columns, as an idle thread has nothing to hand round. Undefined where no such number fills a card.
 */
export function quadWorkgroup(columns: number, runs: readonly Run[] | undefined): number | undefined {
  if (runs === undefined || runs.some(({ size }) => size % 16 !== 0)) return undefined;
  for (let size = mostThreads; size >= leastThreads; size -= 4) if (columns % size === 0) return size;
  return undefined;
}

/**
 * A loop over a run of the inner axis, quarter by quarter. `load` is the vec4 of an operand's row at a quarter; `body`
 * finds it by the row's name. With `quads`, every thread of a workgroup must read the same rows, and knows its `lane`.
 */
export function overQuarters(
  writer: KernelWriter,
  { size }: Run,
  { quads, first = "0u", step = 1 }: { readonly quads: boolean; readonly first?: string; readonly step?: number },
  rows: readonly { readonly name: string; readonly load: (quarter: string) => string }[],
  body: (quarter: string) => void,
): void {
  const each = quads ? 4 : step;
  const next = each === 1 ? `${innerQuarter}++` : `${innerQuarter} += ${each}u`;
  writer.block(`for (var ${innerQuarter} = ${first}; ${innerQuarter} < ${size / 4}u; ${next})`, () => {
    if (!quads) {
      for (const { name, load } of rows) writer.lines.push(`let ${name} = ${load(innerQuarter)};`);
      body(innerQuarter);
      return;
    }
    writer.enable("subgroups");
    for (const { name, load } of rows) writer.lines.push(`let own_${name} = ${load(`${innerQuarter} + lane % 4u`)};`);
    for (let quarter = 0; quarter < 4; quarter++) {
      writer.block("", () => {
        for (const { name } of rows) writer.lines.push(`let ${name} = quadBroadcast(own_${name}, ${quarter}u);`);
        body(`(${innerQuarter} + ${quarter}u)`);
      });
    }
  });
}
