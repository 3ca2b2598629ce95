/** A group's task to its kernels, written in names of the task's own: groups that differ in weights, buffers and value numbers alone share what was written. */

import type { OpValue, Value, ValueId } from "../../../graph/graph.ts";
import type { Stored, TableRows } from "../layout/stored.ts";
import type { Scene } from "./reader.ts";
import type { Draft, Task } from "./task.ts";

type Drafts = readonly [Draft, ...Draft[]];

/** Writes the kernels of a task; it sees nothing but the two arguments. */
export type KernelWriting = (task: Task, matrix: Stored | undefined) => Drafts;

/** Kernels by what they are written from; one library serves all graphs of a model. */
export class KernelLibrary {
  private readonly written = new Map<string, Drafts>();
  private readonly write: KernelWriting;

  constructor(write: KernelWriting) {
    this.write = write;
  }

  draftsOf(task: Task, matrix: Stored | undefined): Drafts {
    const local = new LocalTask(task, matrix);
    const key = local.key();
    let drafts = this.written.get(key);
    if (drafts === undefined) {
      drafts = this.write(local.task, local.matrix);
      this.written.set(key, drafts);
    }
    const [first, ...others] = drafts;
    return [local.globally(first), ...others.map((draft) => local.globally(draft))];
  }
}

/** Gives out short names in the order in which it is asked for them, and says what they stand for. */
class Names {
  private readonly short = new Map<string, string>();
  private readonly long = new Map<string, string>();
  private readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  of(name: string): string {
    const known = this.short.get(name);
    if (known !== undefined) return known;
    const made = `${this.prefix}${this.short.size}`;
    this.short.set(name, made);
    this.long.set(made, name);
    return made;
  }

  meaning(short: string): string {
    return this.long.get(short) ?? short;
  }
}

/**
 * The task with values, buffers and weights numbered as they are met on the way from its tail. It holds all that a kernel
 * may read, and `key` tells all of that but where ops come from in the source: equal keys, equal kernels.
 */
class LocalTask {
  readonly task: Task;
  readonly matrix: Stored | undefined;
  private readonly buffers = new Names("b");
  private readonly paths = new Names("w");
  private readonly ids = new Map<ValueId, ValueId>();
  private readonly values: Value[] = [];
  private readonly places = new Map<ValueId, Stored>();
  private readonly tables = new Map<ValueId, readonly TableRows[]>();
  private readonly norms = new Map<ValueId, Stored>();
  private readonly told: string[] = [];

  constructor({ group, scene, result }: Task, matrix: Stored | undefined) {
    const own = new Set([group.tail.id, group.core?.id, ...group.siblings.map(({ id }) => id)]);
    const visit = (id: ValueId): ValueId => {
      const known = this.ids.get(id);
      if (known !== undefined) return known;
      const made = this.ids.size;
      this.ids.set(id, made);
      const stored = own.has(id) ? undefined : scene.stored(id);
      const value = this.localised(made, scene, scene.value(id), stored, visit);
      this.values[made] = value;
      return made;
    };
    const op = (one: OpValue): OpValue => this.values[visit(one.id)] as OpValue;
    const tail = op(group.tail);
    const core = group.core === undefined ? {} : { core: op(group.core) };
    const siblings = group.siblings.map(op);
    const local: Scene = {
      value: (id) => this.values[id] as Value,
      stored: (id) => this.places.get(id),
      table: (id) => this.tables.get(id) ?? [],
      statistics: (id) => this.norms.get(id),
    };
    const { kind, gated } = group;
    this.task = { group: { ...core, siblings, tail, kind, gated }, scene: local, result: this.localBuffer(result) };
    this.matrix = matrix && this.localBuffer(matrix);
    this.told.push(
      [
        kind,
        gated,
        tail.id,
        core.core?.id,
        siblings.map(({ id }) => id).join(),
        told(this.task.result),
        this.matrix && told(this.matrix),
      ].join(" "),
    );
  }

  key(): string {
    return this.told.join("\n");
  }

  private localised(id: ValueId, scene: Scene, value: Value, stored: Stored | undefined, visit: (id: ValueId) => ValueId): Value {
    const { type } = value;
    const tell = (...parts: readonly unknown[]) => this.told.push([id, type.dtype, type.shape.join("x"), ...parts].join(" "));
    if (stored !== undefined) {
      const place = this.localBuffer(stored);
      this.places.set(id, place);
      tell("stored", told(place));
      return { kind: "input", id, type, name: "", axes: [] };
    }
    switch (value.kind) {
      case "input":
        throw new Error(`plan: input ${value.name} has no buffer`);
      case "constant":
        tell("constant", value.data.join());
        return { ...value, id };
      case "weight": {
        const path = this.paths.of(value.path);
        const rows = scene.table(value.id).map((run) => ({ ...run, stored: this.localBuffer(run.stored) }));
        if (rows.length > 0) this.tables.set(id, rows);
        tell("weight", path, ...rows.map((run) => `${run.first} ${run.rows} ${told(run.stored)}`));
        return { kind: "weight", id, type, path, init: value.init };
      }
      case "op": {
        const inputs = value.inputs.map(visit);
        const norms = scene.statistics(value.id);
        const place = norms && this.localBuffer(norms);
        if (place !== undefined) this.norms.set(id, place);
        tell(value.op, inputs.join(), JSON.stringify(value.attributes), place === undefined ? "" : told(place));
        return { ...value, id, inputs };
      }
    }
  }

  private localBuffer(stored: Stored): Stored {
    return { ...stored, buffer: this.buffers.of(stored.buffer) };
  }

  /** What was written, in the names of the graph. */
  globally(draft: Draft): Draft {
    const { source } = draft;
    const vectors = source.vectors.map((part) => (part.path === undefined ? part : { ...part, path: this.paths.meaning(part.path) }));
    const buffers = source.buffers.map((buffer) => this.buffers.meaning(buffer));
    return { ...draft, source: { ...source, buffers, vectors } };
  }
}

function told({ buffer, dtype, elements, strides, start }: Stored): string {
  return [buffer, dtype, elements, strides.join(), start].join(":");
}
