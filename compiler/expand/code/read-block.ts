/** Calls of one block, as they were heard, to the one piece of code that stands for all of them. */

import {
  type BlockDeclaration,
  type Expression,
  type Label,
  type Program,
  plainText,
  type RepeatStatement,
  type Statement,
  type TypeNode,
} from "../../../dsl/index.ts";
import type { CodeBlock, CodeParameter, CodeStatement, Known, Levels, LoopId, PlainValue, Shape } from "../../module/code.ts";
import type { Static } from "../static.ts";
import { signatureShape } from "../types.ts";
import { CodeScope } from "./code-scope.ts";
import { agree, type Found, holdsTensor, plainOf } from "./evidence.ts";
import { ComputedReader } from "./read-computed.ts";
import type { Run, Seen, SeenAxis } from "./recorder.ts";
import { sizeFrom } from "./size-text.ts";

/** What blocks of one model share while they are read. */
export interface ModelReader {
  readonly program: Program;
  /** The place among the model's blocks of the code that stands for a run. */
  readonly blockOf: (run: Run) => number;
  readonly owns: (block: number) => boolean;
  /** The name of a dim, param or const of a file, or of the model, among the code's globals. */
  readonly global: (name: string, file: string) => string;
  /** What it is there; undefined where it is none. */
  readonly globalValue: (name: string, file: string) => Static | undefined;
  /** Whether a name is a const of the model. */
  readonly isModelConst: (name: string) => boolean;
}

export class BlockReader {
  readonly runs: readonly Run[];
  readonly model: ModelReader;
  readonly file: string;
  owns = false;
  private readonly loops: RepeatStatement[] = [];
  private readonly computed: ComputedReader;

  constructor(runs: readonly Run[], model: ModelReader) {
    this.runs = runs;
    this.model = model;
    this.file = runs[0]?.file ?? "";
    this.computed = new ComputedReader(this);
  }

  read(block: Pick<BlockDeclaration, "name" | "doc" | "dims" | "parameters" | "body">, statements = block.body): CodeBlock {
    const scope = new CodeScope();
    for (const { name } of block.dims) scope.bind(name, "known", "dim");
    const parameters = block.parameters.map((parameter): CodeParameter => {
      const { name } = parameter.name;
      const found = this.runs.flatMap((run) => run.arguments.get(name) ?? []);
      const [first] = found;
      const isComputed =
        first !== undefined &&
        (found.some(holdsTensor) ||
          parameter.type.kind === "tensor-type" ||
          found.every((value) => value.kind === "list" && value.length === 0 && parameter.value !== undefined));
      scope.bind(name, isComputed ? "computed" : "known", "parameter");
      if (!isComputed) {
        const kinds = new Set(found.map(({ kind }) => kind));
        const type = kinds.size === 1 ? first?.kind : "float";
        return { name, tensor: undefined, type: type === "tensor" ? undefined : type, value: literal(parameter.value) };
      }
      if (first?.kind !== "tensor") return { name, tensor: "several", type: undefined, value: undefined };
      const axes = this.runs.flatMap((run) => (run.tensors.has(name) ? [{ run, rounds: [], value: run.tensors.get(name) ?? [] }] : []));
      const isFloat = first.type.dtype !== "i32" && !this.isFixed(parameter.type);
      return { name, tensor: { shape: this.shape(axes, scope), dtype: first.type.dtype, isFloat }, type: undefined, value: undefined };
    });
    const body = this.statements(statements, scope);
    return { name: block.name.name, doc: block.doc, dims: block.dims.map(({ name }) => name), parameters, owns: this.owns, body };
  }

  /** Whether a tensor is f32 in a build of any precision. */
  private isFixed(type: TypeNode): boolean {
    return signatureShape(this.model.program, type, this.file)?.dtype !== "float";
  }

  seen(expression: Expression): readonly (Found<Seen["value"]> & { readonly axes: readonly SeenAxis[] | undefined })[] {
    return this.runs.flatMap((run) => (run.values.get(expression) ?? []).map(({ rounds, value, axes }) => ({ run, rounds, value, axes })));
  }

  /** Whether tensors come of it, in any call. */
  isComputed(expression: Expression): boolean {
    return this.seen(expression).some(({ value }) => holdsTensor(value));
  }

  agreed(expression: Expression): Known {
    const found = this.seen(expression).map(({ run, rounds, value }) => ({ run, rounds, value: plainOf(value) ?? "tensor" }));
    const agreed = agree(found, (loop) => this.loopOf(loop), `the value of an expression of ${this.file}`);
    const isFloat = this.seen(expression)[0]?.value.kind === "float";
    return isFloat && agreed.kind === "plain" ? { ...agreed, float: true } : agreed;
  }

  /** The value of a test or flag, where it is the same in all calls and rounds. */
  constant(expression: Expression): PlainValue | undefined {
    const values = this.seen(expression).map(({ value }) => plainOf(value));
    const [first] = values;
    return values.every((value) => JSON.stringify(value) === JSON.stringify(first)) ? first : undefined;
  }

  /** Whether the block takes anything off the list of that name. */
  pops(name: string): boolean {
    for (const expression of this.runs[0]?.values.keys() ?? []) {
      if (
        expression.kind === "method" &&
        expression.method.name === "pop" &&
        expression.object.kind === "name" &&
        expression.object.name === name
      )
        return true;
    }
    return false;
  }

  loopOf(loop: RepeatStatement): LoopId {
    const at = this.loops.indexOf(loop);
    return at < 0 ? this.loops.push(loop) - 1 : at;
  }

  /** By the names of this place where all calls have one, else by numbers. */
  size(found: readonly Found<SeenAxis>[], scope: CodeScope): Known {
    const named = this.namedSize(found, scope);
    const sizes = found.map(({ run, rounds, value }) => ({ run, rounds, value: value.size }));
    return named?.known ?? this.alike(sizes, scope) ?? agree(sizes, (loop) => this.loopOf(loop), "an axis");
  }

  /** A text that says the size in all calls: a default of `C` is called C where it is left out, and is `out` all the same. */
  private namedSize(found: readonly Found<SeenAxis>[], scope: CodeScope): { readonly name: string; readonly known: Known } | undefined {
    const texts = new Map(found.map(({ value }) => [value.text === undefined ? "" : value.name, value.text]));
    for (const [name, text] of texts) {
      const known = text && this.named(text, scope);
      const fits = () => texts.size === 1 || found.every(({ run, value }) => this.sizeIn(run, text) === value.size);
      if (known !== undefined && fits()) return { name, known };
    }
    return undefined;
  }

  /** A field of the element that a loop is at, such as `level.width`, that is the size in every round where it varies. */
  private alike(found: readonly Found<number>[], scope: CodeScope): Known | undefined {
    if (new Set(found.map(({ value }) => value)).size < 2) return undefined;
    const [first] = found;
    if (first === undefined) return undefined;
    for (const expression of first.run.values.keys()) {
      if (expression.kind !== "member" && expression.kind !== "name") continue;
      const object = expression.kind === "member" ? expression.object : expression;
      if (object.kind !== "name" || scope.lookUp(object.name)?.of !== "local") continue;
      const values = this.seen(expression);
      // A field of an element is the same in all rounds within that of the element; a variable may change.
      const isBefore = (seen: Seen["rounds"], of: Seen["rounds"]) =>
        (expression.kind === "member" || seen.length <= of.length) &&
        seen.every(({ loop, at }, i) => i >= of.length || (of[i]?.loop === loop && of[i].at === at));
      const fits = found.every(({ run, rounds, value }) => {
        const here = values.filter((seen) => seen.run === run && isBefore(seen.rounds, rounds));
        return here.length > 0 && here.every((seen) => seen.value.kind === "int" && seen.value.value === value);
      });
      if (fits) return this.computed.known(expression, scope);
    }
    return undefined;
  }

  /** What a text of the signature's names is in a call. */
  private sizeIn(run: Run, text: Known | undefined): number | undefined {
    if (text === undefined) return undefined;
    return sizeFrom(text, (name) => {
      const value = run.arguments.get(name) ?? this.model.globalValue(name, this.file);
      return value?.kind === "int" ? value.value : undefined;
    });
  }

  /** The sizes of an axis's text by this scope; undefined where a name is a tensor's or another's. */
  private named(text: Known, scope: CodeScope): Known | undefined {
    switch (text.kind) {
      case "name":
        return this.name(text.name, scope);
      case "minus": {
        const operand = this.named(text.operand, scope);
        return operand && { ...text, operand };
      }
      case "binary": {
        const [left, right] = [this.named(text.left, scope), this.named(text.right, scope)];
        return left && right && { ...text, left, right };
      }
      default:
        return text;
    }
  }

  /** What a name stands for where it is known. */
  name(name: string, scope: CodeScope): Known | undefined {
    const found = scope.lookUp(name);
    const inGraph = this.runs[0]?.block === undefined;
    if (found === undefined && inGraph && this.model.isModelConst(name)) return undefined;
    if (found === undefined) return { kind: "name", name: this.model.global(name, this.file), of: "global" };
    return found.kind === "known" ? { kind: "name", name: found.name, of: found.of } : undefined;
  }

  shape(found: readonly Found<readonly SeenAxis[]>[], scope: CodeScope): Shape {
    return (found[0]?.value ?? []).map((first, i) => {
      const axes = found.flatMap(({ run, rounds, value }) => (value[i] === undefined ? [] : [{ run, rounds, value: value[i] }]));
      const named = this.namedSize(axes, scope);
      if (named !== undefined) return { name: named.name, known: named.known };
      const same = axes.every(({ value }) => value.size === first.size);
      return same ? { name: String(first.size), known: { kind: "plain", value: first.size } } : { name: "_", known: undefined };
    });
  }

  levels(label: Label | undefined, scope: CodeScope): Levels | undefined {
    return label && { texts: label.texts, holes: label.holes.map((hole) => this.computed.known(hole, scope)) };
  }

  statements(statements: readonly Statement[], scope: CodeScope): CodeStatement[] {
    const made: CodeStatement[] = [];
    for (const statement of statements) {
      made.push(...this.statement(statement, scope));
      if (made.at(-1)?.kind === "return") break;
    }
    return made;
  }

  private statement(statement: Statement, scope: CodeScope): CodeStatement[] {
    switch (statement.kind) {
      case "const":
      case "let":
        return this.bind(statement.name.name, statement.value, true, scope);
      case "assign":
        return this.bind(statement.name.name, statement.value, false, scope);
      case "if": {
        if (this.seen(statement.test).length === 0) return [];
        const test = this.constant(statement.test);
        const branch = (body: readonly Statement[] | undefined) => this.statements(body ?? [], new CodeScope(scope));
        if (test !== undefined) return branch(test ? statement.then : statement.otherwise);
        const known = this.computed.known(statement.test, scope);
        return [{ kind: "if", test: known, yes: branch(statement.then), no: branch(statement.otherwise) }];
      }
      case "repeat":
        return this.repeat(statement, scope);
      case "require":
        return [];
      case "weight": {
        const found = this.runs.flatMap((run) => (run.weights.get(statement) ?? []).map((seen) => ({ run, ...seen })));
        const [first] = found;
        if (first === undefined) return [];
        this.owns = true;
        const shape = first.axes.map((_, i) =>
          this.size(
            found.map(({ run, rounds, axes }) => ({ run, rounds, value: axes[i] as SeenAxis })),
            scope,
          ),
        );
        scope.bind(statement.name.name, "weight", "local");
        const { kind, deviation } = statement.init;
        const one = { kind: "plain", value: 1 } as const;
        const init =
          kind === "normal" ? { kind, deviation: deviation === undefined ? one : this.computed.known(deviation, scope) } : { kind };
        return [{ kind: "weight", name: statement.name.name, shape, init }];
      }
      case "return":
        if (this.seen(statement.value).length === 0) return [];
        return [{ kind: "return", value: this.computed.read(statement.value, scope), shape: this.shapeOf(statement.value, scope) }];
      case "expression":
        return this.computed.effect(statement.value, scope);
    }
  }

  private bind(name: string, value: Expression, declares: boolean, scope: CodeScope): CodeStatement[] {
    if (this.seen(value).length === 0) return [];
    const isComputed = this.isComputed(value) || this.computed.takesTensors(name, value, this.runs[0]?.block?.body);
    const kind = isComputed ? "computed" : "known";
    const read = isComputed ? undefined : this.computed.known(value, scope);
    const computed = isComputed ? this.computed.read(value, scope) : undefined;
    const own = declares ? scope.declare(name, kind) : (scope.lookUp(name)?.name ?? name);
    if (read !== undefined) return [{ kind: "set", name: own, value: read, declares }];
    return computed === undefined ? [] : [{ kind: "bind", name: own, value: computed, shape: this.shapeOf(value, scope), declares }];
  }

  private shapeOf(value: Expression, scope: CodeScope): Shape | undefined {
    const found = this.seen(value).flatMap(({ run, rounds, axes }) => (axes === undefined ? [] : [{ run, rounds, value: axes }]));
    return found.length === 0 ? undefined : this.shape(found, scope);
  }

  private repeat(statement: RepeatStatement, scope: CodeScope): CodeStatement[] {
    if (!this.runs.some((run) => (run.repeated.get(statement) ?? 0) > 0)) return [];
    const inner = new CodeScope(scope);
    const range = this.computed.read(statement.range, scope);
    const counts = this.seen(statement.range).some(({ value }) => value.kind === "int");
    const { label } = statement;
    const kind = range.kind === "known" ? "known" : "computed";
    const element = statement.element && inner.declare(statement.element.name, counts ? "known" : kind);
    const index = statement.index && inner.declare(statement.index.name, "known");
    const levels = this.levels(label, inner);
    const loop = this.loopOf(statement);
    const numbered = label !== undefined && !label.tied && plainText(label) !== undefined;
    const body = this.statements(statement.body, inner);
    const times = this.runs.map((run) => ({ run, rounds: [], value: run.repeated.get(statement) ?? 0 }));
    const rounds = kind === "known" ? undefined : agree(times, (of) => this.loopOf(of), "how often a list of tensors is gone through");
    return [{ kind: "repeat", loop, element, index, range, counts, rounds, label: levels, numbered, body }];
  }
}

/** The value of an expression that is nothing but itself. */
function literal(expression: Expression | undefined): PlainValue | undefined {
  return expression?.kind === "number" || expression?.kind === "string" || expression?.kind === "bool" ? expression.value : undefined;
}
