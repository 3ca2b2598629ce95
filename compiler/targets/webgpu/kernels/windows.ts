/** Convolutions of any window, their transposes, and pools: each thread goes through the taps for four channels of a few neighbours on the last axis. */

import { type OpValueOf, sizeOf } from "../../../graph/graph.ts";
import { inputAt } from "../../../ops/rules.ts";
import { isTransposed, type Window, type WindowedName, windowAxes, windowsOf } from "../../../ops/windows.ts";
import { isPool, windowedNames } from "../forms/windows.ts";
import { type Coordinate, regroup, scalar, variable } from "../layout/coordinates.ts";
import { coreOf } from "../layout/group.ts";
import type { Stored } from "../layout/stored.ts";
import { KernelWriter } from "./kernel-writer.ts";
import { innerQuarter, innerVariable, runsOf } from "./operand.ts";
import { workgroupFor } from "./product.ts";
import { laneVariable, literal, Reader } from "./reader.ts";
import { biasAt, type Draft, finishElement, gridOf, type Task } from "./task.ts";

/** Neighbours that share the weights that a thread loads. Those of a transposed convolution are reached by the same taps where its stride is 1. */
const mostPoints = 4;

/** What a kernel is written from. */
interface Layout {
  readonly core: OpValueOf<WindowedName>;
  readonly windows: readonly Window[];
  /** Of the operand and of the result, along the axes of the windows. */
  readonly sizes: readonly number[];
  readonly results: readonly number[];
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  /** Channels of a group, of the operand and of the result. */
  readonly inner: number;
  readonly own: number;
  /** Channels and neighbours of a thread. */
  readonly lanes: 1 | 4;
  readonly points: number;
  /** The operand's place before its last axes, from that on the channels; where it has none, all of it. */
  readonly before: (channel: Coordinate) => readonly Coordinate[];
  /** Whether all windows lie within the last axis, or the axis before: none must be asked whether it does. */
  readonly sure: readonly boolean[];
}

/** `matrix` is [taps · (channels / groups), outputs]; of a transposed convolution [taps · (outputs / groups), channels]; of a pool there is none. */
export function windowed(task: Task, matrix: Stored | undefined): Draft {
  const { group, scene } = task;
  const core = coreOf(group, ...windowedNames);
  const axes = windowAxes[core.op];
  const [x = -1, , bias] = core.inputs;
  const operand = scene.value(x).type.shape;
  const leading = operand.slice(0, -axes - 1);
  const images = sizeOf(leading);
  const [channels = 1, outputs = 1] = [operand.at(-axes - 1), core.type.shape.at(-axes - 1)];
  const windows = windowsOf(core.op, core.attributes);
  const [sizes, results] = [operand.slice(-axes), core.type.shape.slice(-axes)];
  const groups = "groups" in core.attributes ? core.attributes.groups : channels;
  const lanes = outputs % 4 === 0 ? 4 : 1;
  const last = inputAt(results, axes - 1);
  const shares = !isPool(core.op) && !(isTransposed(core.op) && inputAt(windows, axes - 1).stride > 1);
  const points = shares ? Math.min(mostPoints, last) : 1;
  const across = Math.ceil(last / points);
  const imageAt = regroup([variable("image", images)], leading);
  const layout: Layout = {
    ...{ core, windows, sizes, results, channels, outputs, groups, lanes, points },
    ...{ inner: channels / groups, own: outputs / groups },
    before: (channel) => (operand.length > axes ? [...imageAt, channel] : imageAt),
    sure: windows.map(
      ({ before, after }, axis) => before + after === 0 && !isTransposed(core.op) && (axis < axes - 1 || last % points === 0),
    ),
  };

  const writer = new KernelWriter();
  const threads = [outputs / lanes, across * sizeOf(results.slice(0, -1)) * images] as const;
  const workgroup = workgroupFor(...threads);
  const type = lanes === 4 ? "vec4<f32>" : "f32";
  writer.lines.push("let c = id.x;", "let place = id.y;", `if (c >= ${threads[0]}u || place >= ${threads[1]}u) { return; }`);
  if (lanes === 4) writer.lines.push(`let ${laneVariable} = c * 4u;`);
  const [image = [], ...starts] = regroup([variable("place", threads[1])], [images, ...results.slice(0, -1), across]);
  writer.lines.push(`let image = ${scalar(image)};`);
  for (const [axis, start] of starts.entries())
    writer.lines.push(`let o${axis} = ${scalar(start)}${axis === axes - 1 && points > 1 ? ` * ${points}u` : ""};`);
  for (let j = 0; j < points; j++) writer.lines.push(`var a${j} = ${type}(0.0);`);
  if (matrix !== undefined) writer.bind(matrix, "weights");
  overTaps(writer, layout, 0, () => {
    if (matrix === undefined || (layout.inner === 1 && layout.own === 1)) sumOwn(task, writer, layout, matrix);
    else if (!sumRuns(task, writer, layout, matrix)) sumOneByOne(task, writer, layout, matrix);
  });

  const column = lanes === 4 ? variable(laneVariable, outputs, "c") : variable("c", outputs);
  const shift = bias === undefined ? undefined : writer.name(biasAt(task, writer, [bias], column, 0, lanes));
  const taps = sizeOf(windows.map(({ kernel }) => kernel));
  for (let j = 0; j < points; j++) {
    const body = () => {
      const sum = isPool(core.op) ? `a${j} / ${literal(taps)}` : shift === undefined ? `a${j}` : `a${j} + ${shift}`;
      writer.lines.push(`let p${j} = o${axes - 1} + ${j}u;`);
      const at = results.map((size, axis) => variable(axis === axes - 1 ? `p${j}` : `o${axis}`, size));
      finishElement(task, writer, core, writer.name(sum), [...layout.before(column), ...at], lanes);
    };
    if (last % points !== 0 && j > 0) writer.block(`if (o${axes - 1} + ${j}u < ${last}u)`, body);
    else writer.block("", body);
  }
  const kernels = windows.map(({ kernel }) => kernel).join("x");
  const what = `${core.op}_${kernels}_${channels}to${outputs}${groups > 1 && !isPool(core.op) ? `_groups${groups}` : ""}`;
  const comment = `${core.op}: ${images} times [${sizes.join(", ")}], ${channels} to ${outputs} channels, kernel ${kernels}; ${points} places x ${lanes} channels a thread.`;
  return {
    name: `${what}_${images}x${sizes.join("x")}_${task.result.dtype}`,
    source: writer.finish(comment, [...workgroup, 1], ["id"], gridOf([...threads, 1], [...workgroup, 1])),
  };
}

/** Loops over the taps along the axes from this one on, and says at each where the operand is read. */
function overTaps(writer: KernelWriter, layout: Layout, axis: number, body: () => void): void {
  const { core, windows, sizes, points, sure } = layout;
  if (axis === windows.length) {
    const [first, ...others] = windows.keys();
    const tap = others.reduce((text, i) => `(${text}) * ${inputAt(windows, i).kernel}u + d${i}`, `d${first}`);
    writer.lines.push(`let tap = ${tap};`);
    body();
    return;
  }
  const { kernel, stride, dilation, before } = inputAt(windows, axis);
  const size = inputAt(sizes, axis);
  const isLast = axis === windows.length - 1;
  writer.block(`for (var d${axis} = 0u; d${axis} < ${kernel}u; d${axis}++)`, () => {
    const skipped = !isLast || points === 1;
    if (isTransposed(core.op) && skipped) {
      writer.lines.push(
        `let n${axis} = i32(o${axis} + ${before}u) - i32(d${axis} * ${dilation}u);`,
        `if (n${axis} < 0 || n${axis} % ${stride} != 0 || n${axis} / ${stride} >= ${size}) { continue; }`,
        `let ${placeName(layout, axis, 0)} = u32(n${axis} / ${stride});`,
      );
    }
    for (let j = 0; j < (isLast ? points : 1) && isTransposed(core.op) && !skipped; j++) {
      writer.lines.push(
        `let i${axis}_${j} = i32(o${axis} + ${before + j}u) - i32(d${axis} * ${dilation}u);`,
        `let in${j} = i${axis}_${j} >= 0 && i${axis}_${j} < ${size};`,
        `let ${placeName(layout, axis, j)} = u32(clamp(i${axis}_${j}, 0, ${size - 1}));`,
      );
    }
    for (let j = 0; j < (isLast ? points : 1) && !isTransposed(core.op); j++) {
      const point = isLast && points > 1 ? `(o${axis} + ${j}u)` : `o${axis}`;
      const moved = `${point} * ${stride}u + d${axis} * ${dilation}u`;
      const name = placeName(layout, axis, j);
      if (sure[axis]) {
        writer.lines.push(`let ${name} = ${moved};`);
        continue;
      }
      const place = `i${axis}_${j}`;
      const outside = `${place} < 0 || ${place} >= ${size}`;
      writer.lines.push(`let ${place} = i32(${moved}) - ${before};`);
      if (skipped) writer.lines.push(`if (${outside}) { continue; }`, `let ${name} = u32(${place});`);
      else writer.lines.push(`let in${j} = !(${outside});`, `let ${name} = u32(clamp(${place}, 0, ${size - 1}));`);
    }
    overTaps(writer, layout, axis + 1, body);
  });
}

function placeName({ windows }: Layout, axis: number, point: number): string {
  return axis === windows.length - 1 ? `s${axis}_${point}` : `s${axis}`;
}

/** Where the tap of the loop reads the operand for one of a thread's points. */
function placeOf(layout: Layout, point: number, channel: Coordinate): readonly Coordinate[] {
  return [...layout.before(channel), ...layout.sizes.map((size, axis) => variable(placeName(layout, axis, point), size))];
}

/** What is read there, or zero where that is beyond the axis. */
function masked({ points, sure }: Layout, point: number, value: string, zero: string): string {
  return points === 1 || sure.at(-1) ? value : `select(${zero}, ${value}, in${point})`;
}

/** Each channel from itself: pools, and convolutions with a group a channel. */
function sumOwn({ scene }: Task, writer: KernelWriter, layout: Layout, matrix: Stored | undefined): void {
  const { core, channels, outputs, lanes, points } = layout;
  const [x = -1] = core.inputs;
  const channel = lanes === 4 ? variable(laneVariable, channels, "c") : variable("c", channels);
  const at = `tap * ${outputs / lanes}u + c`;
  const weight = matrix && writer.name(lanes === 4 ? writer.load4(matrix, at) : writer.load(matrix, at));
  for (let j = 0; j < points; j++) {
    const element = new Reader(scene, writer).read(x, placeOf(layout, j, channel), lanes);
    const value = masked(layout, j, element, lanes === 4 ? "vec4<f32>(0.0)" : "0.0");
    writer.lines.push(weight === undefined ? `a${j} += ${value};` : `a${j} = fma(${value}, ${weight}, a${j});`);
  }
}

/** Whether a thread's channels read the same group of the operand's. */
function isTogether({ own, lanes }: Layout): boolean {
  return own % lanes === 0;
}

/** Where the channels of the thread's group begin, and where its first row of a transposed matrix does. */
function groupOf({ groups, lanes, own }: Layout): { readonly group: string; readonly row: string } {
  const first = lanes === 4 ? laneVariable : "c";
  return groups === 1 ? { group: "0u", row: first } : { group: `${first} / ${own}u`, row: `${first} % ${own}u` };
}

/** The operand's channels in fours, where they lie so; false where they do not. */
function sumRuns({ scene }: Task, writer: KernelWriter, layout: Layout, matrix: Stored): boolean {
  const { core, channels, outputs, groups, inner, own, lanes, points } = layout;
  const [x = -1] = core.inputs;
  const runs =
    inner % 4 === 0 && isTogether(layout) ? runsOf(scene, x, scene.value(x).type.shape.length - windowAxes[core.op] - 1) : undefined;
  const transposed = isTransposed(core.op);
  if (runs === undefined || (groups > 1 && runs.length > 1) || (lanes === 1 && !transposed)) return false;
  const { group, row } = groupOf(layout);
  for (const [r, run] of runs.entries()) {
    for (let j = 0; j < points; j++) {
      const base = run.base(placeOf(layout, j, []));
      writer.lines.push(`let x${r}_${j} = ${base}${groups === 1 ? "" : ` + ${group} * ${inner / 4}u`};`);
    }
    const quarters = (groups === 1 ? run.size : inner) / 4;
    writer.block(`for (var ${innerQuarter} = 0u; ${innerQuarter} < ${quarters}u; ${innerQuarter}++)`, () => {
      for (let j = 0; j < points; j++) {
        const element = writer.load4(run.stored, `x${r}_${j} + ${innerQuarter}`);
        writer.lines.push(`let v${j} = ${masked(layout, j, element, "vec4<f32>(0.0)")};`);
      }
      if (transposed) {
        const at = (lane: number) =>
          `(tap * ${own}u + ${row} + ${lane}u) * ${channels / 4}u + ${group} * ${inner / 4}u + ${run.start / 4}u + ${innerQuarter}`;
        const weights = Array.from({ length: lanes }, (_, lane) => writer.load4(matrix, at(lane)));
        const named = points === 1 ? weights : weights.map((weight) => writer.name(weight));
        for (let j = 0; j < points; j++) {
          const products = named.map((weight) => `dot(v${j}, ${weight})`);
          writer.lines.push(`a${j} += ${lanes === 4 ? `vec4<f32>(${products.join(", ")})` : products.join()};`);
        }
        return;
      }
      writer.lines.push(`let w = (tap * ${inner}u + ${run.start}u + ${innerQuarter} * 4u) * ${outputs / 4}u + c;`);
      for (const [lane, part] of ["x", "y", "z", "w"].entries()) {
        const weight = writer.name(writer.load4(matrix, `w + ${(lane * outputs) / 4}u`));
        for (let j = 0; j < points; j++) writer.lines.push(`a${j} = fma(vec4<f32>(v${j}.${part}), ${weight}, a${j});`);
      }
    });
  }
  return true;
}

/** The operand's channels one after another, each lane's own where its lanes are of several groups. */
function sumOneByOne({ scene }: Task, writer: KernelWriter, layout: Layout, matrix: Stored): void {
  const { core, channels, outputs, groups, inner, own, lanes, points } = layout;
  const [x = -1] = core.inputs;
  const first = lanes === 4 ? laneVariable : "c";
  const lane = (l: number) => (l === 0 ? first : `(${first} + ${l}u)`);
  const type = lanes === 4 ? "vec4<f32>" : "f32";
  const each = Array.from({ length: lanes }, (_, l) => l);
  const together = isTogether(layout);
  writer.block(`for (var ${innerVariable} = 0u; ${innerVariable} < ${inner}u; ${innerVariable}++)`, () => {
    if (groups > 1)
      for (const l of together ? [0] : each) writer.lines.push(`let q${l} = ${lane(l)} / ${own}u * ${inner}u + ${innerVariable};`);
    const channelOf = (l: number) => (groups === 1 ? innerVariable : `q${together ? 0 : l}`);
    const rowOf = (l: number) => (groups === 1 ? lane(l) : `${lane(l)} % ${own}u`);
    const transposedAt = (l: number) => writer.load(matrix, `(tap * ${own}u + ${rowOf(l)}) * ${channels}u + ${channelOf(l)}`);
    const at = `(tap * ${inner}u + ${innerVariable}) * ${outputs / lanes}u + c`;
    const weight = writer.name(
      isTransposed(core.op)
        ? `${type}(${each.map(transposedAt).join(", ")})`
        : lanes === 4
          ? writer.load4(matrix, at)
          : writer.load(matrix, at),
    );
    for (let j = 0; j < points; j++) {
      const read = (l: number) => new Reader(scene, writer).read(x, placeOf(layout, j, variable(channelOf(l), channels)), 1);
      const element = together ? read(0) : `vec4<f32>(${each.map(read).join(", ")})`;
      const value = masked(layout, j, element, together ? "0.0" : "vec4<f32>(0.0)");
      writer.lines.push(`a${j} = fma(${together ? `${type}(${value})` : value}, ${weight}, a${j});`);
    }
  });
}
