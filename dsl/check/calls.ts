/** Calls of blocks and ops: every argument to its parameter, each checked against what the parameter takes. */

import type { Argument, BlockDeclaration, CallExpression, Expression } from "../ast.ts";
import { nearest } from "../nearest.ts";
import type { OpSignature } from "../signature.ts";
import { type Context, hintNearest, type Names } from "./context.ts";
import { checkAs, typeOf } from "./expressions.ts";
import { list, type StaticType, tensor, typeOfAttribute, unknown } from "./static-type.ts";
import { staticTypeOf } from "./types.ts";

/** What a call may give: in order, by name, or both. */
interface Slot {
  readonly name: string;
  readonly type: StaticType;
  readonly optional: boolean;
}

interface Slots {
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
  const made = { list: slots, byName: new Map(slots.map((slot) => [slot.name, slot])), required: slots.filter((slot) => !slot.optional) };
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
    return tensor;
  }
  const op = context.ops.get(name);
  const unread = declared === undefined && context.isUnknown(name, names.file);
  if (declared === undefined && !unread && op !== undefined) {
    const slots = slotsOf(op, () => opSlots(op));
    matchArguments(context, call, slots, names);
    return tensor;
  }
  for (const argument of [...(call.piped === undefined ? [] : [call.piped]), ...call.arguments.map((given) => given.value)])
    typeOf(context, argument, names);
  const local = names.lookUp(name);
  if (declared !== undefined || local !== undefined) {
    context.report("not-a-block", span, { name, kind: declared?.declaration.kind ?? local?.kind ?? "value" });
    return unknown;
  }
  if (unread) return unknown;
  const blocks = [...context.namesOf(names.file)].filter((other) => context.declared(other, names.file)?.declaration.kind === "block");
  const guess = nearest(name, [...blocks, ...context.ops.keys()]);
  context.report("unknown-call", span, { name }, context.hintImport(name, names.file) ?? hintNearest(guess));
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
    ...op.inputs.map((input) => ({ name: input.name, type: input.list ? list(tensor) : tensor, optional: false })),
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
  let place = 0;
  const byPlace = (value: Expression) => {
    const slot = slots.list[place++];
    if (slot === undefined) typeOf(context, value, names);
    else take(slot, value);
  };
  const take = (slot: Slot, value: Expression) => {
    given.add(slot.name);
    checkAs(context, value, slot.type, names);
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
    } else take(slot, argument.value);
  }
  if (place > slots.list.length) {
    const surplus = call.arguments.filter((argument) => argument.name === undefined).at(-1)?.span ?? call.callSpan;
    context.report("too-many-arguments", surplus, { callee, expected: slots.list.length, found: place });
  }
  // A name that is wrong is most likely that of what is missing.
  const missing = slots.required.find((slot) => !given.has(slot.name));
  if (missing !== undefined && place <= slots.list.length && !misnamed) {
    const hint = `give it: \`${missing.name}: …\``;
    context.report("missing-argument", call.callSpan, { callee, name: missing.name }, { hint });
  }
}
