/** A value of the source to the place that decides it: where a preset or an ablation sets it, what it is worked out from there. */

import {
  type BlockDeclaration,
  type CallExpression,
  type Expression,
  type Field,
  type Program,
  partsOf,
  type Span,
  type Statement,
} from "../../dsl/index.ts";
import type { Origin } from "../graph/graph.ts";
import type { Configuration } from "./configure.ts";

/**
 * The smallest span that must change for an expression to have another value. A param that is read by its bare name is decided by
 * the last ablation that sets it, else the preset, else its declaration; what `--set` gave stands nowhere, so the name is shown.
 */
export function sourceOfValue(configuration: Configuration, expression: Expression): Span {
  if (expression.kind !== "name") return expression.span;
  const { program, file, choices, model } = configuration;
  const declared = program.files.get(expression.span.file)?.names.get(expression.name)?.declaration;
  if (declared?.kind !== "param") return expression.span;
  const scope = program.files.get(file);
  // Presets and `--set` know it by the name that the model's file has for it, if any.
  const reached = scope?.names.get(declared.name.name)?.declaration === declared;
  const { name } = declared.name;
  if (reached && choices.settings !== undefined && Object.hasOwn(choices.settings, name)) return expression.span;
  const fieldsOf = (kind: "preset" | "ablation", chosen: string): readonly Field[] =>
    (scope?.source.declarations ?? []).flatMap((one) =>
      (one.kind === "preset" || one.kind === "ablation") &&
      one.kind === kind &&
      one.name.name === chosen &&
      one.model.name === model.name.name
        ? one.overrides
        : [],
    );
  const overrides = [
    ...(choices.preset === undefined ? [] : fieldsOf("preset", choices.preset)),
    ...(choices.ablations ?? []).flatMap((ablation) => fieldsOf("ablation", ablation)),
  ];
  const set = reached ? overrides.findLast((field) => field.name.name === name) : undefined;
  return set?.value.span ?? declared.value.span;
}

/** A parameter of a block or op, by its name and place. */
export interface Slot {
  readonly name: string;
  readonly index: number;
}

/** The same for an argument of the call that made a value: a block's parameter is decided where the block is called. */
export function sourceOfArgument(configuration: Configuration, { span, expandedFrom }: Origin, slot: Slot): Span {
  const { program } = configuration;
  let argument = argumentOf(callAt(program, span), slot);
  for (const { block, span: outer } of expandedFrom) {
    if (argument?.kind !== "name") break;
    const declared = blockNamed(program, block, argument.span.file);
    const { name } = argument;
    const index = declared?.parameters.findIndex((parameter) => parameter.name.name === name) ?? -1;
    if (index < 0) break;
    argument = argumentOf(callAt(program, outer), { name, index }) ?? declared?.parameters[index]?.value;
  }
  return argument === undefined ? span : sourceOfValue(configuration, argument);
}

function argumentOf(call: CallExpression | undefined, { name, index }: Slot): Expression | undefined {
  if (call === undefined) return undefined;
  const named = call.arguments.find((argument) => argument.name?.name === name);
  const inOrder = call.arguments.flatMap((argument) => (argument.name === undefined ? [argument.value] : []));
  return named?.value ?? (call.piped === undefined ? inOrder : [call.piped, ...inOrder])[index];
}

function blockNamed(program: Program, name: string, file: string): BlockDeclaration | undefined {
  const declared = program.files.get(file)?.names.get(name)?.declaration;
  return declared?.kind === "block" ? declared : undefined;
}

/** The call of a body that stands at a span, with its piped value or without. */
function callAt(program: Program, { file, start, end }: Span): CallExpression | undefined {
  const isIt = (span: Span) => span.start === start && span.end === end;
  const within = (node: Statement | Expression): CallExpression | undefined => {
    if (node.span.start > start || node.span.end < end) return undefined;
    if (node.kind === "call" && (isIt(node.span) || isIt(node.callSpan))) return node;
    return firstOf(partsOf(node), within);
  };
  const bodies = (program.files.get(file)?.source.declarations ?? []).flatMap((declaration) =>
    declaration.kind === "block"
      ? declaration.body
      : declaration.kind === "model"
        ? declaration.members.flatMap((member) => (member.kind === "graph" ? member.body : []))
        : [],
  );
  return firstOf(bodies, within);
}

function firstOf<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
