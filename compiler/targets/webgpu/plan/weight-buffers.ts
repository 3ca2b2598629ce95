/** Weights to buffers as kernels want them: matrices packed column by column, small ones side by side in one binding. */

import { bytesOfDType, sizeOf, type Value, type ValueId, type WeightValue } from "../../../graph/graph.ts";
import type { Binding, WeightBuffer, WeightPart } from "../../../package/plan.ts";
import { matrixOps } from "../forms/windows.ts";
import { rowMajor } from "../layout/coordinates.ts";
import { coreOf, type Group } from "../layout/group.ts";
import type { Stored, TableRows, VectorPart } from "../layout/stored.ts";
import { bindingAlignment } from "./slots.ts";

/** Buffers are whole vec4s. */
export function padded(bytes: number): number {
  return Math.ceil(bytes / 16) * 16;
}

/** A buffer of small weights: the first of all buffers, further ones behind those of matrices. */
interface SmallWeights {
  readonly index: number;
  readonly parts: WeightPart[];
  bytes: number;
}

/** The weights of a plan in the order in which its kernels ask for them. */
export class WeightBuffers {
  private readonly byId: (id: ValueId) => Value;
  private readonly buffers = new Map<string, WeightBuffer & { readonly index: number }>();
  private readonly blocks = new Map<string, Binding>();
  private readonly smalls: SmallWeights[] = [{ index: 0, parts: [], bytes: 0 }];
  private readonly limit: number;

  /** `limit` is the largest buffer in bytes. */
  constructor(byId: (id: ValueId) => Value, limit: number) {
    this.byId = byId;
    this.limit = limit;
  }

  /** The packed matrix of a convolution, a linear op, or linear ops side by side. */
  matrix(group: Group): Stored {
    const core = coreOf(group, ...matrixOps);
    const ops = group.siblings.length > 0 ? group.siblings : [core];
    const tensors = ops.map((op) => this.weight(op.inputs[1] ?? -1));
    const [outputs = 1, inputs = 1, ...window] = tensors[0]?.type.shape ?? [];
    const taps = sizeOf(window);
    const columns = tensors.reduce((sum, tensor) => sum + (tensor.type.shape[0] ?? 1), 0);
    const dtype = core.type.dtype === "f16" && columns % 4 === 0 ? "f16" : "f32";
    const label = `matrix:${tensors.map(({ path }) => path).join(",")}${group.gated ? ":gated" : ""}:${dtype}`;
    const elements = taps * inputs * columns;
    if (!this.buffers.has(label)) {
      let start = 0;
      const parts = tensors.map(({ path, type }): WeightPart => {
        const own = type.shape[0] ?? outputs;
        const part = { path, outputs: own, inputs, taps, columns, gated: group.gated, start, dtype } as const;
        start += own;
        return part;
      });
      this.add(label, { label: tensors[0]?.path ?? label, bytes: padded(elements * bytesOfDType[dtype]), parts });
    }
    return { buffer: label, dtype, elements, strides: [columns, 1], start: 0 };
  }

  /** The first of all is the buffer of small weights. */
  private add(name: string, buffer: WeightBuffer): void {
    this.buffers.set(name, { ...buffer, index: this.buffers.get(name)?.index ?? this.buffers.size + 1 });
  }

  private weight(id: ValueId): WeightValue {
    const value = this.byId(id);
    if (value.kind !== "weight") throw new Error("plan: a matrix that is no weight");
    return value;
  }

  /** A buffer of its own: a matrix, or a table that comes as the file has it. */
  whole(label: string): Binding {
    const buffer = this.buffers.get(label);
    if (buffer === undefined) throw new Error(`plan: there is no buffer ${label}`);
    return { kind: "weight", index: buffer.index, offset: 0, size: buffer.bytes };
  }

  /** An embedding's rows, as the file has them. */
  table(id: ValueId, { stored, first }: TableRows): void {
    const { path } = this.weight(id);
    const { buffer, dtype, elements, strides } = stored;
    const from = first * (strides[0] ?? 1);
    const part: WeightPart = {
      path,
      from,
      outputs: 1,
      inputs: 1,
      taps: elements,
      columns: 1,
      gated: false,
      start: 0,
      dtype: dtype === "f16" ? "f16" : "f32",
    };
    this.add(buffer, { label: path, bytes: padded(elements * bytesOfDType[dtype]), parts: [part] });
  }

  /** A weight that is a product's second operand, row-major as the file has it. */
  plain(id: ValueId): Stored {
    const { path, type } = this.weight(id);
    const elements = sizeOf(type.shape);
    const columns = type.shape.at(-1) ?? 1;
    const dtype = type.dtype === "f16" && columns % 4 === 0 ? "f16" : "f32";
    const label = `plain:${path}:${dtype}`;
    const part: WeightPart = { path, outputs: elements, inputs: 1, taps: 1, columns: elements, gated: false, start: 0, dtype };
    if (!this.buffers.has(label)) this.add(label, { label: path, bytes: padded(elements * bytesOfDType[dtype]), parts: [part] });
    return { buffer: label, dtype, elements, strides: rowMajor(type.shape), start: 0 };
  }

  /** The range of one kernel's small weights. Kernels with the same ones share it. */
  vectors(parts: readonly VectorPart[]): Binding {
    const key = JSON.stringify(parts);
    const known = this.blocks.get(key);
    if (known !== undefined) return known;
    const end = parts.reduce((latest, { start, size }) => Math.max(latest, start + size), 0);
    const size = padded(end * 4);
    const small = this.smallWith(size);
    const offset = aligned(small.bytes);
    const block: Binding = { kind: "weight", index: small.index, offset, size };
    this.blocks.set(key, block);
    small.bytes = offset + size;
    for (const { path, constant, size: outputs, start } of parts) {
      const from = path === undefined ? { constant: constant ?? [] } : { path };
      const place = { outputs, inputs: 1, taps: 1, columns: outputs, gated: false, start: offset / 4 + start, dtype: "f32" } as const;
      small.parts.push({ ...from, ...place });
    }
    return block;
  }

  /** The last buffer of small weights, or a new one where it has no room. Matrices must have been asked for before. */
  private smallWith(size: number): SmallWeights {
    const last = this.smalls.at(-1) as SmallWeights;
    if (last.bytes === 0 || aligned(last.bytes) + size <= this.limit) return last;
    const next = { index: this.buffers.size + this.smalls.length, parts: [], bytes: 0 };
    this.smalls.push(next);
    return next;
  }

  finish(): readonly WeightBuffer[] {
    const [first, ...others] = this.smalls.map(
      ({ parts, bytes }): WeightBuffer => ({ label: "small weights", bytes: Math.max(16, bytes), parts }),
    );
    const large = [...this.buffers.values()].map(({ label, bytes, parts }): WeightBuffer => ({ label, bytes, parts }));
    return [...(first === undefined ? [] : [first]), ...large, ...others];
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / bindingAlignment) * bindingAlignment;
}
