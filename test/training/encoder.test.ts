// Clips through an encoder, several at a time as the parts of a batch ask for them.

import { expect, test } from "vitest";
import { GraphBuilder } from "../../compiler/rewriting/builder.ts";
import { openEncoder } from "../../training/node/encoder.ts";

const origin = { path: "", span: { file: "encoder.mv", start: 0, end: 0 }, expandedFrom: [] };

test.each([
  ["clips", [1, 2, 3, 4, 4]],
  ["pictures", [1, 3, 4, 4]],
])("an encoder of %s gives each of several clips at once its own", async (_, shape) => {
  const builder = new GraphBuilder();
  const x = builder.input("x", { dtype: "f32", shape }, shape.map(String));
  const twice = builder.op("add", [x, x], {}, origin);
  const encoder = await openEncoder(builder.finish("encode", [{ name: "encode", value: twice, axes: shape.map(String) }]), new Map(), 2);
  const clips = Array.from({ length: 8 }, (_, clip) => Float32Array.from({ length: 2 * 3 * 4 * 4 }, (_, i) => 100 * clip + i));
  const made = await Promise.all(clips.map((clip) => encoder.encode(clip)));
  await encoder.dispose();
  expect(made).toEqual(clips.map((clip) => clip.map((value) => 2 * value)));
});
