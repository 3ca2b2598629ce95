/** The gradient of a convolution's weight: each thread adds up the products of a row of taps over all images and places, of four filters with four channels where they are fours. */

import { sizeOf } from "../../../graph/graph.ts";
import { inputAt } from "../../../ops/rules.ts";
import { gradientWindows } from "../../../ops/weight-gradient.ts";
import type { Window } from "../../../ops/windows.ts";
import { type Coordinate, regroup, scalar, variable } from "../layout/coordinates.ts";
import { coreOf } from "../layout/group.ts";
import { KernelWriter } from "./kernel-writer.ts";
import { Reader } from "./reader.ts";
import { countedThreads, type Draft, finishElement, type Task } from "./task.ts";

const workgroup = 64;
const parts = ["x", "y", "z", "w"] as const;
/** Places of a row that a thread goes through at a time: what it has loaded serves all of its taps. */
const mostPlaces = 8;
/** Taps of a row that a thread adds up, 16 vec4s of sums at most. */
const mostTaps = 4;

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
  const row: Row = rowOf(inputAt(windows, axes - 1), inputAt(sizes, axes - 1), inputAt(points, axes - 1));
  const threads = sizeOf(shape) / lanes ** 2 / row.taps;

  const writer = new KernelWriter();
  const { index, grid } = countedThreads(threads, workgroup);
  writer.lines.push(`let thread = ${index};`, `if (thread >= ${threads}u) { return; }`);
  // Neighbours read neighbouring channels.
  const tapCounts = kernel.with(-1, inputAt(kernel, axes - 1) / row.taps);
  const [channelOf = [], filterOf = [], ...taps] = lastFirst([variable("thread", threads)], [own / lanes, filters / lanes, ...tapCounts]);
  writer.lines.push(`let fq = ${scalar(filterOf)};`, `let cq = ${scalar(channelOf)};`, `let filter0 = fq * ${lanes}u;`);
  const first = groups === 1 ? "0u" : `filter0 / ${filters / groups}u * ${own / lanes}u`;
  writer.lines.push(`let xq = ${first} + cq;`, `let channel = xq * ${lanes}u;`, `let c = cq * ${lanes}u;`);
  for (const [axis, tap] of taps.entries()) writer.lines.push(`let d${axis} = ${scalar(tap)}${axis < axes - 1 ? "" : ` * ${row.taps}u`};`);
  const zero = lanes === 4 ? "vec4<f32>(0.0)" : "0.0";
  for (let tap = 0; tap < row.taps; tap++) for (let i = 0; i < lanes; i++) writer.lines.push(`var a${i}_${tap} = ${zero};`);
  const imageAt = regroup([variable("image", images)], leading);
  const before = Array.from({ length: axes - 1 }, (_, i) => i);
  const of = (name: string, quarter: string, size: number) => (lanes === 4 ? variable(name, size, quarter) : variable(name, size));
  const sumPlaces = (): void => {
    const reader = new Reader(scene, writer);
    const operandAt = (place: string) =>
      reader.read(
        x,
        [
          ...imageAt,
          of("channel", "xq", channels),
          ...before.map((axis) => variable(`s${axis}`, inputAt(sizes, axis))),
          variable(place, row.size),
        ],
        lanes,
      );
    const gradientAt = (place: string) =>
      reader.read(
        gradient,
        [
          ...imageAt,
          of("filter0", "fq", filters),
          ...before.map((axis) => variable(`p${axis}`, inputAt(points, axis))),
          variable(place, row.points),
        ],
        lanes,
      );
    const values = valuesOf(row, `d${axes - 1}`, operandAt, zero, writer);
    for (let place = 0; place < row.places; place++) {
      const factor = gradientOf(row, place, gradientAt, zero, writer);
      for (let tap = 0; tap < row.taps; tap++) {
        const value = values(place, tap);
        if (value === undefined) continue;
        if (lanes === 1) writer.lines.push(`a0_${tap} = fma(${value}, ${factor}, a0_${tap});`);
        else
          for (const [i, part] of parts.entries())
            writer.lines.push(`a${i}_${tap} = fma(vec4<f32>(${factor}.${part}), ${value}, a${i}_${tap});`);
      }
    }
  };
  const overPoints = (axis: number): void => {
    if (axis === axes - 1) {
      if (row.places === row.points) writer.block("", sumPlaces);
      else writer.block(`for (var start = 0u; start < ${row.points}u; start += ${row.places}u)`, sumPlaces);
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
  const place = (name: string, by: number, size: number) => variable(by === 0 ? name : `(${name} + ${by}u)`, size);
  for (let tap = 0; tap < row.taps; tap++) {
    const tapAt = taps.map((_, axis) => place(`d${axis}`, axis < axes - 1 ? 0 : tap, inputAt(kernel, axis)));
    for (let i = 0; i < lanes; i++) {
      for (const [lane, part] of (lanes === 4 ? parts : [undefined]).entries()) {
        writer.block("", () => {
          const at = [place("filter0", i, filters), place("c", lane, own), ...tapAt];
          finishElement(task, writer, core, part === undefined ? `a${i}_${tap}` : `a${i}_${tap}.${part}`, at, 1);
        });
      }
    }
  }
  const what = `${images} times [${points.join(", ")}], ${channels} to ${filters} channels, kernel ${core.attributes.kernel.join("x")}`;
  const each = `${lanes === 4 ? "4 filters x 4 channels of " : ""}${row.taps === 1 ? "a tap" : `${row.taps} taps`}`;
  return {
    name: `convWeightGradient_${shape.join("x")}_${images}x${points.join("x")}_${task.result.dtype}`,
    source: writer.finish(
      `convWeightGradient: ${what}; a thread ${each}, ${row.places} places at a time.`,
      [workgroup, 1, 1],
      ["id"],
      grid,
    ),
  };
}

/** How a thread goes along the last axis. */
interface Row {
  readonly window: Window;
  /** Of what the convolution read, and of its result. */
  readonly size: number;
  readonly points: number;
  /** Those of a thread at a time. */
  readonly places: number;
  readonly taps: number;
}

function rowOf(window: Window, size: number, points: number): Row {
  const dividing = (count: number, most: number) => {
    for (let divisor = Math.min(count, most); ; divisor--) if (count % divisor === 0) return divisor;
  };
  const even = dividing(points, mostPlaces);
  const places = 2 * even < Math.min(points, mostPlaces) ? mostPlaces : even;
  return { window, size, points, places, taps: dividing(window.kernel, mostTaps) };
}

/** Whether it is known while the kernel is written what each place reads: the row is one stretch with all of its taps. */
function isWhole({ window, points, places, taps }: Row): boolean {
  return places === points && taps === window.kernel;
}

/** What a tap of a place reads, by the place's and the tap's number; undefined where that lies beyond the row. */
function valuesOf(
  row: Row,
  firstTap: string,
  read: (place: string) => string,
  zero: string,
  writer: KernelWriter,
): (place: number, tap: number) => string | undefined {
  const { window, size, points, places } = row;
  const { stride, dilation, before } = window;
  if (isWhole(row)) {
    return (place, tap) => {
      const at = place * stride + tap * dilation - before;
      return at >= 0 && at < size ? read(`${at}u`) : undefined;
    };
  }
  const known = new Map<number, string>();
  const start = `${places === points ? "" : `start * ${stride}u + `}${firstTap} * ${dilation}u`;
  return (place, tap) => {
    const offset = place * stride + tap * dilation;
    const found = known.get(offset);
    if (found !== undefined) return found;
    const at = writer.name(`i32(${start}) + ${offset - before}`);
    const value = read(writer.name(`u32(clamp(${at}, 0, ${size - 1}))`));
    const made = writer.name(`select(${zero}, ${value}, ${at} >= 0 && ${at} < ${size})`);
    known.set(offset, made);
    return made;
  };
}

/** The gradient at a place; zero for what the last stretch has more than the row. */
function gradientOf({ points, places }: Row, place: number, read: (place: string) => string, zero: string, writer: KernelWriter): string {
  if (places === points) return read(`${place}u`);
  if (points % places === 0) return read(`(start + ${place}u)`);
  const at = writer.name(`start + ${place}u`);
  return writer.name(`select(${zero}, ${read(`min(${at}, ${points - 1}u)`)}, ${at} < ${points}u)`);
}

/** The places on axes of these sizes, of which the first runs fastest, in their order. */
function lastFirst(at: readonly Coordinate[], sizes: readonly number[]): readonly Coordinate[] {
  return [...regroup(at, [...sizes].reverse())].reverse();
}
