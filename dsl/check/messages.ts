/** The sentences for errors of names, calls, types and labels: all that can be found without a size. */

import { diagnosticsOf, error, type MessageTable, warning } from "../diagnostic.ts";

type Nothing = Readonly<Record<never, never>>;
interface Name {
  readonly name: string;
}

/** A name that was looked up in one file and then in the one behind it. */
interface Sought extends Name {
  readonly in?: { readonly file: string; readonly behind: string };
}

const areOrIs = (count: number) => (count === 1 ? "is" : "are");

export const checkMessages = {
  // Files and names
  "missing-file": error((h: { readonly path: string }) => `there is no file ${h.path}`),
  "unreadable-file": error((h: { readonly reason: string }) => h.reason),
  "import-cycle": error((h: { readonly chain: string }) => `the imports go in a circle: ${h.chain}`),
  "not-exported": error((h: { readonly name: string; readonly path: string }) => `${h.path} declares no \`${h.name}\``),
  "duplicate-name": error((h: Name) => `\`${h.name}\` is declared twice`),
  "shadowed-name": error(
    (h: { readonly name: string; readonly kind: string }) => `\`${h.name}\` hides the ${h.kind} of the same name around it`,
  ),
  "unknown-name": error((h: Sought) =>
    h.in === undefined
      ? `there is no \`${h.name}\` here`
      : `there is no \`${h.name}\` in ${h.in.file}, nor in ${h.in.behind}, which has the block of this layout`,
  ),
  "unknown-call": error((h: Name) => `there is no block or op \`${h.name}\``),
  "unknown-type": error((h: Name) => `there is no type \`${h.name}\``),
  "unknown-dtype": error((h: Name) => `\`${h.name}\` is no element type: it is one of float, f32, f16, i32`),
  "not-a-value": error((h: { readonly name: string; readonly kind: string }) => `\`${h.name}\` is a ${h.kind}, not a value`),
  "not-a-block": error((h: { readonly name: string; readonly kind: string }) => `\`${h.name}\` is a ${h.kind}, so it cannot be called`),
  "constant-cycle": error((h: { readonly chain: string }) => `the value is made of itself: ${h.chain}`),
  "type-cycle": error((h: { readonly chain: string }) => `the type is made of itself: ${h.chain}`),
  "too-nested": error(
    (h: { readonly what: string; readonly limit: number; readonly of: string }) => `the ${h.what} nests more than ${h.limit} ${h.of}`,
  ),
  "call-outside-block": error((h: Name) => `\`${h.name}\` makes a tensor, and there are none outside blocks and graphs`),
  "tensor-default": error(
    (h: { readonly name: string; readonly is: string }) => `\`${h.name}\` ${h.is}, so every call gives it and it can have no default`,
  ),
  "op-name": error((h: Name) => `\`${h.name}\` is an op of the language, so no block can have its name`),
  recursion: error((h: { readonly chain: string }) => `a block may not reach itself: ${h.chain}`),
  // Calls
  "missing-argument": error((h: { readonly callee: string; readonly name: string }) => `\`${h.callee}\` is called without \`${h.name}\``),
  "too-many-arguments": error(
    (h: { readonly callee: string; readonly expected: number; readonly found: number }) =>
      `\`${h.callee}\` takes ${h.expected || "no"} ${h.expected === 1 ? "argument" : "arguments"}, but ${h.found} ${areOrIs(h.found)} given`,
  ),
  "unknown-argument": error((h: { readonly callee: string; readonly name: string }) => `\`${h.callee}\` takes no argument \`${h.name}\``),
  "repeated-argument": error((h: { readonly callee: string; readonly name: string }) => `\`${h.callee}\` is given \`${h.name}\` twice`),
  "swapped-arguments": error(
    (h: { readonly callee: string; readonly first: string; readonly second: string }) =>
      `\`${h.callee}\` takes \`${h.first}\` first and \`${h.second}\` behind it, but they are given the other way round`,
  ),
  "argument-order": error((h: Name) => `an argument without a name stands after \`${h.name}:\`, where its place is not known`),
  // Types
  "wrong-type": error((h: { readonly expected: string; readonly found: string }) => `this must be ${h.expected}, but it is ${h.found}`),
  "wrong-operands": error(
    (h: { readonly operator: string; readonly left: string; readonly right: string }) =>
      `\`${h.operator}\` does not go with ${h.left} and ${h.right}`,
  ),
  "type-arguments": error(
    (h: { readonly name: string; readonly expected: number; readonly found: number }) =>
      `\`${h.name}\` takes ${h.expected || "no"} ${h.expected === 1 ? "axis" : "axes"} in \`<>\`, but ${h.found} ${areOrIs(h.found)} given`,
  ),
  "unknown-field": error((h: { readonly name: string; readonly of: string }) => `${h.of} has no \`${h.name}\``),
  "missing-field": error((h: { readonly name: string; readonly of: string }) => `${h.of} lacks \`${h.name}\``),
  "repeated-field": error((h: Name) => `\`${h.name}\` is given twice`),
  "unknown-method": error((h: Name) => `lists have no method \`${h.name}\``),
  "not-a-variable": error(
    (h: { readonly method: string }) => `\`${h.method}\` changes a list, so it needs a \`let\` variable before the dot`,
  ),
  "no-effect": error((_: Nothing) => "the statement computes a value and drops it"),
  // Bodies
  "assign-constant": error((h: { readonly name: string; readonly kind: string }) => `\`${h.name}\` is a ${h.kind} and cannot be assigned`),
  "missing-return": error((h: Name) => `\`${h.name}\` can end without \`return\``),
  unreachable: error((_: Nothing) => "this is never reached: the statement before it returns"),
  "unbound-dim": error((h: { readonly dim: string; readonly block: string }) => `no argument's shape binds dim ${h.dim} of \`${h.block}\``),
  "any-axis": error(
    (h: { readonly what: string }) => `\`_\` takes the size of whatever tensor comes, but ${h.what} needs a size of its own`,
  ),
  "bad-label": error((h: { readonly label: string }) => `\`${h.label}\` is no part of a path`),
  "missing-label": error((h: { readonly what: string }) => `${h.what} owns weights, so it needs a label for their path`),
  "repeated-label": error((h: Name) => `the label \`${h.name}\` is used twice in one scope, so two weights would share a path`),
  // Models
  "unknown-model": error((h: Name) => `there is no model \`${h.name}\` in this file`),
  "unknown-override": error(
    (h: { readonly name: string; readonly model: string }) => `\`${h.name}\` is no dim or param that \`${h.model}\` has`,
  ),
  "override-constant": error(
    (h: { readonly name: string; readonly kind: string }) => `\`${h.name}\` is a ${h.kind}: only dims and params can be overridden`,
  ),
  "unknown-graph": error((h: Name) => `the model has no graph \`${h.name}\``),
  "unknown-input": error((h: { readonly graph: string; readonly name: string }) => `graph \`${h.graph}\` has no input \`${h.name}\``),
  "sampler-inputs": error(
    (h: { readonly found: number }) =>
      `a sampler names two inputs of its graph, the latent and the time step, but ${h.found} ${areOrIs(h.found)} named`,
  ),
  "sampler-batch": error(
    (h: { readonly graph: string; readonly input: string; readonly wanted: string }) =>
      `the sampler runs \`${h.graph}\` on two batches at once, so the first axis of \`${h.input}\` must be ${h.wanted}`,
  ),
  "loss-batch": error(
    (h: { readonly graph: string; readonly input: string; readonly wanted: string }) =>
      `\`${h.graph}\` is trained on a batch of examples, so the first axis of \`${h.input}\` must be ${h.wanted}`,
  ),
  "no-sampler": error((h: Name) => `\`${h.name}\` comes from the noise level, but the model has no sampler, whose schedule has the levels`),
  "no-such-weights": error(
    (h: { readonly of: string; readonly path: string }) => `no weight of \`${h.of}\` has a path that begins with \`${h.path}\``,
  ),
  "varying-condition": error((h: Name) => `\`${h.name}\` changes from step to step, so it is no condition`),
  "no-tokenizer": error((h: Name) => `\`${h.name}\` comes from text, but the model has no tokenizer`),
  "repeated-member": error((h: { readonly what: string }) => `the model has two ${h.what}`),
  // Layouts
  "no-layouts": error((h: { readonly path: string }) => `${h.path} declares no layouts`),
  "not-laid-out": error((h: Name) => `\`${h.name}\` is no block or model of this file, and layouts are of those`),
  "lost-layouts": warning(
    (h: { readonly name: string; readonly file: string; readonly reader: string }) =>
      `\`${h.name}\` is no block or model of ${h.file}, nor of ${h.reader}, which imports its layouts: those of \`${h.name}\` are left out`,
  ),
  "unread-layouts": warning(
    (h: { readonly names: readonly string[] }) =>
      `no file that imports these layouts has been read, so those of ${h.names.map((name) => `\`${name}\``).join(", ")} are not checked`,
  ),
  "repeated-layout": error((h: { readonly name: string; readonly of: string }) => `\`${h.of}\` has two layouts \`${h.name}\``),
  "bad-hole": error((h: { readonly hole: string }) => `the hole \`{${h.hole}}\` of a path is no name to which its number can be bound`),
  "bad-key": error((h: { readonly key: string }) => `\`${h.key}\` is no key of a checkpoint`),
  // What changes nothing
  "unused-import": warning(
    (h: { readonly name: string; readonly from: string }) => `\`${h.name}\` of ${h.from} is never used in this file`,
  ),
  "unused-value": warning((h: { readonly name: string; readonly kind: string }) => `nothing reads the ${h.kind} \`${h.name}\``),
  "too-many-warnings": warning(
    (h: { readonly limit: number }) => `this is one warning more than the ${h.limit} that are shown of a program`,
  ),
  "unused-block": warning((h: Name) => `nothing calls the block \`${h.name}\``),
  "shared-rounds": warning(
    (h: { readonly labels: string }) =>
      `every round of this \`repeat\` has the same weights, as nothing in the path of ${h.labels} changes`,
  ),
  "unknown-path": warning(
    (h: { readonly of: string; readonly path: string }) => `no weight of \`${h.of}\` has a path that begins with \`${h.path}\``,
  ),
  "unused-label": warning(
    (h: { readonly what: string; readonly label: string }) => `${h.what} owns no weights, so the label \`${h.label}\` is part of no path`,
  ),
  "hidden-value": warning(
    (h: { readonly name: string; readonly kind: string }) => `\`${h.name}\` hides the ${h.kind} of the same name in the file`,
  ),
} satisfies MessageTable;

export const checkDiagnostic = diagnosticsOf(checkMessages);
