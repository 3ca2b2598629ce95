/** Each op to PyTorch: the module that holds its weights, and the expression that calls it. */

import type { OpName } from "../../graph/op-names.ts";
import type { PlainValue } from "../../module/code.ts";
import { type WindowedName, windowAxes, windowsOf } from "../../ops/windows.ts";
import { atom, strengths, type Text, within } from "./known-text.ts";
import type { PieceName } from "./pieces.ts";

/** Ops that no source names: layout forms, passes and gradients lead to them. */
type Unnamed =
  | "after"
  | "broadcast"
  | "cast"
  | "convWeightGradient"
  | "erf"
  | "maskedSoftmax"
  | "reshape"
  | "scatterAdd"
  | "step"
  | "transpose";
export type SourceOp = Exclude<OpName, Unnamed>;

/** An op's call, in Python's words. */
export interface Call {
  readonly op: SourceOp;
  readonly inputs: readonly Text[];
  /** How many axes the first input has. */
  readonly rank: number;
  readonly dtype: "f32" | "f16" | "i32";
  /** Of the input, where weights follow them. */
  readonly channels: string;
  /** An attribute as Python says it. */
  readonly text: (attribute: string) => string;
  /** What it is where it is the same in all calls. */
  readonly plain: (attribute: string) => PlainValue | undefined;
  /** A tensor of the build's precision and the model's device. */
  readonly like: () => string;
  readonly piece: (name: PieceName) => string;
}

export interface TorchRule {
  /** The module, as it is made; rules without one compute by a function. */
  readonly module?: (call: Call) => string;
  /** How it is called where there are no weights. */
  readonly apply?: (call: Call) => Text;
}

const call = (name: string, given: readonly string[]): Text => atom(`${name}(${given.filter((one) => one !== "").join(", ")})`);
const input = ({ inputs }: Call, i = 0): string => (inputs[i] === undefined ? "" : inputs[i].text);
const target = ({ inputs }: Call, i = 0): string => within(inputs[i] ?? atom("?"), strengths.call);

const functional = (name: string): TorchRule => ({ apply: (op) => call(name, [input(op)]) });
const ofPiece = (name: PieceName, ...attributes: readonly string[]): TorchRule => ({
  apply: (op) => call(op.piece(name), [...op.inputs.map(({ text }) => text), ...attributes.map(op.text)]),
});

/** `name=value` where it is another than the default. */
function option(op: Call, attribute: string, standard: PlainValue, name = attribute): string {
  return op.plain(attribute) === standard ? "" : `${name}=${op.text(attribute)}`;
}

function operator(sign: string, strength: number): TorchRule {
  return {
    apply: ({ inputs: [left, right] }) => ({
      text: `${within(left ?? atom(""), strength)} ${sign} ${within(right ?? atom(""), strength + (sign === "+" || sign === "*" ? 0 : 1))}`,
      strength,
    }),
  };
}

/** The module with another start of its weights, where it has one. */
function started(op: Call, made: string, standard = "default"): string {
  const init = op.plain("init");
  if (init === standard) return made;
  return `${op.piece("start")}(${made}, ${init === undefined ? op.text("init") : JSON.stringify(init)})`;
}

function convolution(op: WindowedName & SourceOp, isTransposed: boolean): TorchRule {
  const axes = windowAxes[op];
  const name = `${isTransposed ? "ConvTranspose" : "Conv"}${axes}d`;
  return {
    module: (made) => {
      const ends = endsOf(made, op, axes);
      const even = ends.every(([before, after]) => before === after);
      const padding = even ? perAxis(ends.map(([before]) => before)) : "0";
      const options = [
        made.channels,
        made.text("out"),
        made.text("kernel"),
        option(made, "stride", 1),
        padding === "0" ? "" : `padding=${padding}`,
        option(made, "dilation", 1),
        option(made, "groups", 1),
        option(made, "bias", true),
        even ? "" : `ends=(${ends.toReversed().flat().join(", ")})`,
      ];
      const own = made.rank === axes + 2 && even ? `nn.${name}` : made.piece(name as PieceName);
      return started(made, call(own, options).text);
    },
  };
}

function perAxis(sizes: readonly string[]): string {
  return sizes.every((size) => size === sizes[0]) ? (sizes[0] ?? "0") : `(${sizes.join(", ")})`;
}

/** Zeros, or places to be cut, before and after on each axis, as Python says them. */
function endsOf(made: Call, op: WindowedName, axes: number): (readonly [string, string])[] {
  const [kernel, stride, padding, dilation] = ["kernel", "stride", "padding", "dilation"].map(made.plain);
  const isSpan = padding === "same" && !op.startsWith("convTranspose");
  if (kernel !== undefined && padding !== undefined && dilation !== undefined && (stride !== undefined || isSpan)) {
    const windows = windowsOf(op, { kernel, stride: stride ?? 1, padding, dilation } as Parameters<typeof windowsOf>[1]);
    return windows.map(({ before, after }) => [String(before), String(after)]);
  }
  const each = (value: PlainValue | undefined, i: number, name: string) =>
    value === undefined ? `${made.text(name)}` : String(Array.isArray(value) ? value[i] : value);
  return Array.from({ length: axes }, (_, i) => {
    const word = each(padding, i, "padding");
    const [k, d, s] = [each(kernel, i, "kernel"), each(dilation, i, "dilation"), each(stride, i, "stride")];
    const span = d === "1" ? `(${k} - 1)` : `${d} * (${k} - 1)`;
    if (word === "none") return ["0", "0"];
    if (op.startsWith("convTranspose")) {
      const surplus = `(${span} + 1 - ${s})`;
      if (word === "same") return [`(${surplus} + 1) // 2`, `${surplus} // 2`];
      return word === "causal" ? ["0", surplus] : [word, word];
    }
    if (word === "same") return [`${span} // 2`, `(${span} + 1) // 2`];
    if (word === "causal") return [span, "0"];
    return word === "end" ? ["0", `${span} + 1 - ${s}`] : [word, word];
  });
}

function pool(axes: number): TorchRule {
  const list = (op: Call, attribute: string): string => {
    const value = op.plain(attribute);
    if (value === "kernel") return list(op, "kernel");
    return typeof value === "number"
      ? `[${new Array(axes).fill(value).join(", ")}]`
      : value === undefined
        ? `[${op.text(attribute)}] * ${axes}`
        : op.text(attribute);
  };
  return { apply: (op) => call(op.piece("average_pool"), [input(op), list(op, "kernel"), list(op, "stride")]) };
}

const reduced = (name: string): TorchRule => ({ apply: (op) => atom(`${target(op)}.${name}(${op.text("axis")}, keepdim=True)`) });

/** Every op that a source can lead to: one that is missing does not compile. */
export const torchRules: { readonly [O in SourceOp]: TorchRule } = {
  conv1d: convolution("conv1d", false),
  conv2d: convolution("conv2d", false),
  conv3d: convolution("conv3d", false),
  convTranspose1d: convolution("convTranspose1d", true),
  convTranspose2d: convolution("convTranspose2d", true),
  convTranspose3d: convolution("convTranspose3d", true),
  averagePool1d: pool(1),
  averagePool2d: pool(2),
  averagePool3d: pool(3),
  linear: { module: (op) => started(op, call("nn.Linear", [op.channels, op.text("out"), option(op, "bias", true)]).text) },
  groupNorm: {
    module: (op) => {
      const name = op.rank === 4 ? "nn.GroupNorm" : op.piece("GroupNorm");
      return started(op, call(name, [op.text("groups"), op.channels, option(op, "eps", 1e-5)]).text);
    },
  },
  layerNorm: {
    module: (op) => started(op, call("nn.LayerNorm", [op.channels, option(op, "eps", 1e-5)]).text),
    apply: (op) => call("fn.layer_norm", [input(op), `${target(op)}.shape[-1:]`, option(op, "eps", 1e-5)]),
  },
  rmsNorm: {
    module: (op) => started(op, call(op.piece("RMSNorm"), [op.channels, op.text("eps")]).text),
    apply: (op) => call(op.piece("rms_norm"), [input(op), op.text("eps")]),
  },
  embedding: { module: (op) => started(op, call("nn.Embedding", [op.text("vocabulary"), op.text("width")]).text, "unit") },
  attend: {
    apply: (op) => {
      const [query, key, value, bias] = [0, 1, 2, 3].map((i) => input(op, i));
      const causal = option(op, "causal", false);
      return call(op.piece(bias === "" ? "attend" : "attend_biased"), [
        query ?? "",
        key ?? "",
        value ?? "",
        op.text("heads"),
        bias ?? "",
        causal,
      ]);
    },
  },
  silu: functional("fn.silu"),
  gelu: { apply: (op) => call("fn.gelu", [input(op), option(op, "approximate", "none")]) },
  quickGelu: ofPiece("quick_gelu"),
  sigmoid: functional("torch.sigmoid"),
  tanh: functional("torch.tanh"),
  exp: functional("torch.exp"),
  log: functional("torch.log"),
  relu: functional("fn.relu"),
  sqrt: functional("torch.sqrt"),
  sin: functional("torch.sin"),
  cos: functional("torch.cos"),
  abs: functional("torch.abs"),
  geglu: ofPiece("geglu"),
  softmax: { apply: (op) => call("torch.softmax", [input(op), op.text("axis")]) },
  sum: reduced("sum"),
  mean: reduced("mean"),
  max: reduced("amax"),
  matmul: operator("@", strengths.product),
  sinusoid: {
    apply: (op) => {
      const order = option(op, "order", "cos-sin");
      const waves = [option(op, "shift", 0), option(op, "maxPeriod", 10000, "max_period"), option(op, "scale", 1)];
      const options = [order, ...waves].filter((one) => one !== "");
      return call(op.piece(options.length === 0 ? "sinusoid" : "waves"), [input(op), op.text("width"), op.like(), ...options]);
    },
  },
  rotary: {
    apply: (op) => call(op.piece("rotary"), [input(op), input(op, 1), option(op, "base", 10000), option(op, "pairs", "interleaved")]),
  },
  gather: ofPiece("gather", "axis"),
  upsample: ofPiece("upsample", "factor"),
  concat: { apply: (op) => call("torch.cat", [input(op), op.text("axis")]) },
  slice: { apply: (op) => atom(`${target(op)}.narrow(${op.text("axis")}, ${op.text("start")}, ${op.text("size")})`) },
  pad: ofPiece("pad", "axis", "before", "after"),
  add: operator("+", strengths.sum),
  sub: operator("-", strengths.sum),
  mul: {
    apply: (op) => {
      const [left, right] = op.inputs;
      // A source's `-x`.
      if (left?.text === "-1" && right !== undefined) return { text: `-${within(right, strengths.unary)}`, strength: strengths.unary };
      return operator("*", strengths.product).apply?.(op) ?? atom("");
    },
  },
  /** Whole numbers lose what is left over. */
  div: {
    apply: (op) =>
      op.dtype === "i32"
        ? call("torch.div", [input(op), input(op, 1), 'rounding_mode="trunc"'])
        : (operator("/", strengths.product).apply?.(op) ?? atom("")),
  },
};
