/** A graph or the call of a block to what it made: weights, and calls within it, each below the levels that labels add. */

import type { BlockDeclaration } from "../../dsl/index.ts";
import type { TensorType } from "../graph/graph.ts";
import type { Static } from "./static.ts";

export interface Body {
  /** Undefined for a graph. */
  readonly block: BlockDeclaration | undefined;
  /** Where it was expanded: calls like it share it, at other paths. */
  readonly path: string;
  /** The values of the block's dims and of its arguments that are no tensors. */
  readonly argument: (name: string) => Static | undefined;
  readonly parts: Part[];
}

export interface Part {
  /** From the path of the body; empty for a call without a label. */
  readonly levels: string;
  readonly made: TensorType | Body;
}

export function isBody(made: Part["made"]): made is Body {
  return "parts" in made;
}

/** Adds what stands at a path of the body's or below it. */
export function addPart(body: Body, path: string, made: Part["made"]): void {
  body.parts.push({ levels: body.path === "" ? path : path.slice(body.path.length + 1), made });
}

/** The weights of a body that stands at a path; those that it ties, once. */
export function weightsOf(body: Body, path: string): ReadonlyMap<string, TensorType> {
  const found = new Map<string, TensorType>();
  const visit = ({ parts }: Body, at: string): void => {
    for (const { levels, made } of parts) {
      const below = at === "" || levels === "" ? at + levels : `${at}.${levels}`;
      if (isBody(made)) visit(made, below);
      else found.set(below, made);
    }
  };
  visit(body, path);
  return found;
}
