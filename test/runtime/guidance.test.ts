// Guidance by condition, rescaled, and over a part of the steps, on each backend beside clips worked out by hand.

import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { loadPipeline, type Pipeline, type SampleOptions } from "../../runtime/index.ts";
import { normals } from "../../runtime/sampler/random.ts";
import { alphaBars } from "../../runtime/sampler/schedule.ts";
import { programOf } from "../compiler/expand/expanded.ts";
import { plansOf, writePackage } from "../golden/package-folder.ts";
import { noGpu, openOnGpu } from "../gpu.ts";
import { ddimByHand, figures } from "./conditions-by-hand.ts";

/** Two conditions whose effects are no sum, so that it matters which is added first; the third is in both halves the same. */
const source = `
dim B = 1; dim F = 2;
type Clip = Tensor<float, [B, F, 3, 1, 2]>;
type Number = Tensor<f32, [B]>;
model Two {
  graph denoise(z: Clip, t: Number, a: Number, b: Number, c: Number): Clip {
    return z * 0.5 * view(b, [B, 1, 1, 1, 1]) + view(a + a * b + c, [B, 1, 1, 1, 1]);
  }
  sampler denoise(z, t) {
    ${figures},
    conditions: { a: { from: "number", unguided: 0.5 }, b: { from: "number", unguided: 0.25 }, c: { from: "number" } },
  }
}`;

const backends: { readonly [name: string]: (folder: string) => Promise<Pipeline> } = {
  onnx: (folder) => loadPipeline(folder, { backend: "onnx", threads: 1 }),
  ...(noGpu === undefined ? { webgpu: openOnGpu } : {}),
};
const opened: { [backend: string]: Pipeline } = {};
let folder = "";
beforeAll(async () => {
  const result = compile(programOf(source), { precision: "f32" });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join("; "));
  folder = writePackage(result.module, () => new Float32Array(), undefined, { onnx: true, plans: plansOf(result.module) });
  for (const [name, open] of Object.entries(backends)) opened[name] = await open(folder);
}, 60_000);
afterAll(async () => {
  for (const pipeline of Object.values(opened)) await pipeline.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const [given, without, c] = [{ a: 1, b: 0.75 }, { a: 0.5, b: 0.25 }, 0.2];
const says = (x: number, a: number, b: number) => x * 0.5 * b + a + a * b + c;
const none = (x: number) => says(x, without.a, without.b);
const all = (x: number) => says(x, given.a, given.b);

const near = (found: ArrayLike<number>, expected: readonly number[]) => {
  expect(found.length).toBe(expected.length);
  // Three steps in f32, values up to about 10.
  expected.forEach((value, i) => {
    expect(found[i]).toBeCloseTo(value, 4);
  });
};

/** DDIM of Song et al. (2021) for a prediction that needs the whole clip. */
function wholeByHand(predict: (z: readonly number[]) => number[]): number[] {
  const bars = alphaBars({ schedule: "cosine", betas: [], trainSteps: 1000, zeroSnr: false });
  const barAt = (i: number) => (i < 3 ? (bars[Math.floor(1000 - (i * 1000) / 3 + 0.5) - 1] ?? 0) : 1);
  let z = [...normals(5, 0, 12)];
  for (let i = 0; i < 3; i++) {
    const [a, p, v] = [barAt(i), barAt(i + 1), predict(z)];
    z = z.map((x, k) => {
      const said = v[k] ?? 0;
      return Math.sqrt(p) * (Math.sqrt(a) * x - Math.sqrt(1 - a) * said) + Math.sqrt(1 - p) * (Math.sqrt(1 - a) * x + Math.sqrt(a) * said);
    });
  }
  return z;
}

describe.each(Object.keys(backends))("on %s", (backend) => {
  const latent = async (options: SampleOptions) => {
    const [made] = await (opened[backend] as Pipeline).sampleLatents([{ seed: 5, inputs: { ...given, c } }], options);
    return (made?.data ?? []) as Float32Array;
  };
  const hand = (network: (x: number, t: number) => number) => ddimByHand(5, (_, x, t) => network(x, t), "no unguided half");

  test("by condition: each weighs what it adds to those before it (InstructPix2Pix, equation 3)", async () => {
    const [onlyA, onlyB] = [(x: number) => says(x, given.a, without.b), (x: number) => says(x, without.a, given.b)];
    const aFirst = hand((x) => none(x) + 1.5 * (onlyA(x) - none(x)) + 3 * (all(x) - onlyA(x)));
    near(await latent({ guidance: { a: 1.5, b: 3 } }), aFirst);
    near(
      await latent({ guidance: { b: 3, a: 1.5 } }),
      hand((x) => none(x) + 3 * (onlyB(x) - none(x)) + 1.5 * (all(x) - onlyB(x))),
    );
    // Between them, and after them, clips of one weight.
    near(
      await latent({ guidance: 2.5 }),
      hand((x) => none(x) + 2.5 * (all(x) - none(x))),
    );
    near(
      await latent({ guidance: { a: 2.5, b: 2.5 } }),
      hand((x) => none(x) + 2.5 * (all(x) - none(x))),
    );
    near(await latent({ guidance: { a: 1, b: 1 } }), hand(all));
  });

  test("over a part of the steps: in the others the conditions weigh 1", async () => {
    const within = (times: readonly number[], weight: number) =>
      hand((x, t) => none(x) + (times.includes(t) ? weight : 1) * (all(x) - none(x)));
    near(await latent({ guidance: 3, guidanceInterval: [0.3, 1] }), within([666, 332], 3));
    near(await latent({ guidance: 3, guidanceInterval: [0, 0.6] }), within([999, 666], 3));
    near(await latent({ guidance: { a: 3, b: 3 }, guidanceInterval: [0.3, 0.6] }), within([666], 3));
  });

  test("rescaled: the deviation of a clip's guided prediction goes back to that of the conditioned one (Lin et al., equations 15, 16)", async () => {
    const deviation = (values: readonly number[]) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    };
    const expected = wholeByHand((z) => {
      const guided = z.map((x) => none(x) + 4 * (all(x) - none(x)));
      const ratio = deviation(z.map(all)) / deviation(guided);
      return guided.map((value) => 0.7 * value * ratio + 0.3 * value);
    });
    near(await latent({ guidance: 4, guidanceRescale: 0.7 }), expected);
    const plain = hand((x) => none(x) + 4 * (all(x) - none(x)));
    near(await latent({ guidance: 4, guidanceRescale: 0 }), plain);
    near(await latent({ guidance: 4 }), plain);
  });
});

test("weights that are none, or that weigh nothing, are refused before the work", async () => {
  const refused = (options: object) =>
    (opened.onnx as Pipeline).sampleLatents([{ inputs: { ...given, c } }], options).then(
      () => "nothing",
      ({ message }) => message,
    );
  const expected = "guidance must be a number, or one for each condition that the unguided half changes, `a`, `b`, found weights of ";
  expect(await refused({ guidance: { a: 2 } })).toBe(`${expected}a`);
  expect(await refused({ guidance: { a: 2, c: 2 } })).toBe(`${expected}a, c`);
  expect(await refused({ guidance: { a: 2, b: "3" } })).toBe('guidance of `b` must be a finite number, found "3"');
  expect(await refused({ guidance: "2" })).toBe("guidance must be a finite number, found 2");
  expect(await refused({ guidanceRescale: 2 })).toBe("guidanceRescale must be a number from 0 to 1, found 2");
  expect(await refused({ guidanceInterval: [0.5, 0.5] })).toMatch(/guidanceInterval must be two rising numbers from 0 to 1/);
  expect(await refused({ guidanceInterval: 0.5 })).toMatch(/guidanceInterval must be two rising numbers/);
  expect(await refused({ guidance: 1, guidanceRescale: 0.5 })).toMatch(/guidanceRescale must be left out where nothing is guided/);
});
