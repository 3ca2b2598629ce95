/** What the device does between two runs of the network, as the text of its kernels. */

import { mixWidth, mostRegisters } from "../sampler/mix.ts";

const mostGroups = 32768;

/** The thread's element: a grid that is too long for one dimension is folded. */
export const elementOfGrid = `id.y * ${mostGroups * 64}u + id.x`;

/** Workgroups for so many elements. */
export const gridOf = (count: number): [number, number] => {
  const groups = Math.ceil(count / 64);
  return [Math.min(groups, mostGroups), Math.ceil(groups / mostGroups)];
};

/** `guide` of runtime/sampler/guidance.ts. */
export const guideKernel = `struct Guide { guidance: f32, count: u32 }
@group(0) @binding(0) var<uniform> guide: Guide;
@group(0) @binding(1) var<storage, read> stacked: array<f32>;
@group(0) @binding(2) var<storage, read_write> model: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = ${elementOfGrid};
  if (i >= guide.count) { return; }
  let u = stacked[guide.count + i];
  model[i] = u + guide.guidance * (stacked[i] - u);
}
`;

/** `rescaled` of runtime/guidance.ts, a workgroup a clip: the conditioned half is the first of the network's output. */
export const rescaleKernel = `struct Rescale { phi: f32, clip: u32 }
@group(0) @binding(0) var<uniform> rescale: Rescale;
@group(0) @binding(1) var<storage, read> stacked: array<f32>;
@group(0) @binding(2) var<storage, read_write> model: array<f32>;
var<workgroup> sums: array<vec2<f32>, 256>;
fn total(thread: u32, own: vec2<f32>) -> vec2<f32> {
  workgroupBarrier();
  sums[thread] = own;
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { sums[thread] += sums[thread + half]; }
  }
  workgroupBarrier();
  return sums[0];
}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let first = group.x * rescale.clip;
  var sum = vec2(0.0);
  for (var i = first + thread; i < first + rescale.clip; i += 256u) { sum += vec2(model[i], stacked[i]); }
  let mean = total(thread, sum) / f32(rescale.clip);
  var squares = vec2(0.0);
  for (var i = first + thread; i < first + rescale.clip; i += 256u) {
    let off = vec2(model[i], stacked[i]) - mean;
    squares += off * off;
  }
  let spread = total(thread, squares);
  let ratio = select(sqrt(spread.y / spread.x), 1.0, spread.x == 0.0);
  let factor = rescale.phi * ratio + 1.0 - rescale.phi;
  for (var i = first + thread; i < first + rescale.clip; i += 256u) { model[i] *= factor; }
}
`;

/**
 * The bound of a clip's data by dynamic thresholding, as runtime/sampler/limit.ts has it, a workgroup a clip. Absolute values are
 * ordered as their bits are, so that 32 halvings of the bits find the value with `below` values before it. Loops have fixed lengths:
 * barriers need uniform control flow.
 */
export const thresholdKernel = `struct Threshold { latent: f32, model: f32, part: f32, most: f32, below: u32, clip: u32 }
@group(0) @binding(0) var<uniform> threshold: Threshold;
@group(0) @binding(1) var<storage, read> model: array<f32>;
@group(0) @binding(2) var<storage, read> latent: array<f32>;
@group(0) @binding(3) var<storage, read_write> bounds: array<vec2<f32>>;
var<workgroup> no_greater: atomic<u32>;
var<workgroup> next: atomic<u32>;
fn bits(i: u32) -> u32 { return bitcast<u32>(abs(threshold.latent * latent[i] + threshold.model * model[i])); }
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let first = group.x * threshold.clip;
  var low = 0u;
  var high = 0x7f800000u;
  for (var round = 0u; round < 32u; round++) {
    if (thread == 0u) { atomicStore(&no_greater, 0u); }
    workgroupBarrier();
    let middle = low + (high - low) / 2u;
    var own = 0u;
    for (var i = thread; i < threshold.clip; i += 256u) { own += u32(bits(first + i) <= middle); }
    atomicAdd(&no_greater, own);
    workgroupBarrier();
    let counted = atomicLoad(&no_greater);
    if (counted > threshold.below) { high = middle; } else if (low < high) { low = middle + 1u; }
    workgroupBarrier();
  }
  if (thread == 0u) { atomicStore(&next, 0x7f800000u); atomicStore(&no_greater, 0u); }
  workgroupBarrier();
  for (var i = thread; i < threshold.clip; i += 256u) {
    let found = bits(first + i);
    if (found > high) { atomicMin(&next, found); } else { atomicAdd(&no_greater, 1u); }
  }
  workgroupBarrier();
  if (thread != 0u) { return; }
  let least = bitcast<f32>(high);
  var bound = least;
  if (threshold.part > 0.0 && atomicLoad(&no_greater) == threshold.below + 1u) {
    bound = least + threshold.part * (bitcast<f32>(atomicLoad(&next)) - least);
  }
  bound = min(max(bound, 1.0), threshold.most);
  bounds[group.x] = vec2(bound, bound);
}
`;

/** `advance` of runtime/sampler/advance.ts; the new latent goes to both halves of the step's input, where it has two. */
export const advanceKernel = (halves: 1 | 2, registers: number) => {
  const each = Array.from({ length: registers }, (_, i) => i);
  const vectors = mixWidth / 4;
  const kept = Array.from({ length: mostRegisters }, (_, i) => (i < registers ? `kept[${i}u * step.count + i]` : "0.0"));
  const before = Array.from({ length: vectors - 1 }, (_, v) => `  let before${v} = vec4(${kept.slice(4 * v, 4 * v + 4).join(", ")});\n`);
  const row = (r: number) =>
    ["now", ...before.map((_, v) => `before${v}`)].map((name, v) => `dot(step.rows[${vectors * r + v}], ${name})`).join(" + ");
  return `struct Step {
  rows: array<vec4<f32>, ${vectors * (registers + 1)}>,
  latent: f32, model: f32, count: u32, clip: u32,
}
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> model: array<f32>;
@group(0) @binding(2) var<storage, read> noise: array<f32>;
@group(0) @binding(3) var<storage, read> bounds: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> latent: array<f32>;
${registers === 0 ? "" : "@group(0) @binding(5) var<storage, read_write> kept: array<f32>;"}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = ${elementOfGrid};
  if (i >= step.count) { return; }
  let bound = bounds[i / step.clip];
  let data = clamp(step.latent * latent[i] + step.model * model[i], -bound.x, bound.x) / bound.y;
  let now = vec4(latent[i], model[i], data, noise[i]);
${before.join("")}  let next = ${row(0)};
${each.map((r) => `  kept[${r}u * step.count + i] = ${row(r + 1)};\n`).join("")}  latent[i] = next;${halves === 1 ? "" : "\n  latent[step.count + i] = next;"}
}
`;
};

/** `keeping` of runtime/clips/keeping.ts, for both halves of the step's input, where it has two; a clip's known latent, its normals and how much is kept lie one after another. */
export const keepKernel = (halves: 1 | 2) => `struct Level { signal: f32, noise: f32, count: u32, unused: u32 }
@group(0) @binding(0) var<uniform> level: Level;
@group(0) @binding(1) var<storage, read> part: array<f32>;
@group(0) @binding(2) var<storage, read_write> latent: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = ${elementOfGrid};
  if (i >= level.count) { return; }
  let known = level.signal * part[i] + level.noise * part[level.count + i];
  let next = mix(latent[i], known, part[2u * level.count + i]);
  latent[i] = next;${halves === 1 ? "" : "\n  latent[level.count + i] = next;"}
}
`;
