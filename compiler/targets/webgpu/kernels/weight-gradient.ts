/** The gradient of a convolution's weight: each thread adds up one tap's products over all images and places, of four filters with four channels where they are fours. */

import { sizeOf } from "../../../graph/graph.ts";
import { inputAt } from "../../../ops/rules.ts";
import { gradientWindows } from "../../../ops/weight-gradient.ts";
import { type Coordinate, regroup, scalar, variable } from "../layout/coordinates.ts";
import { coreOf } from "../layout/group.ts";
import { KernelWriter } from "./kernel-writer.ts";
import { Reader } from "./reader.ts";
import { countedThreads, type Draft, finishElement, type Task } from "./task.ts";

const workgroup = 64;
const parts = ["x", "y", "z", "w"] as const;

export function weightGradient(task: Task): Draft {
  const { group, scene } = task;
  const core = coreOf(group, "convWeightGradient");
  const [x = -1, gradient = -1] = core.inputs;
  const windows = gradientWindows(core.attributes);
  const axes = windows.length;
  const [operand, result] = [scene.value(x).type.shape, scene.value(gradient).type.shape];
  const [sizes, points] = [operand.slice(-axes), result.slice(-axes)];
  const [channels, filters] = [inputAt(operand, operand.length - axes - 1), inputAt(result, result.length - axes - 1)];
  const leading = operand.slice(0, -axes - 1);
  const images = sizeOf(leading);
  const { groups } = core.attributes;
  const { shape } = core.type;
  const [own, kernel] = [channels / groups, shape.slice(2)];
  const lanes = own % 4 === 0 && (filters / groups) % 4 === 0 ? 4 : 1;
  const threads = sizeOf(shape) / lanes ** 2;

  const writer = new KernelWriter();
  const { index, grid } = countedThreads(threads, workgroup);
  writer.lines.push(`let thread = ${index};`, `if (thread >= ${threads}u) { return; }`);
  // Neighbours read neighbouring channels.
  const [channelOf = [], filterOf = [], ...taps] = lastFirst([variable("thread", threads)], [own / lanes, filters / lanes, ...kernel]);
  writer.lines.push(`let fq = ${scalar(filterOf)};`, `let cq = ${scalar(channelOf)};`, `let filter0 = fq * ${lanes}u;`);
  const first = groups === 1 ? "0u" : `filter0 / ${filters / groups}u * ${own / lanes}u`;
  writer.lines.push(`let xq = ${first} + cq;`, `let channel = xq * ${lanes}u;`, `let c = cq * ${lanes}u;`);
  for (const [axis, tap] of taps.entries()) writer.lines.push(`let d${axis} = ${scalar(tap)};`);
  const sums = Array.from({ length: lanes }, (_, i) => `a${i}`);
  for (const sum of sums) writer.lines.push(`var ${sum} = ${lanes === 4 ? "vec4<f32>(0.0)" : "0.0"};`);
  const imageAt = regroup([variable("image", images)], leading);
  const overPoints = (axis: number): void => {
    if (axis === axes) {
      const reader = new Reader(scene, writer);
      const of = (name: string, quarter: string, size: number) => (lanes === 4 ? variable(name, size, quarter) : variable(name, size));
      const read = reader.read(x, [...imageAt, of("channel", "xq", channels), ...sizes.map((size, i) => variable(`s${i}`, size))], lanes);
      const factor = reader.read(
        gradient,
        [...imageAt, of("filter0", "fq", filters), ...points.map((size, i) => variable(`p${i}`, size))],
        lanes,
      );
      if (lanes === 1) writer.lines.push(`a0 = fma(${read}, ${factor}, a0);`);
      else for (const [i, part] of parts.entries()) writer.lines.push(`a${i} = fma(vec4<f32>((${factor}).${part}), ${read}, a${i});`);
      return;
    }
    const { stride, dilation, before } = inputAt(windows, axis);
    writer.block(`for (var p${axis} = 0u; p${axis} < ${inputAt(points, axis)}u; p${axis}++)`, () => {
      writer.lines.push(
        `let i${axis} = i32(p${axis} * ${stride}u + d${axis} * ${dilation}u) - ${before};`,
        `if (i${axis} < 0 || i${axis} >= ${inputAt(sizes, axis)}) { continue; }`,
        `let s${axis} = u32(i${axis});`,
      );
      overPoints(axis + 1);
    });
  };
  writer.block(`for (var image = 0u; image < ${images}u; image++)`, () => overPoints(0));
  const tapAt = taps.map((_, axis) => variable(`d${axis}`, inputAt(kernel, axis)));
  for (const [i, sum] of sums.entries()) {
    for (const [lane, part] of (lanes === 4 ? parts : [undefined]).entries()) {
      const place = (name: string, by: number, size: number) => variable(by === 0 ? name : `(${name} + ${by}u)`, size);
      writer.block("", () => {
        const at = [place("filter0", i, filters), place("c", lane, own), ...tapAt];
        finishElement(task, writer, core, part === undefined ? sum : `${sum}.${part}`, at, 1);
      });
    }
  }
  const what = `${images} times [${points.join(", ")}], ${channels} to ${filters} channels, kernel ${core.attributes.kernel.join("x")}`;
  const each = lanes === 4 ? "4 filters x 4 channels of a tap" : "a tap";
  return {
    name: `convWeightGradient_${shape.join("x")}_${images}x${points.join("x")}_${task.result.dtype}`,
    source: writer.finish(`convWeightGradient: ${what}; a thread ${each}.`, [workgroup, 1, 1], ["id"], grid),
  };
}

/** The places on axes of these sizes, of which the first runs fastest, in their order. */
function lastFirst(at: readonly Coordinate[], sizes: readonly number[]): readonly Coordinate[] {
  return [...regroup(at, [...sizes].reverse())].reverse();
}
