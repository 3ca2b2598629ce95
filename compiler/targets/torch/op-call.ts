/** The call of an op to what its rule asks for: inputs and attributes in Python's words. */

import type { Known, OpCall, PlainValue } from "../../module/code.ts";
import type { BlockContext, KnownWriter } from "./context.ts";
import type { Text } from "./known-text.ts";
import type { Call, SourceOp } from "./rules.ts";

export function callOf(op: OpCall, inputs: readonly Text[], context: BlockContext, known: KnownWriter, like: () => string): Call {
  return {
    op: op.op as SourceOp,
    inputs,
    rank: op.shapes[0]?.length ?? 0,
    dtype: op.dtype,
    channels: op.weights?.channels === undefined ? "" : known.plain(op.weights.channels),
    text: (attribute) => {
      const value = op.attributes.get(attribute);
      if (value === undefined) throw new Error(`torch: ${op.op} has no ${attribute}`);
      return known.plain(value);
    },
    plain: (attribute) => {
      const value = op.attributes.get(attribute);
      return value && plainOf(value, context);
    },
    like,
    piece: context.piece,
  };
}

/** What a value is in this build, where it is made of globals and numbers alone. */
export function plainOf(known: Known, context: BlockContext): PlainValue | undefined {
  switch (known.kind) {
    case "plain":
      return known.value;
    case "name":
      return known.of === "global" ? context.file.globals.get(known.name)?.value : undefined;
    case "list": {
      const items = known.items.map((item) => plainOf(item, context));
      return items.every((item) => item !== undefined) ? items : undefined;
    }
    default:
      return undefined;
  }
}
