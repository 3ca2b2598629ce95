/** The gradient of a convolution's weight: each thread adds up the products of a row of taps over all images and places, of four or eight filters with four channels where they are fours. */

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
/** Where it has no more taps than these, a thread adds up eight filters: what it has loaded of the operand serves them all. */
const fewTaps = 2;

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
  // Windows of one place each: all places of all images are one row.
  const isFlat = windows.every((window, i) => isPlain(window) && sizes[i] === points[i]);
  const row = isFlat
    ? rowOf(inputAt(windows, 0), images * sizeOf(sizes), images * sizeOf(points))
    : rowOf(inputAt(windows, axes - 1), inputAt(sizes, axes - 1), inputAt(points, axes - 1));
  const fours = lanes === 4 && row.taps <= fewTaps && (filters / groups) % 8 === 0 ? 2 : 1;
  const threads = sizeOf(shape) / (lanes ** 2 * fours * row.taps);

  const writer = new KernelWriter();
  const { index, grid } = countedThreads(threads, workgroup);
  writer.lines.push(`let thread = ${index};`, `if (thread >= ${threads}u) { return; }`);
  // Neighbours read neighbouring channels.
  const tapCounts = kernel.with(-1, inputAt(kernel, axes - 1) / row.taps);
  const [channelOf = [], filterOf = [], ...taps] = lastFirst(
    [variable("thread", threads)],
    [own / lanes, filters / (lanes * fours), ...tapCounts],
  );
  const place = (name: string, by: number, size: number) => variable(by === 0 ? name : `(${name} + ${by}u)`, size);
  writer.lines.push(`let fq = ${scalar(filterOf)} * ${fours}u;`, `let cq = ${scalar(channelOf)};`, `let filter0 = fq * ${lanes}u;`);
  const first = groups === 1 ? "0u" : `filter0 / ${filters / groups}u * ${own / lanes}u`;
  writer.lines.push(`let xq = ${first} + cq;`, `let channel = xq * ${lanes}u;`, `let c = cq * ${lanes}u;`);
  for (const [axis, tap] of taps.entries()) writer.lines.push(`let d${axis} = ${scalar(tap)}${axis < axes - 1 ? "" : ` * ${row.taps}u`};`);
  const zero = lanes === 4 ? "vec4<f32>(0.0)" : "0.0";
  const filtersOfThread = Array.from({ length: lanes * fours }, (_, i) => i);
  for (let tap = 0; tap < row.taps; tap++) for (const i of filtersOfThread) writer.lines.push(`var a${i}_${tap} = ${zero};`);

  const imageAt = regroup([variable("image", images)], leading);
  const outer = Array.from({ length: axes - 1 }, (_, i) => i);
  /** Where a place of the row stands in the operand or in the gradient, whose axes of windows these are. */
  const placeAt = (text: string, channel: Coordinate, within: readonly number[], letter: string): readonly Coordinate[] => {
    if (!isFlat)
      return [
        ...imageAt,
        channel,
        ...outer.map((axis) => variable(`${letter}${axis}`, inputAt(within, axis))),
        variable(text, inputAt(within, axes - 1)),
      ];
    const all = regroup([variable(text, row.points)], [...leading, ...within]);
    return [...all.slice(0, leading.length), channel, ...all.slice(leading.length)];
  };
  const sumPlaces = (): void => {
    const reader = new Reader(scene, writer);
    const channel = lanes === 4 ? variable("channel", channels, "xq") : variable("channel", channels);
    const filter = (four: number) => {
      if (lanes === 1) return variable("filter0", filters);
      return four === 0 ? variable("filter0", filters, "fq") : variable(`(filter0 + ${4 * four}u)`, filters, `(fq + ${four}u)`);
    };
    const valueAt = valuesOf(row, `d${axes - 1}`, (text) => reader.read(x, placeAt(text, channel, sizes, "s"), lanes), zero, writer);
    for (let at = 0; at < row.places; at++) {
      const factors = Array.from({ length: fours }, (_, four) =>
        gradientOf(row, at, (text) => reader.read(gradient, placeAt(text, filter(four), points, "p"), lanes), zero, writer),
      );
      for (let tap = 0; tap < row.taps; tap++) {
        const value = valueAt(at, tap);
        if (value === undefined) continue;
        for (const i of filtersOfThread) {
          const factor = factors[Math.floor(i / lanes)];
          const one = lanes === 1 ? factor : `vec4<f32>(${factor}.${parts[i % 4]})`;
          writer.lines.push(`a${i}_${tap} = fma(${one}, ${value}, a${i}_${tap});`);
        }
      }
    }
  };
  const overRow = (): void => {
    if (row.places === row.points) writer.block("", sumPlaces);
    else writer.block(`for (var start = 0u; start < ${row.points}u; start += ${row.places}u)`, sumPlaces);
  };
  const overPoints = (axis: number): void => {
    if (axis === axes - 1) {
      overRow();
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
  if (isFlat) overRow();
  else writer.block(`for (var image = 0u; image < ${images}u; image++)`, () => overPoints(0));

  for (let tap = 0; tap < row.taps; tap++) {
    const tapAt = kernel.map((size, axis) => place(`d${axis}`, axis < axes - 1 ? 0 : tap, size));
    for (const i of filtersOfThread) {
      for (const [lane, part] of (lanes === 4 ? parts : [undefined]).entries()) {
        writer.block("", () => {
          const at = [place("filter0", i, filters), place("c", lane, own), ...tapAt];
          finishElement(task, writer, core, part === undefined ? `a${i}_${tap}` : `a${i}_${tap}.${part}`, at, 1);
        });
      }
    }
  }
  const what = `${images} times [${points.join(", ")}], ${channels} to ${filters} channels, kernel ${core.attributes.kernel.join("x")}`;
  const each = `${lanes === 4 ? `${4 * fours} filters x 4 channels of ` : ""}${row.taps === 1 ? "a tap" : `${row.taps} taps`}`;
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

function isPlain({ kernel, stride, before }: Window): boolean {
  return kernel === 1 && stride === 1 && before === 0;
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

/** Whether all that is read lies within the row. */
function isWithin({ window: { kernel, stride, dilation, before }, size, points, places }: Row): boolean {
  const last = Math.ceil(points / places) * places - 1;
  return before === 0 && last * stride + (kernel - 1) * dilation < size;
}

/** What a tap of a place reads, by the place's and the tap's number; undefined where that lies beyond the row. */
function valuesOf(
  row: Row,
  firstTap: string,
  read: (place: string) => string,
  zero: string,
  writer: KernelWriter,
): (place: number, tap: number) => string | undefined {
  const { window, size, points, places, taps } = row;
  const { stride, dilation, before } = window;
  if (isWhole(row)) {
    return (place, tap) => {
      const at = place * stride + tap * dilation - before;
      return at >= 0 && at < size ? read(`${at}u`) : undefined;
    };
  }
  const terms = [
    ...(places === points ? [] : [stride === 1 ? "start" : `start * ${stride}u`]),
    ...(taps === window.kernel ? [] : [`${firstTap} * ${dilation}u`]),
  ];
  const start = terms.join(" + ");
  const known = new Map<number, string>();
  return (place, tap) => {
    const offset = place * stride + tap * dilation;
    const found = known.get(offset);
    if (found !== undefined) return found;
    const made = isWithin(row) ? read(writer.name(`${start} + ${offset}u`)) : orZero(offset);
    known.set(offset, made);
    return made;
  };

  function orZero(offset: number): string {
    const at = writer.name(`i32(${start}) + ${offset - before}`);
    const value = read(writer.name(`u32(clamp(${at}, 0, ${size - 1}))`));
    return writer.name(`select(${zero}, ${value}, ${at} >= 0 && ${at} < ${size})`);
  }
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
