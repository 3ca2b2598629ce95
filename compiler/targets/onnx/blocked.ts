/** Convolutions and their weights' gradients to nodes of ONNX Runtime's blocked layout, where its kernels are a third to a half faster. */

import { sizeOf, type TensorType } from "../../graph/graph.ts";
import { inputAt } from "../../ops/rules.ts";
import type { Window } from "../../ops/windows.ts";
import type { Block, OnnxWriter } from "./writer.ts";

/** Images of a tensor [..., C, H, W]. */
interface Images {
  readonly name: string;
  readonly images: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

function imagesOf(name: string, { shape }: TensorType): Images {
  const [channels = 1, height = 1, width = 1] = shape.slice(-3);
  return { name, images: sizeOf(shape.slice(0, -3)), channels, height, width };
}

const fits = (block: Block, ...sizes: readonly number[]): boolean => sizes.every((size) => size % block === 0);

/** What the kernel asks for beside the window. */
const plain = { auto_pad: "NOTSET", group: 1 } as const;

/** Undefined where the writer has no blocks, or channels do not fill them. The weight is reordered in the graph, which takes a twentieth of the convolution. */
export function blockedConvolution(
  writer: OnnxWriter,
  [x = "", weight = "", ...bias]: readonly string[],
  windows: readonly Window[],
  groups: number,
  type: TensorType,
  types: readonly TensorType[],
): string | undefined {
  const { block } = writer;
  const operand = imagesOf(x, inputAt(types, 0));
  const [filters = 1, channels = 1] = inputAt(types, 1).shape;
  if (block === undefined || groups > 1 || !types.every(({ dtype }) => dtype === "f32") || !fits(block, filters, channels))
    return undefined;
  const kernel = windows.map((window) => window.kernel);
  const made = writer.blocked("Conv", [reordered(writer, operand), filtersOf(writer, weight, inputAt(types, 1).shape, block), ...bias], {
    ...plain,
    kernel_shape: kernel,
    strides: windows.map(({ stride }) => stride),
    dilations: windows.map(({ dilation }) => dilation),
    pads: [...windows.map(({ before }) => before), ...windows.map(({ after }) => after)],
  });
  return writer.reshape(writer.blocked("ReorderOutput", [made], { channels: filters }), [], type.shape);
}

function reordered(writer: OnnxWriter, { name, images, channels, height, width }: Images): string {
  return writer.blocked("ReorderInput", [writer.reshape(name, [], [images, channels, height, width])]);
}

/** [O, I, H, W] to [O / block, I / block, H, W, block of I, block of O]. */
function filtersOf(writer: OnnxWriter, weight: string, shape: readonly number[], block: Block): string {
  const [filters = 1, channels = 1, ...kernel] = shape;
  // A turned matrix, then whole blocks: together a third of what a Transpose of single numbers takes.
  const rows = writer.node("Reshape", [weight, writer.ints([filters, channels * sizeOf(kernel)])]);
  const turned = writer.node("Transpose", [rows], { perm: [1, 0] });
  const parts = writer.node("Reshape", [turned, writer.ints([channels / block, block, sizeOf(kernel), filters / block, block])]);
  const moved = writer.node("Transpose", [parts], { perm: [3, 0, 2, 1, 4] });
  return writer.node("Reshape", [moved, writer.ints(shape)]);
}

/** Zeros around pictures that make them this much larger cost more than the kernel gains. */
const mostPadding = 2;

/**
 * dW [O, C, h, w] as a convolution too: what was convolved is the data, its channels the images and its images the channels; the gradient is the filter,
 * so that steps and dilations change places. Undefined where the images do not fill blocks, for a window of one place, which is a plain product, and where
 * most of what would be read is zeros.
 */
export function blockedWeightGradient(
  writer: OnnxWriter,
  [x = "", gradient = ""]: readonly string[],
  windows: readonly Window[],
  groups: number,
  types: readonly TensorType[],
): string | undefined {
  const { block } = writer;
  const [data, filter] = [imagesOf(x, inputAt(types, 0)), imagesOf(gradient, inputAt(types, 1))];
  if (block === undefined || windows.length !== 2 || groups > 1 || inputAt(types, 0).dtype !== "f32") return undefined;
  if (!fits(block, data.images, filter.channels) || windows.every(({ kernel }) => kernel === 1)) return undefined;
  const points = [filter.height, filter.width];
  const sizes = [data.height, data.width];
  const reach = windows.map(({ kernel, stride, dilation }, i) => (inputAt(points, i) - 1) * stride + (kernel - 1) * dilation + 1);
  const after = windows.map(({ before }, i) => inputAt(reach, i) - before - inputAt(sizes, i));
  if (after.some((zeros) => zeros < 0) || sizeOf(reach) > mostPadding * sizeOf(sizes)) return undefined;
  const { images, channels } = data;
  const before = windows.map((window) => window.before);
  const pictures = writer.reshape(x, [], [images, channels, ...sizes]);
  const isPadded = sizeOf(reach) > sizeOf(sizes);
  const padded = isPadded ? writer.node("Pad", [pictures, writer.ints([0, 0, ...before, 0, 0, ...after])]) : pictures;
  const turned = writer.node("Transpose", [padded], { perm: [1, 0, 2, 3] });
  const places = sizeOf(points);
  const runs = writer.reshape(reordered(writer, filter), [], [images / block, block, filter.channels / block, places, block]);
  const filters = writer.reshape(writer.node("Transpose", [runs], { perm: [2, 0, 3, 1, 4] }), [], [filter.channels, images, ...points]);
  const kernel = windows.map((window) => window.kernel);
  const made = writer.blocked("Conv", [writer.blocked("ReorderInput", [turned]), filters], {
    ...plain,
    kernel_shape: points,
    strides: windows.map(({ dilation }) => dilation),
    dilations: windows.map(({ stride }) => stride),
    pads: [0, 0, 0, 0],
  });
  const byChannel = writer.reshape(made, [], [channels, filter.channels / block, sizeOf(kernel), block]);
  return writer.reshape(writer.node("Transpose", [byChannel], { perm: [1, 3, 0, 2] }), [], [filter.channels, channels, ...kernel]);
}
