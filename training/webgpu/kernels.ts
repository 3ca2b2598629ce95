/** What the device does between two runs of a loss's graph, as the text of its kernels: gradients to their mean and norm, and both to the next weights. */

import { elementOfGrid } from "../../runtime/webgpu/update-kernels.ts";

/** Threads of a workgroup that adds up squares, and the most workgroups that share a bank. */
export const squaresThreads = 256;
export const mostSquares = 256;

/** What a part's gradient adds to the sum; after the last part the sum becomes the mean. */
export const addKernel = `struct Add { count: u32, share: f32 }
@group(0) @binding(0) var<uniform> figures: Add;
@group(0) @binding(1) var<storage, read> own: array<f32>;
@group(0) @binding(2) var<storage, read_write> total: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = ${elementOfGrid};
  if (i >= figures.count) { return; }
  total[i] = (total[i] + own[i]) * figures.share;
}
`;

/** A workgroup's sum, in an order that is always the same. */
const treeSum = `var<workgroup> sums: array<f32, ${squaresThreads}>;
fn treeSum(thread: u32, own: f32) -> f32 {
  sums[thread] = own;
  for (var half = ${squaresThreads / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { sums[thread] += sums[thread + half]; }
  }
  workgroupBarrier();
  return sums[0];
}`;

/** Squares of a bank's gradients, to a sum of each workgroup. */
export const squaresKernel = `struct Squares { count: u32, groups: u32, first: u32 }
@group(0) @binding(0) var<uniform> figures: Squares;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;
${treeSum}
@compute @workgroup_size(${squaresThreads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  var sum = 0.0;
  for (var i = group.x * ${squaresThreads}u + thread; i < figures.count; i += figures.groups * ${squaresThreads}u) {
    sum = fma(gradient[i], gradient[i], sum);
  }
  let total = treeSum(thread, sum);
  if (thread == 0u) { partial[figures.first + group.x] = total; }
}
`;

/**
 * The norm of all gradients, what clipping multiplies them by (1 where \`clip\` is 0), and whether this norm and each part's minimised loss are
 * finite: told from their bits, as a compiler may take every number for finite.
 */
export const decideKernel = `struct Decide { partials: u32, losses: u32, each: u32, clip: f32 }
@group(0) @binding(0) var<uniform> figures: Decide;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read> losses: array<u32>;
@group(0) @binding(3) var<storage, read_write> decision: array<u32, 4>;
${treeSum}
fn isFinite(bits: u32) -> bool { return (bits & 0x7f800000u) != 0x7f800000u; }
@compute @workgroup_size(${squaresThreads})
fn main(@builtin(local_invocation_index) thread: u32) {
  var sum = 0.0;
  for (var i = thread; i < figures.partials; i += ${squaresThreads}u) { sum += partial[i]; }
  let norm = sqrt(treeSum(thread, sum));
  if (thread > 0u) { return; }
  var good = isFinite(bitcast<u32>(norm));
  for (var i = 0u; i < figures.losses; i += figures.each) { good = good && isFinite(losses[i]); }
  decision[0] = bitcast<u32>(norm);
  decision[1] = bitcast<u32>(select(min(1.0, figures.clip / (norm + 1e-6)), 1.0, figures.clip == 0.0));
  decision[2] = select(0u, 1u, good);
}
`;

/** Bytes of a stretch's figures, and where they lie in a buffer of all: WebGPU's offsets of uniforms are multiples of 256. */
export const adamwBytes = 48;

/** \`adamwStep\` of training/adamw.ts in f32, on a stretch of a bank; nothing where the step is not finite. */
export const adamwKernel = (averaged: boolean) => `struct AdamW {
  start: u32, count: u32, stepSize: f32, decayed: f32, root: f32, eps: f32, fresh1: f32, beta2: f32, fresh2: f32, fresh: f32,
}
@group(0) @binding(0) var<uniform> figures: AdamW;
@group(0) @binding(1) var<storage, read> decision: array<u32, 4>;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> value: array<f32>;
@group(0) @binding(4) var<storage, read_write> first: array<f32>;
@group(0) @binding(5) var<storage, read_write> second: array<f32>;
${averaged ? "@group(0) @binding(6) var<storage, read_write> average: array<f32>;" : ""}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let at = ${elementOfGrid};
  if (at >= figures.count || decision[2] == 0u) { return; }
  let i = figures.start + at;
  let g = gradient[i] * bitcast<f32>(decision[1]);
  let m = first[i] + (g - first[i]) * figures.fresh1;
  let v = second[i] * figures.beta2 + g * g * figures.fresh2;
  let next = value[i] - (value[i] * figures.decayed + figures.stepSize * m / (sqrt(v) / figures.root + figures.eps));
  first[i] = m;
  second[i] = v;
  value[i] = next;
  ${averaged ? "average[i] += (next - average[i]) * figures.fresh;" : ""}
}
`;
