/** A block to the body of its call: what is computed, in the loops and branches of the source. */

import type { CodeStatement, Computed, Known, Shape } from "../../module/code.ts";
import { type BlockContext, KnownWriter } from "./context.ts";
import { atom, strengths, type Text, within } from "./known-text.ts";
import type { Node } from "./lines.ts";
import { callOf } from "./op-call.ts";
import { dimKey, globalKey, indexKey, isPositional, likeKey, localKey, moduleKey } from "./plan.ts";
import { pythonName } from "./python.ts";
import { placesOf } from "./registering.ts";
import { torchRules } from "./rules.ts";
import { ShapeSizes } from "./shape-sizes.ts";
import { indexOf, readSpot } from "./spots.ts";

export interface ForwardOptions {
  /** Where a known parameter is read: a variable, or an attribute of the module. */
  readonly parameter: (name: string) => string;
  /** A dim that no tensor tells. */
  readonly dim: (name: string) => string;
  /** A tensor of the build's precision, on the model's device. */
  readonly like: string;
}

export class ForwardWriter {
  private readonly context: BlockContext;
  private readonly known: KnownWriter;
  private readonly options: ForwardOptions;
  private readonly shapes: ShapeSizes;
  private nodes: Node[] = [];
  /** The axes that were last said of each variable. */
  private readonly said = new Map<string, string | undefined>();
  /** Variables that are known when the model is built. */
  private readonly knownLists = new Set<string>();
  /** Lists that are pushed to or popped from: what is given another name is copied. */
  private readonly changesLists: boolean;

  constructor(context: BlockContext, options: ForwardOptions) {
    this.context = context;
    this.options = options;
    this.shapes = new ShapeSizes(context);
    const named = (name: string, key: string, other: () => string) => (this.shapes.tells(key) ? pythonName(name) : other());
    this.known = new KnownWriter(context, {
      dim: (name) => named(name, dimKey(name), () => options.dim(name)),
      parameter: options.parameter,
      global: (name) => named(name, globalKey(name), () => pythonName(name)),
    });
    this.changesLists =
      JSON.stringify(context.block.body, (_, value) => (value instanceof Map ? [...value] : value)).includes('"kind":"pop"') ||
      context.block.body.some(pushes);
  }

  /** The statements, without the sizes that they read of the tensors' shapes. */
  write(statements: readonly CodeStatement[]): Node[] {
    this.nodes = [];
    this.statements(statements);
    return this.nodes;
  }

  /** Lines that take the sizes that are read from the shapes of the signature's tensors, and what is read beside them. */
  sizes(uses: ReadonlySet<string>): { readonly lines: string[]; readonly uses: ReadonlySet<string> } {
    return this.shapes.sizes(uses, this.known);
  }

  private statements(statements: readonly CodeStatement[]): void {
    for (const statement of statements) this.statement(statement);
  }

  private inner(statements: readonly CodeStatement[]): Node[] {
    const outer = this.nodes;
    this.nodes = [];
    this.statements(statements);
    const made = this.nodes;
    this.nodes = outer;
    return made;
  }

  private statement(statement: CodeStatement): void {
    const { known } = this;
    switch (statement.kind) {
      case "set":
        this.knownLists.add(statement.name);
        this.nodes.push(known.line(`${pythonName(statement.name)} = ${known.plain(statement.value)}`, statement.name));
        return;
      case "bind": {
        const value = this.copied(statement.value);
        if (statement.name === "_") {
          this.nodes.push(known.line(value));
          return;
        }
        const comment = this.commentOf(statement);
        this.nodes.push(known.line(`${pythonName(statement.name)} = ${value}`, undefined, comment));
        return;
      }
      case "push": {
        const sets = statement.item.kind === "known" && this.knownLists.has(statement.list) ? statement.list : undefined;
        this.nodes.push(known.line(`${pythonName(statement.list)}.append(${this.plain(statement.item)})`, sets));
        return;
      }
      case "if": {
        const text = known.plain(statement.test);
        const uses = known.taken();
        const [then, otherwise] = [this.inner(statement.yes), this.inner(statement.no)];
        this.nodes.push({ kind: "nest", header: () => ({ text: `if ${text}:`, uses }), body: then, otherwise });
        return;
      }
      case "return":
        this.nodes.push(known.line(`return ${this.plain(statement.value)}`));
        return;
      case "weight":
        return;
      case "repeat":
        return this.repeat(statement);
    }
  }

  /** The axes of a variable, where they are others than it had in the line before that set it. */
  private commentOf({ name, shape, value }: Extract<CodeStatement, { kind: "bind" }>): string | undefined {
    // A line that ends in the sizes says them itself.
    const saysItself = value.kind === "view" || (value.kind === "arrange" && value.to !== undefined);
    const text = shape === undefined || saysItself || unsaid(shape) > 1 ? undefined : shapeText(shape);
    const isNew = text !== this.said.get(name);
    this.said.set(name, text);
    return isNew ? text : undefined;
  }

  private repeat(statement: Extract<CodeStatement, { kind: "repeat" }>): void {
    const { known, context } = this;
    const index = indexOf(statement, context);
    const spot = context.spots.get(statement);
    const variable = context.loopVariables.get(statement.loop);
    const list = spot?.kind === "attribute" && variable !== undefined ? readSpot(spot, context, known) : undefined;
    const listUses = known.taken();
    const range = statement.range.kind === "known" ? known.plain(statement.range.value) : this.plain(statement.range);
    const rangeUses = known.taken();
    const body = this.inner(statement.body);
    const header = (inner: ReadonlySet<string>) => {
      const readsIndex = inner.has(indexKey(statement.loop)) || (statement.index !== undefined && inner.has(localKey(statement.index)));
      const isCounted = statement.counts && statement.element !== undefined && inner.has(localKey(statement.element));
      const readsElement =
        !statement.counts &&
        statement.element !== undefined &&
        (inner.has(localKey(statement.element)) || inner.has(variableKey(statement.element)));
      const readsModule = variable !== undefined && inner.has(moduleKey(variable)) && list !== undefined;
      const element = pythonName(statement.element ?? "_");
      const counter = readsIndex || isCounted ? index : undefined;
      const uses = new Set([...(readsModule ? listUses : []), ...(readsElement || !readsModule ? rangeUses : [])]);
      if (!readsModule && !readsElement) {
        const count = statement.counts ? range : `len(${range})`;
        return { text: `for ${counter ?? "_"} in range(${count}):`, uses };
      }
      const both = readsModule && readsElement;
      const items = both ? `${element}, ${variable}` : readsModule ? variable : element;
      const through = both ? `zip(${range}, ${list})` : readsModule ? list : range;
      if (counter === undefined) return { text: `for ${items} in ${through}:`, uses };
      return { text: `for ${counter}, ${both ? `(${items})` : items} in enumerate(${through}):`, uses };
    };
    this.nodes.push({ kind: "nest", header, body, otherwise: [] });
  }

  private plain(value: Computed): string {
    return this.text(value).text;
  }

  /** A list by another name is a list of its own, as no name sees what another pushes. */
  private copied(value: Computed): string {
    const text = this.plain(value);
    const isName = value.kind === "of" || value.kind === "at" || value.kind === "variable";
    const isList = this.changesLists && isName && this.isList(value);
    return isList ? `list(${text})` : text;
  }

  /** Tensors have a shape, and their lines say it: what has none is a list or record. */
  private isList(value: Computed): boolean {
    return this.context.block.body.some(
      (statement) => statement.kind === "bind" && statement.value === value && statement.shape === undefined,
    );
  }

  private text(value: Computed): Text {
    const { known, context } = this;
    switch (value.kind) {
      case "known":
        return known.text(value.value);
      case "variable":
        known.use(variableKey(value.name));
        return atom(pythonName(value.name));
      case "weight":
        return atom(this.weight(value.name));
      case "tensors":
        return atom(`[${value.items.map((item) => this.plain(item)).join(", ")}]`);
      case "fields":
        return atom(`{${[...value.fields].map(([name, field]) => `${JSON.stringify(name)}: ${this.plain(field)}`).join(", ")}}`);
      case "choose": {
        const [then, otherwise] = [this.text(value.yes), this.text(value.no)];
        const test = within(known.text(value.test), strengths.choice + 1);
        return {
          text: `${within(then, strengths.choice + 1)} if ${test} else ${within(otherwise, strengths.choice)}`,
          strength: strengths.choice,
        };
      }
      case "at":
        return atom(`${this.called(value.list)}[${known.plain(value.index)}]`);
      case "of":
        return atom(`${this.called(value.record)}[${JSON.stringify(value.field)}]`);
      case "reverse":
        return atom(`${this.called(value.list)}[::-1]`);
      case "pop":
        known.use(variableKey(value.list));
        return atom(`${pythonName(value.list)}.pop()`);
      case "op": {
        const inputs = value.op === "concat" ? [this.concatenated(value.inputs[0])] : value.inputs.map((input) => this.text(input));
        if (value.weights !== undefined) return atom(`${this.module(value)}(${inputs.map(({ text }) => text).join(", ")})`);
        const made = callOf(value, inputs, context, known, () => this.like());
        const applied = torchRules[made.op].apply?.(made);
        if (applied === undefined) throw new Error(`torch: ${value.op} has no weights here, and no function`);
        return applied;
      }
      case "call":
        return this.call(value);
      case "arrange": {
        const repeated = this.repeated(value);
        if (repeated !== undefined) return repeated;
        let text = this.called(value.x);
        // Of two shapes one after the other the second is enough; what a view says already is not said again.
        const [split, ones] = value.order === undefined && value.ones !== undefined ? [undefined, value.ones] : [value.split, value.ones];
        const isSaid = value.x.kind === "view" && ones !== undefined && this.list(ones) === this.list(value.x.to);
        if (split !== undefined) text += `.reshape(${this.list(split)})`;
        if (value.order !== undefined) text += turned(value.order);
        if (ones !== undefined && !(isSaid && value.order === undefined)) text += `.reshape(${this.list(ones)})`;
        if (value.stretched !== undefined) text += `.expand(${this.list(value.stretched)})`;
        if (value.to !== undefined) text += `.reshape(${this.list(value.to)})`;
        return atom(text);
      }
      case "view":
        return atom(`${this.called(value.x)}.reshape(${this.list(value.to)})`);
      case "range":
        return atom(`torch.arange(${known.plain(value.size)}, device=${this.like()}.device)`);
      case "constant": {
        const like = this.like();
        const dtype = value.dtype === "i32" ? "" : `, dtype=${like}.dtype`;
        return atom(`torch.tensor(${known.plain(value.value)}${dtype}, device=${like}.device)`);
      }
      case "float": {
        if (value.x.kind === "range") {
          const like = this.like();
          return atom(`torch.arange(${known.plain(value.x.size)}, dtype=${like}.dtype, device=${like}.device)`);
        }
        return atom(`${this.called(value.x)}.to(${this.like()}.dtype)`);
      }
    }
  }

  /** A batch whose rows come again side by side: the text of a clip for each of its frames. */
  private repeated({ x, split, order, ones, stretched, to }: Extract<Computed, { kind: "arrange" }>): Text | undefined {
    if (split !== undefined || order !== undefined || ones === undefined || stretched === undefined || to === undefined) return undefined;
    const key = (size: Known | undefined) => JSON.stringify(size);
    const at = stretched.findIndex((size, i) => key(size) !== key(ones[i]));
    const times = stretched[at];
    const merged =
      to.length === ones.length - 1 && stretched.every((size, i) => i === at || i === at - 1 || key(size) === key(to[i < at ? i : i - 1]));
    const others = ones.every((size, i) => i === at || key(size) === key(stretched[i]));
    if (at < 1 || times === undefined || !merged || !others) return undefined;
    return atom(`${this.called(x)}.repeat_interleave(${this.known.plain(times)}, ${at - 1})`);
  }

  private concatenated(list: Computed | undefined): Text {
    return list === undefined ? atom("[]") : this.text(list);
  }

  private list(sizes: readonly Known[]): string {
    return sizes.map((size) => this.known.plain(size)).join(", ");
  }

  private called(value: Computed): string {
    return within(this.text(value), strengths.call);
  }

  private like(): string {
    this.known.use(likeKey);
    return this.options.like;
  }

  private module(node: Extract<Computed, { kind: "op" | "call" }>): string {
    const spot = this.context.spots.get(node);
    if (spot === undefined) throw new Error(`torch: a module of ${this.context.block.name} that its constructor does not make`);
    return readSpot(spot, this.context, this.known);
  }

  private weight(name: string): string {
    for (const [node, spot] of this.context.spots) {
      if (node.kind !== "weight" || node.name !== name) continue;
      if (spot.kind !== "attribute") return readSpot(spot, this.context, this.known);
      if (spot.owner !== "self") this.known.use(moduleKey(spot.owner));
      return this.context.clashes(name, spot.owner) ? `${spot.owner}._parameters[${JSON.stringify(name)}]` : `${spot.owner}.${name}`;
    }
    throw new Error(`torch: no weight ${name}`);
  }

  private call(call: Extract<Computed, { kind: "call" }>): Text {
    const { known } = this;
    const plan = this.context.file.plans[placesOf(call)[0] ?? 0];
    if (plan === undefined) throw new Error("torch: a block that is called before it is written");
    const returned = plan.returns === undefined ? undefined : call.tensors.get(plan.returns);
    if (returned !== undefined) return this.text(returned);
    const tensors = plan.block.parameters.flatMap(({ name, tensor }) => {
      const given = call.tensors.get(name);
      if (tensor === undefined) return [];
      return [given === undefined ? "[]" : this.plain(given)];
    });
    const values = plan.called.flatMap((name) => {
      const value = call.given.get(name);
      const parameter = plan.block.parameters.find((own) => own.name === name);
      return value === undefined ? [] : [`${isPositional(parameter) ? "" : `${pythonName(name)}=`}${known.plain(value)}`];
    });
    const like = plan.takesLike ? [`like=${this.like()}`] : [];
    const name = plan.block.owns ? this.module(call) : plan.name;
    return atom(`${name}(${[...tensors, ...values, ...like].join(", ")})`);
  }
}

export function shapeText(shape: Shape): string {
  return `[${shape.map(({ name }) => name).join(", ")}]`;
}

/** How many axes have no one name or size. */
function unsaid(shape: Shape): number {
  return shape.filter(({ name }) => name === "_").length;
}

export function variableKey(name: string): string {
  return `variable:${name}`;
}

function turned(order: readonly number[]): string {
  const moved = order.flatMap((axis, i) => (axis === i ? [] : [i]));
  const [first, second] = moved;
  return moved.length === 2 ? `.transpose(${first}, ${second})` : `.permute(${order.join(", ")})`;
}

function pushes(statement: CodeStatement): boolean {
  if (statement.kind === "repeat") return statement.body.some(pushes);
  if (statement.kind === "if") return statement.yes.some(pushes) || statement.no.some(pushes);
  return statement.kind === "push";
}
