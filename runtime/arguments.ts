/** What a caller passes, of whatever type, to requests and options that hold what their types say. */

import { type SampledFigures, sampledFigures } from "../compiler/package/sampler-figures.ts";
import { windowOrders } from "./clips/plan.ts";
import type { ClipRequest } from "./conditions.ts";
import { mvcError } from "./errors.ts";
import type { SampleOptions } from "./options.ts";
import { longPrompts } from "./prompt.ts";

interface Kind {
  readonly holds: (value: unknown) => boolean;
  readonly expected: string;
}

/** What each option must be, by its name; values are looked at further where they are used. */
export type Kinds<T> = { readonly [Name in keyof Required<T>]: Kind };

const text: Kind = { holds: (value) => typeof value === "string", expected: "a text" };
const flag: Kind = { holds: (value) => typeof value === "boolean", expected: "true or false" };
const object: Kind = { holds: isRecord, expected: "an object" };
export const anything: Kind = { holds: () => true, expected: "anything" };
export const callback: Kind = { holds: (value) => typeof value === "function", expected: "a function" };
export const abortSignal: Kind = {
  holds: (value) => isRecord(value) && typeof value.aborted === "boolean" && typeof value.addEventListener === "function",
  expected: "an AbortSignal",
};
export const wholeFrom = (least: number): Kind => ({
  holds: (value) => Number.isSafeInteger(value) && (value as number) >= least,
  expected: `a whole number from ${least} to ${Number.MAX_SAFE_INTEGER}`,
});
export const oneOf = (...words: readonly string[]): Kind => ({
  holds: (value) => words.some((word) => word === value),
  expected: `one of ${words.map((word) => JSON.stringify(word)).join(", ")}`,
});

const given: Kind = { holds: isObject, expected: "a picture, a clip or a tensor" };

const requestKinds: Kinds<ClipRequest> = {
  prompt: text,
  prompts: { holds: isKeys, expected: "a list of objects of frame and prompt" },
  negative: text,
  seed: wholeFrom(0),
  inputs: object,
  latent: { holds: isRecord, expected: "a tensor" },
  known: { holds: isObject, expected: "an object of clip, at and mask, or a list of them" },
  firstFrame: given,
  lastFrame: given,
  continues: given,
  from: given,
};

/** Figures are checked with the model's own. */
const sampleKinds: Kinds<SampleOptions> = {
  ...(Object.fromEntries(sampledFigures.map((name) => [name, anything])) as { readonly [F in keyof SampledFigures]: Kind }),
  guidance: anything,
  guidanceRescale: { holds: (value) => typeof value === "number", expected: "a number from 0 to 1" },
  guidanceInterval: { holds: Array.isArray, expected: "two rising numbers from 0 to 1, such as [0.2, 0.8]" },
  longPrompt: oneOf(...longPrompts),
  wordWeights: flag,
  onTruncated: callback,
  strength: anything,
  length: anything,
  overlap: anything,
  loop: { holds: (value) => typeof value === "boolean", expected: "true or false" },
  windows: oneOf(...windowOrders),
  onProgress: callback,
  onLatents: callback,
  signal: abortSignal,
};

/** A prompt, or a request whose fields are there and of their kind. Throws MvcError `option-unknown`, `option-invalid`. */
export function checkedRequest(given: unknown, where: string): ClipRequest {
  if (typeof given === "string") return { prompt: given };
  return checkedOptions<ClipRequest>(given, requestKinds, where, "a prompt, or an object of prompt, seed and inputs");
}

/** Throws MvcError `option-unknown`, `option-invalid`. */
export function checkedRequests(given: unknown, where: string): readonly ClipRequest[] {
  if (!Array.isArray(given)) throw refused(where, "a list of prompts or requests", given);
  return given.map((one, i) => checkedRequest(one, `${where}[${i}]`));
}

/** Throws MvcError `option-unknown`, `option-invalid`. */
export function checkedSampleOptions(given: unknown): SampleOptions {
  return checkedOptions<SampleOptions>(given, sampleKinds, "the options of `sampleAll`");
}

/** The options of `sample`, which has those of its clip among them. Throws MvcError `option-unknown`, `option-invalid`. */
export function checkedClipOptions(given: unknown): { readonly own: Omit<ClipRequest, "prompt">; readonly options: SampleOptions } {
  const { prompt: _, ...kinds } = requestKinds;
  const checked = Object.entries(checkedOptions<object>(given, { ...sampleKinds, ...kinds } as Kinds<object>, "the options of `sample`"));
  const part = (wanted: boolean) => Object.fromEntries(checked.filter(([name]) => Object.hasOwn(kinds, name) === wanted));
  return { own: part(true), options: part(false) };
}

/** What was given, less what is undefined. Throws MvcError `option-unknown`, `option-invalid`. */
export function checkedOptions<T extends object>(given: unknown, kinds: Kinds<T>, where: string, expected = "an object of options"): T {
  if (!isRecord(given)) throw refused(where, expected, given);
  const fields = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of fields) {
    const kind: Kind | undefined = Object.hasOwn(kinds, name) ? kinds[name as keyof T] : undefined;
    if (kind === undefined) throw mvcError("option-unknown", { option: name, where, known: Object.keys(kinds) });
    if (!kind.holds(value)) throw refused(name, kind.expected, value);
  }
  return Object.fromEntries(fields) as T;
}

export function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function isKeys(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => isRecord(one) && typeof one.frame === "number" && typeof one.prompt === "string");
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value);
}

export function refused(option: string, expected: string, found: unknown): Error {
  return mvcError("option-invalid", { option, expected, found: shown(found) });
}

/** A value as a sentence names it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value !== "object" || value === null) return String(value);
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  const names = Object.keys(value);
  return names.length === 0 ? "an empty object" : `an object of ${names.slice(0, 5).join(", ")}`;
}
