/** Calls of blocks and ops: every argument to its parameter, each checked against what the parameter takes. */

import type { Argument, BlockDeclaration, CallExpression, Expression } from "../ast.ts";
import { nearest } from "../nearest.ts";
import type { OpSignature } from "../signature.ts";
import { type Context, hintNearest, type Names } from "./context.ts";
import { checkAs, typeOf } from "./expressions.ts";
import { checkValues, isNumberForm } from "./forms.ts";
import { fits, int, list, type StaticType, tensor, typeOfAttribute, unknown } from "./static-type.ts";
import { staticTypeOf } from "./types.ts";

/** What a call may give: in order, by name, or both. */
interface Slot {
  readonly name: string;
  readonly type: StaticType;
  readonly optional: boolean;
  readonly byNameAlone?: boolean;
}

interface Slots {
  /** Those that may be given in order. */
  readonly list: readonly Slot[];
  readonly byName: ReadonlyMap<string, Slot>;
  readonly required: readonly Slot[];
}

/** Worked out once for all calls of a block or op. */
const known = new WeakMap<BlockDeclaration | OpSignature, Slots>();

function slotsOf(callee: BlockDeclaration | OpSignature, list: () => readonly Slot[]): Slots {
  const before = known.get(callee);
  if (before !== undefined) return before;
  const slots = list();
  const inOrder = slots.filter((slot) => !slot.byNameAlone);
  const made = { list: inOrder, byName: new Map(slots.map((slot) => [slot.name, slot])), required: slots.filter((slot) => !slot.optional) };
  known.set(callee, made);
  return made;
}

export function callType(context: Context, call: CallExpression, names: Names): StaticType {
  const { name, span } = call.callee;
  const declared = context.read(name, names.file);
  if (declared?.declaration.kind === "block") {
    const { declaration, file } = declared;
    const slots = slotsOf(declaration, () => blockSlots(context, declaration, file));
    matchArguments(context, call, slots, names);
    return staticTypeOf(context, declaration.result, file);
  }
  const op = context.ops.get(name);
  const unread = declared === undefined && context.isUnknown(name, names.file);
  if (declared === undefined && !unread && op !== undefined) {
    const slots = slotsOf(op, () => opSlots(op));
    matchArguments(context, call, slots, names);
    if (op.attributes.some(({ kind }) => kind === "numbers")) checkValues(context, call, names);
    return isNumberForm(name) ? int : tensor;
  }
  for (const argument of [...(call.piped === undefined ? [] : [call.piped]), ...call.arguments.map((given) => given.value)])
    typeOf(context, argument, names);
  const local = names.lookUp(name);
  if (declared !== undefined || local !== undefined) {
    context.report("not-a-block", span, { name, kind: declared?.declaration.kind ?? local?.kind ?? "value" });
    return unknown;
  }
  context.reportUnknown("unknown-call", call.callee, () => {
    const blocks = [...context.namesOf(names.file)].filter((other) => context.declared(other, names.file)?.declaration.kind === "block");
    return hintNearest(nearest(name, [...blocks, ...context.ops.keys()]));
  });
  return unknown;
}

function blockSlots(context: Context, block: BlockDeclaration, file: string): Slot[] {
  return block.parameters.map((parameter) => ({
    name: parameter.name.name,
    type: staticTypeOf(context, parameter.type, file),
    optional: parameter.value !== undefined,
  }));
}

function opSlots(op: OpSignature): Slot[] {
  return [
    ...op.inputs.map(({ name, list: isList, optional = false }) => ({
      name,
      type: isList ? list(tensor) : tensor,
      optional,
      byNameAlone: optional,
    })),
    ...op.attributes.map((attribute) => ({
      name: attribute.name,
      type: typeOfAttribute(attribute.kind),
      optional: attribute.default !== undefined,
    })),
  ];
}

function matchArguments(context: Context, call: CallExpression, slots: Slots, names: Names): void {
  const callee = call.callee.name;
  const given = new Set<string>();
  const inOrder = placedIn(call);
  const misplaced = misplacedIn(context, call, slots, names);
  let place = 0;
  const byPlace = (value: Expression) => {
    const slot = slots.list[place++];
    if (slot === undefined || misplaced?.values.has(value)) typeOf(context, value, names);
    else checkAs(context, value, slot.type, names);
    if (slot !== undefined) given.add(slot.name);
  };
  if (call.piped !== undefined) byPlace(call.piped);
  let named: Argument | undefined;
  let misnamed = false;
  for (const argument of call.arguments) {
    if (argument.name === undefined) {
      if (named?.name !== undefined)
        context.report("argument-order", argument.span, { name: named.name.name }, { hint: "name this argument too, or put it first" });
      byPlace(argument.value);
      continue;
    }
    named = argument;
    const { name, span } = argument.name;
    const slot = slots.byName.get(name);
    if (slot === undefined) {
      const guess = nearest(name, slots.byName.keys());
      context.report("unknown-argument", span, { callee, name }, hintNearest(guess));
      typeOf(context, argument.value, names);
      misnamed = true;
    } else if (given.has(name)) {
      context.report("repeated-argument", span, { callee, name });
    } else {
      given.add(slot.name);
      checkAs(context, argument.value, slot.type, names);
    }
  }
  if (inOrder.length > slots.list.length) {
    const surplus = call.arguments.filter((argument) => argument.name === undefined).at(-1)?.span ?? call.callSpan;
    const byName = [...slots.byName.values()].find((slot) => slot.byNameAlone && !given.has(slot.name));
    const hint = byName && `\`${byName.name}\` goes by its name: \`${byName.name}: …\``;
    context.report("too-many-arguments", surplus, { callee, expected: slots.list.length, found: inOrder.length }, { hint });
  }
  // A name that is wrong is most likely that of what is missing.
  const missing = misplaced?.missing ?? slots.required.find((slot) => !given.has(slot.name));
  if (missing !== undefined && inOrder.length <= slots.list.length && !misnamed) {
    const hint = `give it: \`${missing.name}: …\``;
    context.report("missing-argument", call.callSpan, { callee, name: missing.name }, { hint });
  }
}

/** What a call gives in order, by place. */
function placedIn(call: CallExpression): readonly Expression[] {
  const inOrder = call.arguments.flatMap((argument) => (argument.name === undefined ? [argument.value] : []));
  return call.piped === undefined ? inOrder : [call.piped, ...inOrder];
}

/** Values that stand where another belongs, so that no error of their types is said; `missing` is what was left out before them. */
interface Misplaced {
  readonly values: ReadonlySet<Expression>;
  readonly missing?: Slot;
}

/** Two arguments the other way round, which is said here, or one left out before others: each is one error. */
function misplacedIn(context: Context, call: CallExpression, slots: Slots, names: Names): Misplaced | undefined {
  const placed = placedIn(call).slice(0, slots.list.length);
  if (placed.length < 2) return undefined;
  const fitsAt = placed.map((value) => {
    const type = plainTypeOf(context, value, names);
    return (slot: Slot) => type === undefined || fits(type, slot.type);
  });
  for (const [i, first] of placed.entries()) {
    for (const [j, second] of placed.entries()) {
      const [a, b] = [slots.list[i] as Slot, slots.list[j] as Slot];
      const byName = isNamed(first, b.name) && isNamed(second, a.name);
      if (j <= i || !(byName || isExchanged(fitsAt[i], fitsAt[j], a, b))) continue;
      const meant = [a, b].map(({ name }, k) => `${name}: ${context.textAt((k === 0 ? first : second).span)}`).join(", ");
      const hint = byName ? `swap them, or name them if that is meant: \`${meant}\`` : "swap them";
      const span = first === call.piped ? second.span : { ...first.span, end: second.span.end };
      context.report("swapped-arguments", span, { callee: call.callee.name, first: a.name, second: b.name }, { hint });
      return { values: new Set([first, second]) };
    }
  }
  const shifted = placed.findIndex((_, i) => !fitsAt[i]?.(slots.list[i] as Slot));
  const [slot, next] = [slots.list[shifted], slots.list[shifted + 1]];
  const short = slots.required.some(
    ({ name }, i) => i >= placed.length && !call.arguments.some((argument) => argument.name?.name === name),
  );
  if (slot === undefined || next === undefined || !short || !fitsAt[shifted]?.(next)) return undefined;
  return { values: new Set(placed.slice(shifted)), missing: slot };
}

function isNamed(value: Expression, name: string): boolean {
  return value.kind === "name" && value.name === name;
}

type Fits = ((slot: Slot) => boolean) | undefined;

/** Whether neither value is of its own slot's type, and each is of the other's. */
function isExchanged(first: Fits, second: Fits, a: Slot, b: Slot): boolean {
  return first?.(a) === false && second?.(b) === false && first(b) && second(a);
}

/** The type of what is no call: those may be deep, and are looked at once. */
function plainTypeOf(context: Context, value: Expression, names: Names): StaticType | undefined {
  const plain = value.kind === "name" || value.kind === "number" || value.kind === "string" || value.kind === "bool";
  const member = value.kind === "member" && value.object.kind === "name";
  return plain || member ? typeOf(context, value, names) : undefined;
}
