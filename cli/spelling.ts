/** An error of the pipeline, in the names of its options, to the same in those of the command line. */

import { sampledFigures } from "../compiler/package/sampler-figures.ts";
import { MvcError, mvcError } from "../runtime/errors.ts";

export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What is called otherwise than by its own name in kebab case. */
const renamed: { readonly [name: string]: string } = {
  continues: "--continue",
  prompts: "--prompt-at",
  inputs: "--input",
  "known's mask": "--mask",
};

const named = new Set<string>([
  ...sampledFigures,
  ...["seed", "negative", "longPrompt", "wordWeights", "guidance", "guidanceRescale", "guidanceInterval", "threads", "backend"],
  ...["firstFrame", "lastFrame", "from", "strength", "known", "at", "mask", "length", "overlap", "windows", "loop"],
]);

type Texts = { readonly [name: string]: string };

/** `conditions` are the model's, which keep their names. */
export function asTyped(thrown: unknown, conditions: readonly string[]): unknown {
  if (!(thrown instanceof MvcError)) return thrown;
  const typed = (name: string) => {
    if (Object.hasOwn(renamed, name)) return renamed[name] ?? name;
    return named.has(name) ? `--${kebab(name)}` : name;
  };
  // The language's own words stand in backticks too: only options are other words here.
  const sentence = (text: string) =>
    text.replace(/`([^`]+)`/g, (whole, name: string) => (typed(name) === name || conditions.includes(name) ? whole : typed(name)));
  const { option = "", input = "", expected = "", found = "", instead, graph = "", shape = "" } = thrown.fields as Texts;
  if (thrown.code === "option-invalid") {
    const way = instead === undefined ? {} : { instead: sentence(instead) };
    return mvcError("option-invalid", { option: typed(option), expected: sentence(expected), found, ...way });
  }
  if (conditions.includes(input)) return thrown;
  if (thrown.code === "latents-absent") return mvcError("latents-absent", { input: typed(input), graph, shape });
  if (thrown.code === "input-unknown") return mvcError("input-unknown", { input: typed(input), known: conditions });
  if (thrown.code !== "input-invalid") return thrown;
  return mvcError("input-invalid", { input: typed(input), expected: sentence(expected), found });
}
