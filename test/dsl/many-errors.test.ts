// Two thousand errors of each kind in one file: the first hundred are told, within two seconds.

import { expect, test } from "vitest";
import { checkSizes } from "../../compiler/check-sizes.ts";
import { mostErrors, renderAll } from "../../dsl/index.ts";
import { checkText } from "./sources.ts";

const count = 2000;
const many = (item: (i: number) => string) => Array.from({ length: count }, (_, i) => item(i)).join("");
const block = (name: string, body: string) => `block ${name}<C>(x: Tensor<float, [1, C]>): Tensor<float, [1, C]> {\n${body}}\n`;
const presets = Array.from({ length: 8 }, (_, i) => `preset P${i} of M { k: ${i + 2} }\n`).join("");
const model = `param k: int = 1;\nmodel M {\n  graph run(x: Tensor<float, [1, 4]>): Tensor<float, [1, 4]> { return Net(x * k) as net; }\n}\n${presets}`;
const wider = (i: number) => `x + (x |> linear(5) as l${i})`;

test.each<[string, string, number]>([
  ["declarations that cannot be read", many((i) => `dim A${i} = ;\n`), mostErrors + 1],
  ["bodies that cannot be read", many((i) => block(`Net${i}`, "  const a = x +;\n  return x;\n")), mostErrors + 1],
  ["statements that cannot be read", block("Net", `${many((i) => `  const a${i} = x +;\n`)}  return x;\n`), 5],
  ["strange characters", many((i) => `dim A${i} = @ 1;\n`), mostErrors + 1],
  ["unknown names", block("Net", `${many((i) => `  const a${i} = y${i} + x;\n`)}  return x;\n`), mostErrors + 1],
  ["unknown values", many((i) => `const a${i} = unknown${i};\n`), mostErrors + 1],
  ["unknown calls", block("Net", `${many((i) => `  const a${i} = x |> linea${i}(3) as l${i};\n`)}  return x;\n`), mostErrors + 1],
  ["wrong shapes", model + block("Net", `${many((i) => `  const a${i} = ${wider(i)};\n`)}  return x;\n`), mostErrors + 1],
  [
    "blocks of wrong shapes",
    model +
      many((i) => block(`B${i}`, `  return ${wider(i)};\n`)) +
      block("Net", `  let h = x;\n${many((i) => `  h = h |> B${i}() as b${i};\n`)}  return h;\n`),
    mostErrors + 1,
  ],
  [
    "calls of a block of wrong shapes",
    model +
      block("B", `  return ${wider(0)};\n`) +
      block("Net", `  let h = x;\n  repeat ${count} as r { h = h |> B() as b; }\n  return h;\n`),
    1,
  ],
])("%s", (_, text, said) => {
  const start = process.cpuUsage();
  const { program, diagnostics, texts } = checkText(text);
  const all = [...diagnostics, ...(program === undefined ? [] : checkSizes(program))];
  renderAll(all, texts);
  const { user, system } = process.cpuUsage(start);
  expect(all.filter(({ severity }) => severity === "error")).toHaveLength(said);
  // The figure of `mvc check`, which takes 0.2 s more to start.
  expect(user + system).toBeLessThan(2_000_000);
});
