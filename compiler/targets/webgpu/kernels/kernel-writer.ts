/** Collects what a kernel is made of (buffers, small weights, functions, statements) and writes it as WGSL. */

import type { Width } from "../forms/form.ts";
import type { Address } from "../layout/coordinates.ts";
import { type Stored, type VectorPart, vectorsBuffer } from "../layout/stored.ts";

interface Bound {
  readonly name: string;
  readonly stored: Stored;
  readonly write: boolean;
  scalar: boolean;
  vector: boolean;
}

export interface KernelSource {
  /** Without its name, which is given when kernels are told apart. */
  readonly text: string;
  /** In the order of the bindings. */
  readonly buffers: readonly string[];
  readonly writes: number;
  readonly vectors: readonly VectorPart[];
  readonly workgroup: Sizes3;
  /** Workgroups along x, y and z. */
  readonly grid: Sizes3;
  readonly sharedBytes: number;
  /** What a device must have beyond what all have. */
  readonly feature?: "subgroups";
}

type Sizes3 = readonly [number, number, number];

/** What tells a thread which one it is. */
const builtins = {
  id: "@builtin(global_invocation_id) id: vec3<u32>",
  local: "@builtin(local_invocation_id) local: vec3<u32>",
  lane: "@builtin(subgroup_invocation_id) lane: u32",
  workgroup: "@builtin(workgroup_id) workgroup: vec3<u32>",
  folded: "@builtin(workgroup_id) folded: vec3<u32>",
} as const;

/** The names that a kernel may know of these; `folded` is where a workgroup stands in a folded grid. */
export type Parameter = Exclude<keyof typeof builtins, "folded">;

/** Workgroups along a dimension that every WebGPU device grants. */
const mostWorkgroups = 65535;
/** Workgroups of a row, and rows of a layer, of a folded grid. */
const foldedRow = 32768;

interface Covered {
  readonly grid: Sizes3;
  readonly parameters: readonly (keyof typeof builtins)[];
  readonly lines: readonly string[];
}

/** A grid that is too long for one of its dimensions is dispatched row by row; its kernel is told where it would have stood. */
function coverGrid(grid: Sizes3, workgroup: Sizes3, parameters: readonly Parameter[]): Covered {
  const [x, y, z] = grid;
  if (Math.max(x, y, z) <= mostWorkgroups) return { grid, parameters, lines: [] };
  const count = x * y * z;
  const rows = Math.ceil(count / foldedRow);
  const lanes = parameters.filter((name) => name === "lane");
  return {
    grid: [foldedRow, Math.min(rows, foldedRow), Math.ceil(rows / foldedRow)],
    parameters: ["local", ...lanes, "folded"],
    lines: [
      `let ordinal = (folded.z * ${foldedRow}u + folded.y) * ${foldedRow}u + folded.x;`,
      `if (ordinal >= ${count}u) { return; }`,
      `let workgroup = vec3<u32>(ordinal % ${x}u, (ordinal / ${x}u) % ${y}u, ordinal / ${x * y}u);`,
      `let id = workgroup * vec3<u32>(${workgroup.map((size) => `${size}u`).join(", ")}) + local;`,
    ],
  };
}

type Lines = (string | Lines)[];

/** Indents once, when all is there: doing so at each closing brace would write each line as often as it is deep. */
function indented(lines: Lines, margin: string, out: string[]): string[] {
  for (const line of lines) {
    if (typeof line === "string") out.push(margin + line);
    else indented(line, `${margin}  `, out);
  }
  return out;
}

export class KernelWriter {
  private readonly bound = new Map<string, Bound>();
  private readonly functions = new Set<string>();
  private readonly vectors: VectorPart[] = [];
  private readonly shared: string[] = [];
  private sharedBytes = 0;
  private vectorEnd = 0;
  private names = 0;
  private feature: "subgroups" | undefined;
  /** Statements; a list within is what stands in the braces around it. */
  lines: Lines = [];

  bind(stored: Stored, role: string, write = false): string {
    const known = this.bound.get(stored.buffer);
    if (known !== undefined) return known.name;
    this.bound.set(stored.buffer, { name: role, stored, write, scalar: false, vector: false });
    return role;
  }

  private use(stored: Stored, width: Width, write = false): string {
    const name = this.bind(stored, write ? "result" : `input${this.bound.size}`, write);
    const bound = this.bound.get(stored.buffer) as Bound;
    if (width === 4) bound.vector = true;
    else bound.scalar = true;
    return name;
  }

  /** One element at an index in elements. */
  load(stored: Stored, index: string): string {
    return `${this.use(stored, 1)}_at(${index})`;
  }

  /** Four elements at an index in units of four. */
  load4(stored: Stored, quarter: string): string {
    return `${this.use(stored, 4)}_at4(${quarter})`;
  }

  store(stored: Stored, index: string, value: string): void {
    if (stored.dtype === "f16") throw new Error("kernel writer: a half alone cannot be written, it shares its word");
    this.lines.push(`${this.use(stored, 1, true)}[${index}] = ${value};`);
  }

  store4(stored: Stored, quarter: string, value: string): void {
    const name = this.use(stored, 4, true);
    const packed = stored.dtype === "f16" ? `pack(${value})` : value;
    if (stored.dtype === "f16")
      this.define("fn pack(v: vec4<f32>) -> vec2<u32> { return vec2<u32>(pack2x16float(v.xy), pack2x16float(v.zw)); }");
    this.lines.push(`${name}[${quarter}] = ${packed};`);
  }

  /** A result at the address of the first of four neighbours, wherever they lie. */
  storeAt(stored: Stored, at: Address, value: string): void {
    if (at.quarter !== undefined) {
      this.store4(stored, at.quarter, value);
      return;
    }
    if (at.step === undefined) throw new Error("kernel writer: four results that lie in no order");
    const base = this.name(at.text);
    const four = this.name(value);
    for (const [lane, part] of ["x", "y", "z", "w"].entries()) this.store(stored, `${base} + ${lane * at.step}u`, `${four}.${part}`);
  }

  /** Where a small weight begins in the binding of small weights, in elements. */
  vector(part: { readonly path?: string; readonly constant?: readonly number[] }, size: number): number {
    const same = (known: VectorPart) =>
      part.path !== undefined ? known.path === part.path : known.constant?.join() === part.constant?.join();
    const known = this.vectors.find(same);
    if (known !== undefined) return known.start;
    const start = this.vectorEnd;
    this.vectors.push({ ...part, size, start });
    this.vectorEnd = Math.ceil((start + size) / 4) * 4;
    return start;
  }

  /** The binding of small weights; its size is known when the kernel is whole. */
  readonly vectorBlock: Stored = { buffer: vectorsBuffer, dtype: "f32", elements: 0, strides: [], start: 0 };

  name(expression: string): string {
    const name = `t${this.names++}`;
    this.lines.push(`let ${name} = ${expression};`);
    return name;
  }

  variable(type: string): string {
    const name = `t${this.names++}`;
    this.lines.push(`var ${name}: ${type};`);
    return name;
  }

  enable(feature: "subgroups"): void {
    this.feature = feature;
  }

  define(source: string): void {
    this.functions.add(source);
  }

  /** Numbers that a workgroup shares. */
  share(name: string, count: number, type: "f32" | "vec4<f32>" = "f32"): void {
    this.shared.push(`var<workgroup> ${name}: array<${type}, ${count}>;`);
    this.sharedBytes += (type === "f32" ? 4 : 16) * count;
  }

  /** Statements within braces. */
  block(head: string, body: () => void): void {
    const outer = this.lines;
    this.lines = [];
    body();
    outer.push(`${head} {`, this.lines, "}");
    this.lines = outer;
  }

  /** The kernel whole: its workgroups are those of `grid`, however a device must be given them. */
  finish(comment: string, workgroup: Sizes3, parameters: readonly Parameter[], grid: Sizes3): KernelSource {
    const bound = [...this.bound.values()].sort((a, b) => Number(a.write) - Number(b.write));
    const declarations = bound.map(({ name, stored, write, scalar }, i) => {
      const element = elementOf(stored.dtype, scalar);
      return `@group(0) @binding(${i}) var<storage, ${write ? "read_write" : "read"}> ${name}: array<${element}>;`;
    });
    const accessors = bound.filter(({ write }) => !write).flatMap(accessorsOf);
    const covered = coverGrid(grid, workgroup, parameters);
    const text = [
      ...comment.split("\n").map((line) => `// ${line}`),
      ...(this.feature === undefined ? [] : [`enable ${this.feature};`]),
      ...declarations,
      ...this.shared,
      ...accessors,
      ...this.functions,
      "",
      `@compute @workgroup_size(${workgroup.join(", ")})`,
      `fn main(${covered.parameters.map((name) => builtins[name]).join(", ")}) {`,
      ...covered.lines.map((line) => `  ${line}`),
      ...indented(this.lines, "  ", []),
      "}",
      "",
    ].join("\n");
    return {
      text,
      buffers: bound.map(({ stored }) => stored.buffer),
      writes: bound.findIndex(({ write }) => write),
      vectors: this.vectors,
      workgroup,
      grid: covered.grid,
      sharedBytes: this.sharedBytes,
      ...(this.feature === undefined ? {} : { feature: this.feature }),
    };
  }
}

/** The same kernel with these of its bindings writable too. */
export function withWritable(text: string, bindings: ReadonlySet<number>): string {
  return text.replace(/@binding\((\d+)\) var<storage, read>/g, (declared, binding) =>
    bindings.has(Number(binding)) ? declared.replace("read>", "read_write>") : declared,
  );
}

function elementOf(dtype: Stored["dtype"], scalar: boolean): string {
  if (dtype === "i32") return "i32";
  if (dtype === "f32") return scalar ? "f32" : "vec4<f32>";
  return scalar ? "u32" : "vec2<u32>";
}

/** Halves lie two in a word and are unpacked by WGSL's own function, which every device has. */
function accessorsOf({ name, stored, scalar, vector }: Bound): string[] {
  const functions: string[] = [];
  const half = (words: string) => `let w = ${words}; return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));`;
  if (vector) {
    const body =
      stored.dtype === "f16"
        ? half(scalar ? `vec2<u32>(${name}[2u * i], ${name}[2u * i + 1u])` : `${name}[i]`)
        : `return ${scalar ? `vec4<f32>(${[0, 1, 2, 3].map((k) => `${name}[4u * i + ${k}u]`).join(", ")})` : `${name}[i]`};`;
    functions.push(`fn ${name}_at4(i: u32) -> vec4<f32> { ${body} }`);
  }
  if (scalar) {
    const body = stored.dtype === "f16" ? `return unpack2x16float(${name}[i / 2u])[i % 2u];` : `return ${name}[i];`;
    functions.push(`fn ${name}_at(i: u32) -> ${stored.dtype === "i32" ? "i32" : "f32"} { ${body} }`);
  }
  return functions;
}
