/** Convolution as an implicit product in channels-last, and its transpose where that spreads nothing: each thread sums a run of pixels of one row times four channels in registers. */

import { type OpValueOf, sizeOf } from "../../../graph/graph.ts";
import { inputAt } from "../../../ops/rules.ts";
import { type Window, windowsOf } from "../../../ops/windows.ts";
import { type Coordinate, regroup, variable } from "../layout/coordinates.ts";
import { coreOf } from "../layout/group.ts";
import type { Stored } from "../layout/stored.ts";
import { KernelWriter, type Parameter } from "./kernel-writer.ts";
import { innerVariable, runsOf } from "./operand.ts";
import { workgroupFor } from "./product.ts";
import { overQuarters, quadWorkgroup } from "./quads.ts";
import { laneVariable, Reader } from "./reader.ts";
import { biasAt, type Draft, finishElement, gridOf, type Task } from "./task.ts";

type PictureOp = "conv2d" | "convTranspose2d";

/** The window of a convolution of pictures, if it is the same along both axes and all channels are one group. */
export function squareWindow({ op, attributes }: OpValueOf<PictureOp>): Window | undefined {
  const [down, across] = windowsOf(op, attributes);
  const { kernel, stride, dilation, before } = down ?? {};
  const square = kernel === across?.kernel && stride === across?.stride && before === across?.before;
  return square && dilation === 1 && across?.dilation === 1 && attributes.groups === 1 ? down : undefined;
}

/** `matrix` is [kernel · kernel · channels, outputs]. `pixels` are the neighbours along x that a thread computes. */
export function convolution(task: Task, matrix: Stored, pixels: number): Draft {
  return writeConvolution(task, matrix, pixels, undefined);
}

/**
 * A transposed convolution of stride 1, as the gradient of a convolution's data is, is a convolution whose taps are turned. `matrix` is
 * [kernel · kernel · outputs, channels]. Undefined where it spreads what it reads, or where that or what it makes lies not in fours.
 */
export function turnedConvolution(task: Task, matrix: Stored, pixels: number): Draft | undefined {
  const core = coreOf(task.group, "convTranspose2d");
  const [x = -1] = core.inputs;
  const { shape } = core.type;
  const inFours = inputAt(shape, shape.length - 3) % 4 === 0 && runsOf(task.scene, x, shape.length - 3) !== undefined;
  return inFours && squareWindow(core)?.stride === 1 ? writeConvolution(task, matrix, pixels, undefined) : undefined;
}

/** Undefined where threads cannot work in fours. */
export function quadConvolution(task: Task, matrix: Stored, pixels: number): Draft | undefined {
  const core = coreOf(task.group, "conv2d");
  const [x = -1] = core.inputs;
  const outputs = core.type.shape.at(-3) ?? 1;
  const runs = outputs % 4 === 0 ? runsOf(task.scene, x, core.type.shape.length - 3) : undefined;
  const threads = quadWorkgroup(outputs / 4, runs);
  return threads === undefined ? undefined : writeConvolution(task, matrix, pixels, threads);
}

const lanesOfFour = ["x", "y", "z", "w"] as const;

/** `quadThreads` are those of a workgroup that works in quads. */
function writeConvolution(task: Task, matrix: Stored, pixels: number, quadThreads: number | undefined): Draft {
  const { group, scene } = task;
  const core = coreOf(group, "conv2d", "convTranspose2d");
  const turned = core.op === "convTranspose2d";
  const [x = -1] = core.inputs;
  const operand = scene.value(x).type.shape;
  const [channels = 1, height = 1, width = 1] = operand.slice(-3);
  const images = operand.slice(0, -3);
  const imageCount = sizeOf(images);
  const [outputs = 1, rows = 1, columns = 1] = core.type.shape.slice(-3);
  const window = squareWindow(core);
  if (window === undefined) throw new Error("wgsl: a window that is not square, for which there is another kernel");
  const { kernel, stride } = window;
  const before = turned ? kernel - 1 - window.before : window.before;
  const lanes = outputs % 4 === 0 ? 4 : 1;
  const runs = lanes === 4 ? runsOf(scene, x, operand.length - 3) : undefined;
  const writer = new KernelWriter();
  const run = Math.min(pixels, columns);
  const across = Math.ceil(columns / run);
  const strip = (run - 1) * stride + kernel;
  const threads = [outputs / lanes, across * rows * imageCount] as const;
  const quads = quadThreads !== undefined;
  const workgroup: readonly [number, number] = quads ? [quadThreads, 1] : workgroupFor(...threads);
  const type = lanes === 4 ? "vec4<f32>" : "f32";
  const outStride = outputs / lanes;

  writer.lines.push("let c = id.x;");
  if (quads) writer.lines.push("let place = workgroup.y;");
  else writer.lines.push("let place = id.y;", `if (c >= ${threads[0]}u || place >= ${threads[1]}u) { return; }`);
  if (lanes === 4) writer.lines.push(`let ${laneVariable} = c * 4u;`);
  writer.lines.push(
    `let x0 = (place % ${across}u) * ${run}u;`,
    `let y = (place / ${across}u) % ${rows}u;`,
    `let image = place / ${across * rows}u;`,
  );
  const imageAt = regroup([variable("image", imageCount)], images);
  const operandAt = (iy: Coordinate, ix: Coordinate, k: Coordinate): readonly Coordinate[] => [...imageAt, k, iy, ix];
  for (let j = 0; j < run; j++) writer.lines.push(`var a${j} = ${type}(0.0);`);
  const edge = columns % run !== 0 || stride !== 1;
  const certain = (p: number) => !edge && p >= before && p - before < run && width === columns;
  for (let p = 0; p < strip; p++) {
    if (certain(p)) {
      writer.lines.push(`let s${p} = x0 + ${p - before}u;`);
      continue;
    }
    writer.lines.push(`let i${p} = i32(x0 * ${stride}u) + ${p - before};`, `let in${p} = i${p} >= 0 && i${p} < ${width};`);
    writer.lines.push(`let s${p} = u32(clamp(i${p}, 0, ${width - 1}));`);
  }
  writer.bind(matrix, "weights");
  const sum = (weightsAt: string, values: readonly string[], broadcast: boolean) => {
    const weight = writer.name(lanes === 4 ? writer.load4(matrix, weightsAt) : writer.load(matrix, weightsAt));
    for (let j = 0; j < run; j++) {
      const value = values[j * stride] ?? "0.0";
      writer.lines.push(`a${j} = fma(${broadcast ? `${type}(${value})` : value}, ${weight}, a${j});`);
    }
  };
  writer.block(`for (var dy = 0u; dy < ${kernel}u; dy++)`, () => {
    writer.lines.push(
      `let iy = i32(y * ${stride}u + dy) - ${before};`,
      `if (iy < 0 || iy >= ${height}) { continue; }`,
      "let sy = u32(iy);",
    );
    const place = (p: number, k: Coordinate) => operandAt(variable("sy", height), variable(`s${p}`, width), k);
    const masked = (p: number, value: string) => (certain(p) ? value : `select(${runs ? "vec4<f32>(0.0)" : "0.0"}, ${value}, in${p})`);
    for (const [r, part] of (runs ?? []).entries()) {
      for (let p = 0; p < strip; p++) writer.lines.push(`let x${r}_${p} = ${part.base(place(p, []))};`);
      const loads = Array.from({ length: strip }, (_, p) => ({
        name: `v${p}`,
        load: (quarter: string) => masked(p, writer.load4(part.stored, `x${r}_${p} + ${quarter}`)),
      }));
      overQuarters(writer, part, { quads }, loads, (quarter) => {
        for (let dx = 0; dx < kernel; dx++) {
          if (turned) {
            const tap = `(${kernel - 1}u - dy) * ${kernel}u + ${kernel - 1 - dx}u`;
            writer.lines.push(
              `let w${dx} = ((${tap}) * ${outputs}u + ${laneVariable}) * ${channels / 4}u + ${part.start / 4}u + ${quarter};`,
            );
            const rows = lanesOfFour.map((_, lane) => writer.name(writer.load4(matrix, `w${dx} + ${(lane * channels) / 4}u`)));
            for (let j = 0; j < run; j++)
              writer.lines.push(`a${j} += vec4<f32>(${rows.map((one) => `dot(v${j + dx}, ${one})`).join(", ")});`);
            continue;
          }
          writer.lines.push(
            `let w${dx} = ((dy * ${kernel}u + ${dx}u) * ${channels}u + ${part.start}u + ${quarter} * 4u) * ${outStride}u + c;`,
          );
          for (const [lane, name] of lanesOfFour.entries()) {
            const values = Array.from({ length: strip - dx }, (_, p) => `v${p + dx}.${name}`);
            sum(`w${dx} + ${lane * outStride}u`, values, true);
          }
        }
      });
    }
    if (runs !== undefined) return;
    writer.block(`for (var ${innerVariable} = 0u; ${innerVariable} < ${channels}u; ${innerVariable}++)`, () => {
      for (let p = 0; p < strip; p++) {
        const element = new Reader(scene, writer).read(x, place(p, variable(innerVariable, channels)), 1);
        writer.lines.push(`let v${p} = ${masked(p, element)};`);
      }
      for (let dx = 0; dx < kernel; dx++) {
        const values = Array.from({ length: strip - dx }, (_, p) => `v${p + dx}`);
        sum(`((dy * ${kernel}u + ${dx}u) * ${channels}u + ${innerVariable}) * ${outStride}u + c`, values, lanes === 4);
      }
    });
  });

  const [, , bias] = core.inputs;
  const column = lanes === 4 ? variable(laneVariable, outputs, "c") : variable("c", outputs);
  const shift = bias === undefined ? undefined : writer.name(biasAt(task, writer, [bias], column, 0, lanes));
  for (let j = 0; j < run; j++) {
    const body = () => {
      const computed = shift === undefined ? `a${j}` : writer.name(`a${j} + ${shift}`);
      writer.lines.push(`let o${j} = x0 + ${j}u;`);
      finishElement(task, writer, core, computed, [...imageAt, column, variable("y", rows), variable(`o${j}`, columns)], lanes);
    };
    if (columns % run !== 0 && j > 0) writer.block(`if (x0 + ${j}u < ${columns}u)`, body);
    else writer.block("", body);
  }
  const name = `${core.op}_${kernel}x${kernel}${stride > 1 ? `_stride${stride}` : ""}_${channels}to${outputs}_${imageCount}x${height}x${width}_${task.result.dtype}_pixels${run}${quads ? "_quads" : ""}`;
  const comment = `${core.op}: ${imageCount} pictures of ${height}x${width}, ${channels} to ${outputs} channels, kernel ${kernel}x${kernel}, stride ${stride}; ${run} pixels x ${lanes} channels a thread${quads ? ", four of which share their loads" : ""}.`;
  const parameters: readonly Parameter[] = quads ? ["id", "lane", "workgroup"] : ["id"];
  return {
    name,
    source: writer.finish(comment, [...workgroup, 1], parameters, gridOf([...threads, 1], [...workgroup, 1])),
  };
}
