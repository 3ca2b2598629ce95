/** Words of the command line to what an option takes, or to why they are none. */

import { InvalidArgumentError } from "commander";
import type { Setting } from "../compiler/expand/configure.ts";
import type { PromptKey } from "../runtime/clips/prompt-keys.ts";
import type { Target } from "./commands/build.ts";
import { number, wholeNumber } from "./numbers.ts";
import type { LoraOption } from "./weights/model-weights.ts";

/** `F=8`, `time=full` or `levels=[…]`: JSON where it is, else text. */
export function setting(text: string, previous: { readonly [name: string]: Setting } = {}): { readonly [name: string]: Setting } {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must be name=value.");
  const value = text.slice(at + 1);
  return { ...previous, [text.slice(0, at)]: parsed(value) };
}

function parsed(text: string): Setting {
  let value: Setting;
  try {
    value = JSON.parse(text) as Setting;
  } catch {
    return text;
  }
  requireExact(value);
  return value;
}

/** JSON's numbers that would arrive as others: `1e400` as infinity, whole ones beyond 2^53 as their neighbours. */
function requireExact(value: unknown): void {
  if (typeof value === "number" && (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER))
    throw new InvalidArgumentError(`Its numbers must lie between -${Number.MAX_SAFE_INTEGER} and ${Number.MAX_SAFE_INTEGER}.`);
  if (typeof value === "object" && value !== null) Object.values(value).forEach(requireExact);
}

/** `fps=8` or `first=frame.png`; what it stands for, the model's conditions say. */
export function conditionInput(text: string, previous: { readonly [name: string]: string } = {}): { readonly [name: string]: string } {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must be name=value.");
  const name = text.slice(0, at);
  if (Object.hasOwn(previous, name)) throw new InvalidArgumentError(`${name} is given twice.`);
  return { ...previous, [name]: text.slice(at + 1) };
}

/** `7.5`, or `image=1.5,text=7.5`. */
export function guidance(text: string): number | { readonly [condition: string]: number } {
  if (!text.includes("=")) return number(text);
  const weights = text.split(",").map((part): [string, number] => {
    const at = part.indexOf("=");
    if (at < 1) throw new InvalidArgumentError("It must be a number, or name=number,name=number.");
    return [part.slice(0, at), number(part.slice(at + 1))];
  });
  return Object.fromEntries(weights);
}

/** `24=a blue star moves up`. */
export function promptAt(text: string, previous: readonly PromptKey[] = []): readonly PromptKey[] {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must be frame=text.");
  return [...previous, { frame: wholeNumber(text.slice(0, at)), prompt: text.slice(at + 1) }];
}

/** `0.2,0.8`. */
export function interval(text: string): readonly number[] {
  const ends = text.split(",").map(number);
  if (ends.length !== 2) throw new InvalidArgumentError("It must be two numbers, such as 0.2,0.8.");
  return ends;
}

export function targets(text: string): readonly Target[] {
  const known = ["onnx", "webgpu", "torch"] as const;
  return text.split(",").map((name) => {
    const found = known.find((one) => one === name);
    if (found === undefined) throw new InvalidArgumentError("It must be onnx, webgpu or torch, or several of them: onnx,webgpu.");
    return found;
  });
}

export function collect(name: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, name];
}

/** `NoAdaptor,Series`. */
export function list(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("")) throw new InvalidArgumentError("It must be names with commas between them.");
  return [...new Set(names)];
}

/** `detail.safetensors` or `detail.safetensors:0.7`. */
export function lora(text: string, previous: readonly LoraOption[] = []): readonly LoraOption[] {
  const [, file = text, strength = "1"] = /^(.+):([^:/\\]+)$/.exec(text) ?? [];
  return [...previous, { file, strength: number(strength) }];
}
