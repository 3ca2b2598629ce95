/** The sentences for errors that only sizes reveal: those of expanding blocks, of overrides, and of the graphs that come out. */

import { diagnosticsOf, error, type MessageTable, warning } from "../../dsl/index.ts";
import { mostSize } from "../graph/graph.ts";

/** Sentences of the op table arrive whole, as each shape rule words its own. */
const fromRule = error((h: { readonly message: string }) => h.message);

export const expandMessages = {
  "shape-mismatch": fromRule,
  "axis-mismatch": fromRule,
  "wrong-rank": fromRule,
  "wrong-dtype": fromRule,
  "not-divisible": fromRule,
  "bad-attribute": fromRule,
  "argument-shape": error(
    (h: { readonly parameter: string; readonly block: string; readonly axis: string; readonly expected: number; readonly found: number }) =>
      `\`${h.block}\` takes \`${h.parameter}\` with axis ${h.axis} of ${h.expected}, but it is ${h.found}`,
  ),
  "argument-rank": error(
    (h: { readonly parameter: string; readonly block: string; readonly expected: string; readonly found: string }) =>
      `\`${h.block}\` takes \`${h.parameter}\` with axes ${h.expected}, but the value has ${h.found}`,
  ),
  "argument-dtype": error(
    (h: { readonly parameter: string; readonly block: string; readonly expected: string; readonly found: string }) =>
      `\`${h.block}\` takes \`${h.parameter}\` of ${h.expected}, but the value is of ${h.found}`,
  ),
  "result-shape": error(
    (h: { readonly block: string; readonly axis: string; readonly expected: number; readonly found: number }) =>
      `\`${h.block}\` promises axis ${h.axis} of ${h.expected}, but returns ${h.found}`,
  ),
  "result-rank": error(
    (h: { readonly block: string; readonly expected: string; readonly found: string }) =>
      `\`${h.block}\` promises axes ${h.expected}, but returns ${h.found}`,
  ),
  "unbound-size": error(
    (h: { readonly dim: string; readonly block: string }) =>
      `no tensor is given to \`${h.block}\` whose shape tells the size of ${h.dim}: the list is empty`,
  ),
  "requirement-failed": error((h: { readonly message: string; readonly values: string }) => `${h.message}${h.values}`),
  "cannot-arrange": error(
    (h: { readonly wanted: string; readonly value: string; readonly why: string }) =>
      `the axes ${h.value} cannot be arranged as ${h.wanted}: ${h.why}`,
  ),
  "ambiguous-axes": error(
    (h: { readonly wanted: string; readonly value: string; readonly why: string }) =>
      `the axes ${h.value} cannot be arranged as ${h.wanted}: ${h.why}`,
  ),
  "cannot-view": error(
    (h: { readonly from: string; readonly to: string; readonly fromSize: number; readonly toSize: number }) =>
      `a view keeps the number of elements, but ${h.from} has ${h.fromSize} and ${h.to} has ${h.toSize}`,
  ),
  "inexact-division": error((h: { readonly operation: string; readonly dividend: number; readonly divisor: number }) =>
    h.divisor === 0
      ? `\`${h.operation}\` divides by zero`
      : `\`${h.operation}\` must be a whole number, but ${h.dividend} does not divide by ${h.divisor}`,
  ),
  "out-of-range": error((h: { readonly index: number; readonly length: number }) => `index ${h.index} is outside a list of ${h.length}`),
  "empty-list": error((h: { readonly operation: string }) => `\`${h.operation}\` finds the list empty`),
  "bad-size": error(
    (h: { readonly axis: string; readonly size: number }) =>
      `axis ${h.axis} has size ${h.size}, but a size is a whole number from 1 to ${mostSize}`,
  ),
  "wrong-kind": error((h: { readonly expected: string; readonly found: string }) => `this must be ${h.expected}, but it is ${h.found}`),
  "too-large": error(
    (h: { readonly what: string; readonly most: number; readonly unit: string }) => `${h.what} takes more than ${h.most} ${h.unit}`,
  ),
  "int-overflow": error(
    (h: { readonly operation: string; readonly result: number }) =>
      `\`${h.operation}\` is ${h.result}, beyond 2^53, where whole numbers are no longer exact`,
  ),
  "negative-power": error((h: { readonly operation: string }) => `\`${h.operation}\` is no whole number: the power is negative`),
  "not-finite": error((h: { readonly operation: string }) => `\`${h.operation}\` is no finite number`),
  ragged: error(
    (h: { readonly expected: string; readonly found: string }) =>
      `the lists of a tensor are as long as the first ones, so ${h.expected} must stand where ${h.found} does`,
  ),
  "zero-divisor": error(
    (h: { readonly divisor: string; readonly value: number; readonly dtype: string }) =>
      `every element is divided by \`${h.divisor}\`, which is ${h.value === 0 ? "0" : `${h.value}, and that is 0 in ${h.dtype}`}`,
  ),
  "no-such-number": error(
    (h: { readonly value: number; readonly dtype: string; readonly range: string }) =>
      `${h.value} is no number of ${h.dtype}, which has ${h.range}`,
  ),
  "unnamed-weight": error((h: { readonly op: string }) => `\`${h.op}\` owns weights, so the call needs a label for their path`),
  "repeated-weight": error((h: { readonly path: string }) => `the weight path \`${h.path}\` is used twice`),
  "tied-weight": error(
    (h: { readonly path: string; readonly first: string; readonly second: string }) =>
      `weights that are tied are of one shape, but \`${h.path}\` is ${h.first} first, and ${h.second} here`,
  ),
  "bad-path": error((h: { readonly path: string; readonly why: string }) => `\`${h.path}\` ${h.why}`),
  "batch-weight": error(
    (h: { readonly path: string; readonly once: string; readonly twice: string }) =>
      `the size of the weight \`${h.path}\` depends on the batch: it is ${h.once} for one prompt, and ${h.twice} for the two that guidance runs at once`,
  ),
  "unread-weight": error(
    (h: { readonly graph: string; readonly weights: string }) => `no result of \`${h.graph}\` depends on ${h.weights}`,
  ),
  "mixed-batch": error(
    (h: { readonly graph: string }) =>
      `clips of a batch mix here: the sampler runs \`${h.graph}\` on several at once, and each may read nothing of the others`,
  ),
  "conflicting-weight": error(
    (h: {
      readonly path: string;
      readonly first: string;
      readonly firstShape: string;
      readonly second: string;
      readonly secondShape: string;
    }) =>
      `graphs of one model share weights by path, but \`${h.path}\` is ${h.firstShape} in \`${h.first}\` and ${h.secondShape} in \`${h.second}\``,
  ),
  "unknown-choice": error(
    (h: { readonly what: string; readonly name: string; readonly file: string }) => `there is no ${h.what} \`${h.name}\` in ${h.file}`,
  ),
  "several-models": error((h: { readonly names: string }) => `the file declares several models (${h.names})`),
  "no-model": error((h: { readonly file: string }) => `${h.file} declares no model, so there is nothing to build`),
  "override-kind": error(
    (h: { readonly name: string; readonly expected: string; readonly found: string }) =>
      `\`${h.name}\` takes ${h.expected}, but is set to ${h.found}`,
  ),
  "layout-shape": error(
    (h: { readonly path: string; readonly own: string; readonly stored: string }) =>
      `\`${h.path}\` is ${h.own}, and what is stored as ${h.stored} has another number of elements`,
  ),
  "layout-clash": error(
    (h: { readonly layout: string; readonly first: string; readonly second: string; readonly place: string }) =>
      `\`${h.first}\` and \`${h.second}\` both lie at ${h.place} in \`${h.layout}\``,
  ),
  "layout-parts": error(
    (h: { readonly layout: string; readonly key: string; readonly what: string }) => `\`${h.key}\` of \`${h.layout}\` is made of ${h.what}`,
  ),
  "layout-drop": error(
    (h: { readonly layout: string; readonly key: string; readonly path: string }) =>
      `\`${h.layout}\` drops \`${h.key}\`, where it has \`${h.path}\``,
  ),
  "unused-layout": warning(
    (h: { readonly of: string; readonly layouts: string }) => `no layout ${h.layouts} of a model of this file leads to \`${h.of}\``,
  ),
  "unused-layouts": warning(
    (h: { readonly file: string }) => `no layout of ${h.file} is of anything that the models of this file are made of`,
  ),
  "unmatched-path": warning(
    (h: { readonly of: string; readonly path: string }) =>
      `no weight of \`${h.of}\` has a path that begins with \`${h.path}\`, in any preset or ablation`,
  ),
  "sampler-value": error(
    (h: { readonly name: string; readonly expected: string; readonly found: string }) =>
      `\`${h.name}\` must be ${h.expected}, but it is ${h.found}`,
  ),
  "sampler-tensor": error(
    (h: { readonly what: string; readonly expected: string; readonly found: string }) =>
      `${h.what} must be ${h.expected}, but it is ${h.found}`,
  ),
  "train-value": error(
    (h: { readonly name: string; readonly expected: string; readonly found: string }) =>
      `\`${h.name}\` must be ${h.expected}, but it is ${h.found}`,
  ),
  "train-tensor": error(
    (h: { readonly what: string; readonly expected: string; readonly found: string }) =>
      `${h.what} must be ${h.expected}, but it is ${h.found}`,
  ),
  "latent-layer": error(
    (h: { readonly path: string; readonly why: string }) => `\`${h.path}\` cannot take the mean and deviation of the latents: ${h.why}`,
  ),
  "nothing-trained": error((h: { readonly stage: string }) => `\`train ${h.stage}\` trains no weight`),
  "unread-by-loss": error(
    (h: { readonly path: string; readonly loss: string; readonly count: number; readonly first: string }) =>
      `\`${h.path}\` trains ${h.count === 1 ? "a weight" : `${h.count} weights`} that \`${h.loss}\` does not read: \`${h.first}\`${h.count === 1 ? "" : " and more"}`,
  ),
  "trained-encoder": error(
    (h: { readonly encoder: string; readonly input: string; readonly path: string }) =>
      `what \`${h.encoder}\` makes of clips is taken as it is for \`${h.input}\`, so the stage cannot train its \`${h.path}\``,
  ),
} satisfies MessageTable;

export const expandDiagnostic = diagnosticsOf(expandMessages);
