/** `mvc ops`: the ops that a model may call, one of them at length, or all as a page. */

import { nearest } from "../../dsl/index.ts";
import { mvcError } from "../../runtime/errors.ts";
import { markdown, opNames, overview, pageOf } from "../ops-page.ts";
import type { Outcome } from "../terminal.ts";

export function ops(name: string | undefined, options: { readonly markdown?: true }): Outcome {
  process.stdout.write(textOf(name, options));
  return "done";
}

function textOf(name: string | undefined, options: { readonly markdown?: true }): string {
  if (name === undefined) return options.markdown ? markdown() : overview();
  if (options.markdown)
    throw mvcError("option-invalid", { option: "--markdown", expected: "given alone, as it prints all ops", found: name });
  const page = pageOf(name);
  if (page !== undefined) return page;
  const guess = nearest(name, opNames);
  const expected = guess === undefined ? "one that `mvc ops` lists" : `one that \`mvc ops\` lists, such as ${guess}`;
  throw mvcError("option-invalid", { option: "the op", expected, found: name });
}
