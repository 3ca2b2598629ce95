// Dawn's waiting in Node: it sleeps while its device works for long, and leaves the turns of everyone else as they are.

import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import { paceDawn } from "../../../runtime/node/dawn-turns.ts";
import { noGpu, sharedDevice } from "../../gpu.ts";

/** Compiled for a tenth of a second by a software adapter: many looks, where none waits. */
const kernel = (salt: number) => `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  ${Array.from({ length: 60 }, (_, i) => `x[id.x] = sin(x[id.x + ${i}u]) * ${salt + i}.5;`).join("\n  ")}
}`;

/** The turns that Dawn asks for while one kernel is compiled, by a clock that goes on so many milliseconds a look. */
async function turnsOf(clock: number) {
  const { gpu } = await sharedDevice();
  const { setImmediate: soon, setTimeout: later } = globalThis;
  const [spiedSoon, spiedLater] = [vi.fn(soon), vi.fn(later)];
  Object.assign(globalThis, { setImmediate: spiedSoon, setTimeout: spiedLater });
  let now = 0;
  const time = vi.spyOn(performance, "now").mockImplementation(() => {
    now += clock;
    return now;
  });
  try {
    paceDawn();
    const module = gpu.createShaderModule({ code: kernel(clock) });
    await gpu.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
  } finally {
    time.mockRestore();
    Object.assign(globalThis, { setImmediate: soon, setTimeout: later });
  }
  return { soon: spiedSoon.mock.calls.length, later: spiedLater.mock.calls.map(([, milliseconds]) => milliseconds) };
}

test.skipIf(noGpu !== undefined)("what takes no ten milliseconds is looked for at every turn, all else each millisecond", async () => {
  const atOnce = await turnsOf(0);
  expect(atOnce.soon).toBeGreaterThan(20);
  expect(atOnce.later).toEqual([]);
  const { soon, later } = await turnsOf(1);
  expect(soon).toBe(9);
  expect(new Set(later)).toEqual(new Set([1]));
});

test("others' turns are served as before", async () => {
  const { setImmediate: soon } = globalThis;
  try {
    paceDawn();
    const handle = setImmediate(() => expect.unreachable());
    clearImmediate(handle);
    const heard: unknown[] = [];
    setImmediate((...args: unknown[]) => heard.push(...args), "first", 2);
    setImmediate(heard.push.bind(heard), "bound");
    expect(await promisify(setImmediate)("promised")).toBe("promised");
    expect(heard).toEqual(["first", 2, "bound"]);
    await new Promise(setImmediate);
  } finally {
    globalThis.setImmediate = soon;
  }
});
