/** The gradient of a convolution's weight: each thread adds up one tap's products over all images and places. */

import { sizeOf } from "../../../graph/graph.ts";
import { inputAt } from "../../../ops/rules.ts";
import { gradientWindows } from "../../../ops/weight-gradient.ts";
import { regroup, scalar, variable } from "../layout/coordinates.ts";
import { coreOf } from "../layout/group.ts";
import { KernelWriter } from "./kernel-writer.ts";
import { Reader } from "./reader.ts";
import { countedThreads, type Draft, finishElement, type Task } from "./task.ts";

const workgroup = 64;

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
  const elements = sizeOf(shape);

  const writer = new KernelWriter();
  const { index, grid } = countedThreads(elements, workgroup);
  writer.lines.push(`let element = ${index};`, `if (element >= ${elements}u) { return; }`);
  const at = regroup([variable("element", elements)], shape);
  const [filter = [], channel = [], ...taps] = at;
  writer.lines.push(`let output = ${scalar(filter)};`);
  writer.lines.push(`let channel = output / ${filters / groups}u * ${channels / groups}u + ${scalar(channel)};`);
  for (const [axis, tap] of taps.entries()) writer.lines.push(`let d${axis} = ${scalar(tap)};`);
  writer.lines.push("var sum = 0.0;");
  const imageAt = regroup([variable("image", images)], leading);
  const overPoints = (axis: number): void => {
    if (axis === axes) {
      const reader = new Reader(scene, writer);
      const read = reader.read(x, [...imageAt, variable("channel", channels), ...sizes.map((size, i) => variable(`s${i}`, size))], 1);
      const factor = reader.read(
        gradient,
        [...imageAt, variable("output", filters), ...points.map((size, i) => variable(`p${i}`, size))],
        1,
      );
      writer.lines.push(`sum = fma(${read}, ${factor}, sum);`);
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
  finishElement(task, writer, core, "sum", at, 1);
  const what = `${images} times [${points.join(", ")}], ${channels} to ${filters} channels, kernel ${core.attributes.kernel.join("x")}`;
  return {
    name: `convWeightGradient_${shape.join("x")}_${images}x${points.join("x")}_${task.result.dtype}`,
    source: writer.finish(`convWeightGradient: ${what}; a thread a tap.`, [workgroup, 1, 1], ["id"], grid),
  };
}
