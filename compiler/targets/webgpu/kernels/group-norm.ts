/** Group norms in f32, the mean first and then the squares of what is left, so that nothing cancels: whole where a workgroup can keep a group at hand, else their statistics. */

import { sizeOf } from "../../../graph/graph.ts";
import { type Coordinate, regroup, variable } from "../layout/coordinates.ts";
import { coreOf } from "../layout/group.ts";
import { groupsTogether } from "../layout/norm-groups.ts";
import { KernelWriter } from "./kernel-writer.ts";
import { laneVariable, literal, Reader } from "./reader.ts";
import { type Draft, finishElement, type Task } from "./task.ts";

/** Adds a number of each thread up over the workgroup, in two steps so that few barriers are met. */
function sumOverWorkgroup(writer: KernelWriter, threads: number, value: string): string {
  writer.lines.push("workgroupBarrier();", `partial[lid] = ${value};`, "workgroupBarrier();");
  const total = writer.variable("f32");
  writer.lines.push(`for (var i = 0u; i < ${threads}u; i++) { ${total} += partial[i]; }`);
  return total;
}

/** Mean and 1 / sqrt(variance + eps) of each image's groups: [images, groups, 2]. One workgroup a group. */
export function groupStatistics({ group, scene, result }: Task): Draft {
  const core = coreOf(group, "groupNorm");
  const [x = -1] = core.inputs;
  const { shape } = scene.value(x).type;
  const [channels = 1, height = 1, width = 1] = shape.slice(-3);
  const images = shape.slice(0, -3);
  const groups = core.attributes.groups;
  const inGroup = channels / groups;
  const pixels = height * width;
  const lanes = inGroup % 4 === 0 ? 4 : 1;
  const items = (inGroup / lanes) * pixels;
  const threads = items >= 2048 ? 128 : items >= 64 ? 32 : 8;
  const writer = new KernelWriter();
  writer.share("partial", threads);
  writer.lines.push("let lid = local.x;", "let image = workgroup.y;", "let group = workgroup.x;");
  const imageAt = regroup([variable("image", sizeOf(images))], images);
  const type = lanes === 4 ? "vec4<f32>" : "f32";
  const pass = (name: string, term: (element: string) => string) => {
    writer.lines.push(`var ${name} = ${type}(0.0);`);
    writer.block(`for (var e = lid; e < ${items}u; e += ${threads}u)`, () => {
      writer.lines.push(`let pixel = e / ${inGroup / lanes}u;`);
      const place = (channel: Coordinate) => [...imageAt, channel, ...regroup([variable("pixel", pixels)], [height, width])];
      let channel: Coordinate;
      if (lanes === 4) {
        writer.lines.push(`let c4 = group * ${inGroup / 4}u + e % ${inGroup / 4}u;`, `let ${laneVariable} = c4 * 4u;`);
        channel = variable(laneVariable, channels, "c4");
      } else {
        writer.lines.push(`let c = group * ${inGroup}u + e % ${inGroup}u;`);
        channel = variable("c", channels);
      }
      const element = new Reader(scene, writer).read(x, place(channel), lanes);
      writer.lines.push(`${name} += ${term(element)};`);
    });
    return sumOverWorkgroup(writer, threads, lanes === 4 ? `dot(${name}, vec4<f32>(1.0))` : name);
  };
  const count = literal(inGroup * pixels);
  const mean = writer.name(`${pass("sum", (element) => element)} / ${count}`);
  const variance = pass("squares", (element) => `(${element} - ${mean}) * (${element} - ${mean})`);
  writer.block("if (lid == 0u)", () => {
    const at = writer.name(`(image * ${groups}u + group) * 2u`);
    writer.store(result, at, mean);
    writer.store(result, `${at} + 1u`, `inverseSqrt(${variance} / ${count} + ${literal(core.attributes.eps)})`);
  });
  return {
    name: `groupNorm_statistics_${sizeOf(images)}x${groups}x${inGroup}x${pixels}`,
    source: writer.finish(
      `groupNorm, statistics: mean and reciprocal deviation of ${groups} groups of ${inGroup} channels x ${pixels} pixels in ${sizeOf(images)} pictures; a workgroup each.`,
      [threads, 1, 1],
      ["local", "workgroup"],
      [groups, sizeOf(images), 1],
    ),
  };
}

/** Threads of a workgroup at most, and the pixels that are worth one. */
const wholeThreads = 128;
const leastPixels = 8;

/** Each group to mean 0 and variance 1, then the channels' scale and shift: a workgroup reads its groups three times, twice of it from its cache. */
export function groupNorm(task: Task): Draft {
  const { group, scene, result } = task;
  const core = coreOf(group, "groupNorm");
  const [x = -1, weight = -1, bias = -1] = core.inputs;
  const { shape } = core.type;
  const [channels = 1, height = 1, width = 1] = shape.slice(-3);
  const images = shape.slice(0, -3);
  const groups = core.attributes.groups;
  const inGroup = channels / groups;
  const pixels = height * width;
  const together = groupsTogether(core);
  if (together === undefined) throw new Error("wgsl: a group norm that no workgroup can keep at hand");
  const quarters = (together * inGroup) / 4;
  const apart = Math.max(1, Math.min(Math.ceil(pixels / leastPixels), Math.floor(wholeThreads / quarters)));
  const threads = quarters * apart;
  const writer = new KernelWriter();
  writer.share("partial", threads, "vec4<f32>");
  writer.lines.push("let lid = local.x;", "let image = workgroup.y;", `let quarter = lid % ${quarters}u;`);
  writer.lines.push(`let c4 = workgroup.x * ${quarters}u + quarter;`, `let ${laneVariable} = c4 * 4u;`);
  const imageAt = regroup([variable("image", sizeOf(images))], images);
  const channel = variable(laneVariable, channels, "c4");
  const at = [...imageAt, channel, ...regroup([variable("pixel", pixels)], [height, width])];
  const each = (body: (element: string) => void) =>
    writer.block(`for (var pixel = lid / ${quarters}u; pixel < ${pixels}u; pixel += ${apart}u)`, () =>
      body(new Reader(scene, writer).read(x, at, 4)),
    );
  /** Of a number that each thread sums over its pixels: its sum over the group of each of the thread's four channels. */
  const sumOverGroups = (name: string, term: (element: string) => string): string => {
    writer.lines.push(`var ${name} = vec4<f32>(0.0);`);
    each((element) => writer.lines.push(`${name} += ${term(element)};`));
    // First over the threads that sum the same channels, then over the channels, so that no thread adds all.
    writer.lines.push("workgroupBarrier();", `partial[lid] = ${name};`, "workgroupBarrier();");
    writer.block(`if (lid < ${quarters}u)`, () =>
      writer.lines.push(
        `for (var i = lid + ${quarters}u; i < ${threads}u; i += ${quarters}u) { ${name} += partial[i]; }`,
        `partial[lid] = ${name};`,
      ),
    );
    writer.lines.push("workgroupBarrier();", `var ${name}_of: array<f32, ${together}>;`);
    for (let first = 0; first < 4 * quarters; first += 4) {
      const parts = ["x", "y", "z", "w"].map(
        (part, lane) => `${name}_of[${Math.floor((first + lane) / inGroup)}] += partial[${first / 4}].${part};`,
      );
      writer.lines.push(parts.join(" "));
    }
    const own = [0, 1, 2, 3].map((lane) => `${name}_of[${together === 1 ? "0" : `(quarter * 4u + ${lane}u) / ${inGroup}u`}]`);
    return writer.name(`vec4<f32>(${own.join(", ")}) / ${literal(inGroup * pixels)}`);
  };
  const mean = sumOverGroups("sum", (element) => element);
  const variance = sumOverGroups("squares", (element) => `(${element} - ${mean}) * (${element} - ${mean})`);
  const scale = writer.name(`inverseSqrt(${variance} + vec4<f32>(${literal(core.attributes.eps)}))`);
  each((element) => {
    const reader = new Reader(scene, writer);
    const normal = `(${element} - ${mean}) * ${scale} * ${reader.read(weight, [channel], 4)} + ${reader.read(bias, [channel], 4)}`;
    finishElement(task, writer, core, writer.name(normal), at, 4);
  });
  return {
    name: `groupNorm_${sizeOf(images)}x${groups}x${inGroup}x${pixels}_${result.dtype}`,
    source: writer.finish(
      `groupNorm: ${groups} groups of ${inGroup} channels x ${pixels} pixels in ${sizeOf(images)} pictures; a workgroup takes ${together}.`,
      [threads, 1, 1],
      ["local", "workgroup"],
      [groups / together, sizeOf(images), 1],
    ),
  };
}
