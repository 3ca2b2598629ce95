/** A block to the body of its class's constructor: the modules and weights, in the loops and branches that make them. */

import type { CodeStatement, Computed, Known, Levels, OpCall } from "../../module/code.ts";
import { type BlockContext, joined, KnownWriter, levelsOf, type Registered, type Registering, type Spot } from "./context.ts";
import { strengths, within } from "./known-text.ts";
import type { Line, Node } from "./lines.ts";
import { callOf } from "./op-call.ts";
import { type BlockPlan, indexKey, isPositional, localKey, moduleKey } from "./plan.ts";
import { pythonName } from "./python.ts";
import { isUnlabelled, labelOf, registeringIn } from "./registering.ts";
import { torchRules } from "./rules.ts";
import { indexOf, noLevels, readSpot } from "./spots.ts";

/** Where labels lead to: a module, and levels below it that have no variable. */
export interface Owner {
  readonly variable: string;
  readonly prefix: Levels | undefined;
  /** Variables of the loops around. */
  readonly around: ReadonlySet<string>;
  /** What is registered there, by its place, in this branch. */
  readonly registered: Map<string, Registered>;
  /** Whether this is the class itself, in no loop or branch. */
  readonly isWhole: boolean;
  /** Whether it is a round of a loop that registers one thing alone, at no further level. */
  readonly isOne: boolean;
}

export class InitWriter {
  protected readonly context: BlockContext;
  protected readonly known: KnownWriter;
  protected nodes: Node[] = [];
  /** The line that makes what the class is derived from. */
  base: Line | undefined;
  private readonly isModel: boolean;
  /** What a number is worked out for. */
  private purpose = "sizes";
  /** First levels of paths of several levels. */
  private readonly firstLevels: ReadonlySet<string>;

  constructor(context: BlockContext, isModel: boolean, statements: readonly CodeStatement[]) {
    this.context = context;
    this.isModel = isModel;
    this.known = new KnownWriter(context, { dim: pythonName, parameter: pythonName, global: pythonName });
    const labels = [...registeringIn(statements, context.file.plans)].flatMap((one) => labelOf(one) ?? []);
    this.firstLevels = new Set(labels.filter((label) => levelsOf(label).length > 1).map(({ texts }) => texts[0]?.split(".")[0] ?? ""));
  }

  write(statements: readonly CodeStatement[], registered = new Map<string, Registered>()): Node[] {
    this.nodes = [];
    this.statements(statements, { variable: "self", prefix: undefined, around: new Set(), registered, isWhole: true, isOne: false });
    return this.nodes;
  }

  private inner(write: () => void): Node[] {
    const outer = this.nodes;
    this.nodes = [];
    write();
    const made = this.nodes;
    this.nodes = outer;
    return made;
  }

  private statements(statements: readonly CodeStatement[], owner: Owner): void {
    for (const [i, statement] of statements.entries()) {
      if (statement.kind === "if" && statement.yes.at(-1)?.kind === "return") {
        // What follows is of the other branch.
        const rest = [...statement.no, ...statements.slice(i + 1)];
        this.branch(
          statement.test,
          (inside) => this.statements(statement.yes, inside),
          (inside) => this.statements(rest, inside),
          owner,
        );
        return;
      }
      this.statement(statement, owner);
    }
  }

  private statement(statement: CodeStatement, owner: Owner): void {
    switch (statement.kind) {
      case "set":
        this.nodes.push(this.known.line(`${pythonName(statement.name)} = ${this.known.plain(statement.value)}`, statement.name));
        return;
      case "bind":
      case "return":
        return this.computed(statement.value, owner);
      case "push":
        if (statement.item.kind === "known") {
          const item = this.known.plain(statement.item.value);
          this.nodes.push(this.known.line(`${pythonName(statement.list)}.append(${item})`, statement.list));
          return;
        }
        return this.computed(statement.item, owner);
      case "if":
        return this.branch(
          statement.test,
          (inside) => this.statements(statement.yes, inside),
          (inside) => this.statements(statement.no, inside),
          owner,
        );
      case "repeat":
        return this.repeat(statement, owner);
      case "weight": {
        const sizes = statement.shape.map((size) => this.known.plain(size)).join(", ");
        const { init } = statement;
        const start =
          init.kind === "normal"
            ? `torch.randn(${sizes}) * ${within(this.known.text(init.deviation), strengths.product + 1)}`
            : `torch.${init.kind}(${sizes})`;
        return this.register(statement, { texts: [statement.name], holes: [] }, `nn.Parameter(${start})`, owner, "_parameters");
      }
    }
  }

  private branch(test: Known, then: (inside: Owner) => void, otherwise: (inside: Owner) => void, owner: Owner): void {
    const text = this.known.plain(test);
    const uses = this.known.taken();
    const inside = () => ({ ...owner, registered: new Map(owner.registered), isWhole: false });
    const [yes, no] = [this.inner(() => then(inside())), this.inner(() => otherwise(inside()))];
    if (yes.some(matters)) this.nodes.push({ kind: "nest", header: () => ({ text: `if ${text}:`, uses }), body: yes, otherwise: no });
    else this.nodes.push({ kind: "nest", header: () => ({ text: `if ${notText(text)}:`, uses }), body: no, otherwise: [] });
  }

  private computed(value: Computed, owner: Owner): void {
    switch (value.kind) {
      case "tensors":
        for (const item of value.items) this.computed(item, owner);
        return;
      case "fields":
        for (const field of value.fields.values()) this.computed(field, owner);
        return;
      case "choose":
        return this.branch(
          value.test,
          (inside) => this.computed(value.yes, inside),
          (inside) => this.computed(value.no, inside),
          owner,
        );
      case "at":
      case "reverse":
        return this.computed(value.list, owner);
      case "of":
        return this.computed(value.record, owner);
      case "arrange":
      case "view":
      case "float":
        return this.computed(value.x, owner);
      case "op":
        for (const input of value.inputs) this.computed(input, owner);
        if (value.weights !== undefined) this.register(value, value.weights.label ?? noLevels, this.opModule(value), owner, "_modules");
        return;
      case "call": {
        for (const tensor of value.tensors.values()) this.computed(tensor, owner);
        const made = this.blockModule(value, value.label);
        if (made !== undefined) this.register(value, value.label ?? noLevels, made, owner, "_modules");
        return;
      }
      case "known":
      case "variable":
      case "weight":
      case "pop":
      case "range":
      case "constant":
        return;
    }
  }

  private opModule(op: OpCall): string {
    this.purpose = purposeOf(op.weights?.label, "in");
    const made = callOf(op, [], this.context, this.known, () => "");
    return torchRules[made.op].module?.(made) ?? "nn.Identity()";
  }

  /** Undefined for a block without weights. */
  private blockModule({ block, given }: Extract<Computed, { kind: "call" }>, label: Levels | undefined): string | undefined {
    const { plans } = this.context.file;
    const places =
      block.kind === "plain"
        ? [block.value as number]
        : [
            ...new Set(
              JSON.stringify(block.kind === "table" ? block.rows : "")
                .match(/\d+/g)
                ?.map(Number),
            ),
          ];
    const made = places.map((place) => {
      const plan = plans[place];
      if (plan === undefined) throw new Error("torch: a block that is called before it is written");
      return plan.block.owns ? `${plan.name}(${this.givenTo(plan, given, label)})` : undefined;
    });
    const [first, ...others] = made;
    if (first === undefined) return undefined;
    this.purpose = purposeOf(label, "kind");
    return others.reduce((text, other, i) => `(${other} if ${this.known.plain(block)} == ${places[i + 1]} else ${text})`, first);
  }

  private givenTo({ name, block, made }: BlockPlan, given: ReadonlyMap<string, Known>, label: Levels | undefined): string {
    const texts = made.flatMap((one) => {
      const parameter = block.parameters.find((own) => own.name === one);
      const value = given.get(one);
      this.purpose = purposeOf(label, one);
      if (value === undefined && parameter?.value !== undefined) return [];
      if (value === undefined) throw new Error(`torch: ${name} is not given ${one}`);
      return [`${isPositional(parameter) ? "" : `${pythonName(one)}=`}${this.known.plain(value)}`];
    });
    return texts.join(", ");
  }

  protected register(node: Registering, label: Levels, made: string, owner: Owner, kind: "_modules" | "_parameters"): void {
    const { variable, prefix, registered } = owner;
    const levels = joined(prefix, label);
    const key = placeKey(variable, levels);
    const before = registered.get(key);
    const isRoot = prefix === undefined && label.holes.length === 0 && label.texts.join("") === "";
    const lies = (spot: Spot) => {
      this.context.spots.set(node, spot);
      registered.set(key, { made, spot });
    };
    if (variable !== "self") this.known.use(moduleKey(variable));
    if (before?.made === made) {
      lies(before.spot);
      this.known.taken();
      return;
    }
    if (isRoot && owner.isOne) {
      lies({ kind: "whole", owner: variable });
      this.nodes.push(this.known.line(`${variable} = ${made}`));
      return;
    }
    if (isRoot && owner.isWhole && !this.isModel && this.context.base === undefined) {
      const started = /^start\((.*), ([^,()]+)\)$/.exec(made);
      const whole = started?.[1] ?? made;
      this.context.base = whole.slice(0, whole.indexOf("("));
      lies({ kind: "base" });
      this.base = this.known.line(`super().__init__${whole.slice(whole.indexOf("("))}`);
      if (started !== null) this.nodes.push(this.known.line(`start(self, ${started[2]})`));
      return;
    }
    if (before !== undefined || isRoot) {
      const name = this.context.fresh(
        `_${made
          .replace(/^start\(/, "")
          .replace(/\(.*$/s, "")
          .replace(/^nn\./, "")}`,
      );
      lies({ kind: "shared", owner: "self", name });
      const at = isRoot ? variable : readSpot(this.spotOf(owner, levels), this.context, this.known);
      this.nodes.push(this.known.line(`self.__dict__[${JSON.stringify(name)}] = ${this.context.piece("share")}(${at}, ${made})`));
      return;
    }
    const spot = this.spotOf(owner, levels);
    lies(spot);
    if (spot.kind === "path") {
      this.nodes.push(this.known.line(`${this.context.piece("place")}(${variable}, ${this.known.string(levels)}, ${made})`));
    } else if (spot.kind === "attribute") {
      // PyTorch sets this one in `eval`, which a child would refuse.
      if (spot.name === "training") this.context.plain = this.context.piece("Module");
      const at = this.context.clashes(spot.name, variable)
        ? `${variable}.${kind}[${JSON.stringify(spot.name)}]`
        : `${variable}.${spot.name}`;
      this.nodes.push(this.known.line(`${at} = ${made}`));
    }
  }

  private spotOf({ variable, prefix }: Owner, levels: Levels): Spot {
    const name = levels.texts[0] ?? "";
    const isAttribute = prefix === undefined && levels.holes.length === 0 && /^[A-Za-z_]\w*$/.test(name) && !this.firstLevels.has(name);
    return isAttribute ? { kind: "attribute", owner: variable, name } : { kind: "path", owner: variable, levels };
  }

  /** Where the modules of a loop's rounds are one list; undefined where each lies at a path of its own. */
  protected listSpot(owner: Owner, levels: Levels): Spot | undefined {
    return owner.registered.has(placeKey(owner.variable, levels)) ? undefined : this.spotOf(owner, levels);
  }

  /** Tables stand before the outermost loop, under a name made of what they are for. */
  private repeat(statement: Extract<CodeStatement, { kind: "repeat" }>, owner: Owner): void {
    if (this.known.table !== undefined) return this.repeatWithin(statement, owner);
    const tables = new Map<string, string>();
    this.known.table = (rows) => {
      const name = tables.get(rows) ?? this.context.fresh(this.purpose);
      tables.set(rows, name);
      return name;
    };
    const made = this.inner(() => this.repeatWithin(statement, owner));
    this.known.table = undefined;
    for (const [rows, name] of tables) this.nodes.push({ ...this.known.line(`${name} = ${rows}`), sets: localKey(name) });
    this.nodes.push(...made);
  }

  private repeatWithin(statement: Extract<CodeStatement, { kind: "repeat" }>, owner: Owner): void {
    const registering = registeringIn(statement.body, this.context.file.plans);
    const { context, known } = this;
    const { label, loop } = statement;
    const index = indexOf(statement, context);
    if (registering.length === 0) return;
    const levels = label === undefined ? undefined : joined(owner.prefix, label);
    const spot = levels && statement.numbered ? this.listSpot(owner, levels) : undefined;
    if (levels !== undefined && spot?.kind === "attribute") {
      owner.registered.set(placeKey(owner.variable, levels), { made: "nn.ModuleList()", spot });
      context.spots.set(statement, spot);
      const list = context.clashes(spot.name, owner.variable)
        ? `${owner.variable}._modules[${JSON.stringify(spot.name)}]`
        : `${owner.variable}.${spot.name}`;
      if (owner.variable !== "self") known.use(moduleKey(owner.variable));
      this.nodes.push(known.line(`${list} = nn.ModuleList()`));
      const variable = context.loopVariable(spot.name, owner.around);
      context.loopVariables.set(loop, variable);
      const isOne = registering.length === 1 && isUnlabelled(registering[0]);
      const around = new Set([...owner.around, variable]);
      const inside: Owner = { variable, prefix: undefined, around, registered: new Map(), isWhole: false, isOne };
      if (isOne) {
        this.loop(statement, index, () => {
          this.statements(statement.body, inside);
          known.use(moduleKey(variable));
          this.nodes.push(known.line(`${list}.append(${variable})`));
        });
        return;
      }
      this.loop(statement, index, () => {
        this.nodes.push(known.line(`${variable} = nn.Module()`));
        known.use(moduleKey(owner.variable));
        this.nodes.push(known.line(`${list}.append(${variable})`));
        this.statements(statement.body, inside);
      });
      return;
    }
    const round: Levels = { texts: ["", ""], holes: [{ kind: "round", loop }] };
    const prefix = levels === undefined ? owner.prefix : statement.numbered ? joined(levels, round) : levels;
    const inside: Owner = { ...owner, prefix, isWhole: false, isOne: false, registered: new Map(owner.registered) };
    if (levels !== undefined) context.spots.set(statement, { kind: "path", owner: owner.variable, levels });
    const body = this.inner(() => this.statements(statement.body, inside));
    // Rounds that have the same labels have the same weights: once is enough.
    const shares = label === undefined && !body.some((node) => readsLoop(node, statement, index));
    if (shares) this.nodes.push(...body);
    else this.nodes.push({ kind: "nest", header: (uses) => this.header(statement, index, uses), body, otherwise: [] });
  }

  private loop(statement: Extract<CodeStatement, { kind: "repeat" }>, index: string, write: () => void): void {
    const body = this.inner(write);
    this.nodes.push({ kind: "nest", header: (uses) => this.header(statement, index, uses), body, otherwise: [] });
  }

  private header(statement: Extract<CodeStatement, { kind: "repeat" }>, index: string, inner: ReadonlySet<string>) {
    const { known } = this;
    const readsIndex = inner.has(indexKey(statement.loop)) || (statement.index !== undefined && inner.has(localKey(statement.index)));
    const readsElement = statement.element !== undefined && inner.has(localKey(statement.element));
    const range = statement.rounds ?? (statement.range.kind === "known" ? statement.range.value : undefined);
    if (range === undefined) throw new Error("torch: a loop of no known length");
    const text = known.plain(range);
    const element = pythonName(statement.element ?? "_");
    if (statement.counts || statement.rounds !== undefined) {
      return { text: `for ${readsIndex || readsElement ? index : "_"} in range(${text}):`, uses: known.taken() };
    }
    if (readsIndex && readsElement) return { text: `for ${index}, ${element} in enumerate(${text}):`, uses: known.taken() };
    if (readsElement) return { text: `for ${element} in ${text}:`, uses: known.taken() };
    return { text: `for ${readsIndex ? index : "_"} in range(len(${text})):`, uses: known.taken() };
  }
}

/** The place of what is registered at levels below a module. */
export function placeKey(variable: string, levels: Levels): string {
  return JSON.stringify([variable, levels]);
}

/** `res` and `C` to `res_C`. */
function purposeOf(label: Levels | undefined, of: string): string {
  const last = label?.texts
    .join("")
    .split(".")
    .filter((level) => /^[A-Za-z]/.test(level))
    .at(-1);
  return last === undefined ? `sizes_${of}` : `${last}_${of}`;
}

function matters(node: Node): boolean {
  return node.kind === "line" ? node.sets === undefined : [...node.body, ...node.otherwise].some(matters);
}

function notText(text: string): string {
  const equal = /^([^=!<>]+) (==|!=) ([^=!<>]+)$/.exec(text);
  if (equal !== null && !/\b(and|or|if)\b/.test(text)) return `${equal[1]} ${equal[2] === "==" ? "!=" : "=="} ${equal[3]}`;
  return /^[\w.]+(\[[^\]]*\])*$/.test(text) ? `not ${text}` : `not (${text})`;
}

function readsLoop(node: Node, statement: Extract<CodeStatement, { kind: "repeat" }>, index: string): boolean {
  const own = [
    indexKey(statement.loop),
    ...[statement.element, statement.index, index].flatMap((name) => (name === undefined ? [] : [localKey(name)])),
  ];
  if (node.kind === "line") return own.some((key) => node.uses.has(key));
  return (
    own.some((key) => node.header(new Set()).uses.has(key)) ||
    [...node.body, ...node.otherwise].some((inner) => readsLoop(inner, statement, index))
  );
}
