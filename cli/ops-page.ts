/** The rows of the op table to what a person reads of them: a line or a page on the terminal, and docs/ops.md. */

import pc from "picocolors";
import type { Example, Manual } from "../compiler/ops/op.ts";
import { operators, opManuals } from "../compiler/ops/table.ts";
import { type AttributeKind, type AttributeSignature, layoutForms, type OpSignature } from "../dsl/index.ts";

export const opNames: readonly string[] = [...opManuals.map(({ signature }) => signature), ...layoutForms].map(({ name }) => name);

/** `linear(x, out: int, bias: bool = true)`. */
function call({ name, inputs, attributes }: OpSignature): string {
  const tensors = inputs.map((input) => (input.list ? `${input.name}: a list` : input.name));
  const optional = inputs.map(({ optional }) => optional);
  const parts = [
    ...tensors.filter((_, i) => !optional[i]),
    ...attributes.map(attributeText),
    ...tensors.filter((_, i) => optional[i]).map((tensor) => `${tensor}: a tensor, or none`),
  ];
  return `${name}(${parts.join(", ")})`;
}

function attributeText({ name, kind, default: value }: AttributeSignature): string {
  return `${name}: ${kindText(kind)}${value === undefined ? "" : ` = ${valueText(kind, value)}`}`;
}

function kindText(kind: AttributeKind): string {
  if (kind === "ints") return "a list of ints";
  if (typeof kind === "string") return kind;
  if ("oneOf" in kind) return kind.oneOf.map((choice) => JSON.stringify(choice)).join(" | ");
  return ["int", ...kind.perAxis.map((word) => JSON.stringify(word)), "a list of one an axis"].join(" | ");
}

function valueText(kind: AttributeKind, value: AttributeSignature["default"]): string {
  if (kind !== "float" || typeof value !== "number") return JSON.stringify(value);
  if (Number.isInteger(value)) return `${value}.0`;
  return value < 1e-3 ? value.toExponential() : String(value);
}

const withDocs = ({ attributes }: OpSignature) => attributes.filter(({ doc }) => doc !== undefined);

/** All ops, a few lines each. */
export function overview(): string {
  const ops = opManuals.map(({ signature, manual }) => `${pc.bold(call(signature))}\n  ${pc.cyan(manual.shapes)}\n  ${signature.doc}\n`);
  const forms = layoutForms.map((form) => `${pc.bold(call(form))}\n  ${form.doc}\n`);
  return `${[...ops, ...forms].join("\n")}\n\`mvc ops NAME\` has the weights, PyTorch's name and examples of one.\n`;
}

/** All that is known of one op; undefined where there is none of that name. */
export function pageOf(name: string): string | undefined {
  const form = layoutForms.find((one) => one.name === name);
  if (form !== undefined) return `${pc.bold(call(form))}\n  ${form.doc}\n`;
  const found = opManuals.find(({ signature }) => signature.name === name);
  if (found === undefined) return undefined;
  const { signature, manual } = found;
  const rows = (list: readonly (readonly [string, string])[]): string[] => {
    const width = Math.max(...list.map(([first]) => first.length));
    return list.map(([first, rest]) => `  ${first.padEnd(width)}  ${rest}`);
  };
  const lines = [pc.bold(call(signature)), `  ${pc.cyan(manual.shapes)}`, "", `  ${signature.doc}`, `  As ${manual.source}.`];
  const docs = withDocs(signature).map(({ name: attribute, doc = "" }) => [attribute, doc] as const);
  if (docs.length > 0) lines.push("", pc.bold("attributes"), ...rows(docs));
  if (manual.weights !== undefined)
    lines.push(
      "",
      pc.bold("weights, below the label of the call"),
      ...rows(manual.weights.map((one) => [one.name, weightText(one)] as const)),
    );
  for (const example of manual.examples)
    lines.push(
      "",
      `${pc.bold("example")}${aboutText(example)}`,
      ...example.code.split("\n").map((line) => `  ${line}`),
      `  ${typesText(example)}`,
    );
  return `${lines.join("\n")}\n`;
}

function weightText({ shape, starts }: NonNullable<Manual["weights"]>[number]): string {
  return `${shape}, starts ${starts}`;
}

function aboutText({ about }: Example): string {
  return about === undefined ? "" : `: ${about}`;
}

/** `// x [N, S, C] makes [N, S, 4 * C]`. */
function typesText({ given, makes }: Example): string {
  const tensors = Object.entries(given).map(([name, type]) => `${name} ${type}`);
  return `// ${tensors.join(", ")} makes ${makes}`;
}

const opening = `# Ops

Written by \`mvc ops --markdown\` from the op table; do not edit. \`mvc ops NAME\` shows one on the terminal.

\`\`\`
x |> linear(4 * C) as widen              // the pipe fills the first input; the label \`widen\` names the weights, \`….widen.weight\`
linear(x, 4 * C, bias: false) as widen   // attributes by name, or in order behind the inputs; those with \`=\` may be left out
\`\`\`

* Shapes: \`[..., C]\` has any axes before C, which are computed each on its own. Values are \`float\`, which a build makes f32 or f16, where nothing else is said.
* Axes are counted from 0. An op that owns weights needs a label.
* Weights that no op owns are declared: \`weight scale: Tensor<float, [F, C]> = ones;\`, or \`zeros\`, or \`normal(0.02)\` by its deviation.
* "Starts" is what \`mvc build --init SEED\` draws, and \`init: …\` another way; trained weights (\`--weights\`) come as they are.
`;

/** docs/ops.md. */
export function markdown(): string {
  const rows = opManuals.map(
    ({ signature: { name }, manual }) => `| [${name}](#${name.toLowerCase()}) | ${manual.shapes} | ${manual.source} |`,
  );
  const index = `| op | shapes | as |\n|---|---|---|\n${rows.join("\n")}\n`;
  const brief = (list: readonly OpSignature[], title: (one: OpSignature) => string) =>
    list.map((one) => `* ${title(one)}: ${one.doc}`).join("\n");
  const forms = brief(layoutForms, (form) => `\`${call(form)}\``);
  const between = `## Operators\n\n${operators.map(({ doc }) => `* ${doc}`).join("\n")}\n\nA number may stand on either side: \`x * 2.0\`.\n`;
  const layout = `## Layout\n\n${forms}\n`;
  return [opening, index, ...opManuals.map(section), between, layout].join("\n");
}

function section({ signature, manual }: (typeof opManuals)[number]): string {
  const { name, doc } = signature;
  const attributes = withDocs(signature).map((one) => `* \`${one.name}\`: ${one.doc}`);
  const weights = (manual.weights ?? []).map((one) => `* \`${one.name}\` \`${one.shape}\`, starts ${one.starts}`);
  const examples = manual.examples.map(
    (example) =>
      `${example.about === undefined ? "" : `${capitalised(example.about)}:\n\n`}\`\`\`\n${example.code}\n${typesText(example)}\n\`\`\`\n`,
  );
  const parts = [
    `## ${name}\n`,
    `\`${call(signature)}\`\n`,
    `\`${manual.shapes}\`\n`,
    `${doc}\n`,
    ...(attributes.length > 0 ? [`${attributes.join("\n")}\n`] : []),
    ...(weights.length > 0 ? [`Weights:\n\n${weights.join("\n")}\n`] : []),
    `As ${manual.source}.\n`,
    ...examples,
  ];
  return parts.join("\n");
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
