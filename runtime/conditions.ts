/** What a caller gives for each clip to what the loop's conditions are fed: the one place where it is checked, before any work. */

import { isRecord, shown } from "./arguments.ts";
import { stack } from "./batch.ts";
import { isPicture, pictureValues } from "./clips/clip-input.ts";
import type { PromptKey } from "./clips/prompt-keys.ts";
import type { ClipParts } from "./clips/request.ts";
import { mvcError, quoted } from "./errors.ts";
import { checkTensor } from "./feeds.ts";
import type { ReadPrompt } from "./prompt.ts";
import type { ConditionRole, Roles } from "./roles.ts";
import { describe, elements, f32, floatsOf, i32, isTensor, shapeText, type TensorData } from "./tensor.ts";
import { weigh } from "./word-weights.ts";

/** Red, green, blue and opacity of each pixel, as a canvas's `ImageData` has them. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A text, a number or class, a picture; or a tensor of one clip, its first axis 1, pictures in -1..1. */
export type ConditionInput = string | number | Picture | TensorData;

/** A clip to be sampled: the same request and options give the same clip, whatever is sampled beside it. */
export interface ClipRequest extends ClipParts {
  /** The text of every condition that comes from text and is not given in `inputs`; absent for models that take none. */
  readonly prompt?: string;
  /** Texts that change over time, in place of `prompt`, in clips of several windows: a window's text is what its middle frame has, between two prompts their encodings mixed. */
  readonly prompts?: readonly PromptKey[];
  /** The text of the unguided half, in place of the model's own: what the clip is led away from. */
  readonly negative?: string;
  /** A whole number from 0 to 2^53 - 1; 0 when not given. */
  readonly seed?: number;
  /** The other conditions by name. */
  readonly inputs?: { readonly [condition: string]: ConditionInput };
  /** What the first step starts from as it is, [1, F, Z, H, W], in place of the seed's noise: diffusers' `latents` times `init_noise_sigma`, divided as its network is fed them (docs/sampling.md). */
  readonly latent?: TensorData;
}

/** Entries of several clips, and of texts what their tokens weigh. */
export interface EntryRows {
  readonly rows: TensorData;
  /** Of each token of the rows; undefined where all weigh 1. */
  readonly weights: Float32Array | undefined;
}

/** One condition of a batch of clips. */
export interface ConditionFeed extends EntryRows {
  readonly role: ConditionRole;
  /**
   * Without encoder, the rows of both halves, or of the only one. With one, what it takes: the guided half's rows, and the unguided
   * half's behind them where that is another text; else the unguided half is filled with `role.unguided`, or is the guided half again.
   */
  readonly rows: TensorData;
  /** Of texts that change over time: the prompts that these go towards, and how far each clip does, from 0 to 1, both halves of them. */
  readonly towards?: EntryRows & { readonly shares: readonly number[] };
}

/** One clip's entry of a condition, and of a text what its tokens weigh. */
export interface Entry {
  readonly tensor: TensorData;
  readonly weights: Float32Array | undefined;
}

/** What one clip is fed of one condition. */
export interface ClipFeed {
  readonly guided: Entry;
  /** Where the unguided half has another text. */
  readonly unguided: Entry | undefined;
  /** Another text that this one goes towards, and how far. */
  readonly towards?: { readonly guided: Entry; readonly share: number };
}

/** Condition by condition. */
export type ClipFeeds = readonly ClipFeed[];

const where = "the clip's inputs";

/** Throws MvcError `input-…`, `tensor-…`, `id-out-of-range`, `prompt-too-long`, `word-unknown`, `word-weights-invalid`, `option-invalid`. */
export function clipFeeds({ conditions }: Roles, request: ClipRequest, read: ReadPrompt | undefined): ClipFeeds {
  const { prompt, negative, inputs = {} } = request;
  const names = conditions.map(({ name }) => name);
  const extra = Object.keys(inputs).find((name) => !names.includes(name));
  if (extra !== undefined) throw mvcError("input-unknown", { input: extra, known: names });
  if (prompt !== undefined) requireTextsLeft("prompt", conditions, inputs);
  if (negative !== undefined && !conditions.some(({ unguided }) => typeof unguided === "string")) {
    throw mvcError("input-unknown", { input: "negative", known: names });
  }
  return conditions.map((role) => {
    const own = Object.hasOwn(inputs, role.name) ? inputs[role.name] : undefined;
    const given = own ?? (role.from === "text" ? prompt : undefined);
    if (given === undefined) {
      const input = role.from === "text" ? "prompt" : role.name;
      throw mvcError("input-missing", { input, expected: wantedOf(role), way: wayOf(role) });
    }
    const feed = (input: ConditionInput, of: "caller" | "model" = "caller"): Entry => {
      if (typeof input === "string" && role.from === "text") return textEntry(role, input, read, of);
      return { tensor: checkTensor(entryOf(role, input), role.entry, where), weights: undefined };
    };
    if (typeof role.unguided !== "string") return { guided: feed(given), unguided: undefined };
    return { guided: feed(given), unguided: negative === undefined ? feed(role.unguided, "model") : feed(negative) };
  });
}

/**
 * What the caller gives for every text must be one's.
 * @param input what the caller gave it as.
 * @throws MvcError `input-unknown` where the model takes no text; `input-invalid` where each has one already.
 */
export function requireTextsLeft(input: string, conditions: Roles["conditions"], inputs: NonNullable<ClipRequest["inputs"]>): void {
  const texts = conditions.filter(({ from }) => from === "text").map(({ name }) => name);
  if (texts.length === 0) throw mvcError("input-unknown", { input, known: conditions.map(({ name }) => name) });
  if (texts.some((name) => !Object.hasOwn(inputs, name))) return;
  throw mvcError("input-invalid", {
    input,
    expected: `left out, as the model's texts are given by name (${quoted(texts)})`,
    found: "both",
  });
}

/** A batch of clips to what its conditions are fed. */
export function conditionFeeds({ conditions, halves }: Roles, clips: readonly ClipFeeds[]): readonly ConditionFeed[] {
  return conditions.map((role, i): ConditionFeed => {
    const fed = clips.map((feeds) => feeds[i] as ClipFeed);
    const guided = fed.map((feed) => feed.guided);
    const behind = halves === 2 && typeof role.unguided === "string" ? fed.map((feed) => feed.unguided ?? feed.guided) : [];
    if (role.from === "text" && fed.some(({ towards }) => towards !== undefined)) {
      const next = together([...fed.map(({ towards, guided }) => towards?.guided ?? guided), ...behind]);
      const shares = [...fed.map(({ towards }) => towards?.share ?? 0), ...behind.map(() => 0)];
      return { role, ...together([...guided, ...behind]), towards: { ...next, shares } };
    }
    const { unguided } = role;
    if (halves === 1 || role.encoder !== undefined || typeof unguided === "string") return { role, ...together([...guided, ...behind]) };
    const plain = guided.map(({ tensor }) => tensor);
    return {
      role,
      rows: stack([...plain, ...(unguided === null ? plain : plain.map((one) => filled(one, unguided)))]),
      weights: undefined,
    };
  });
}

function together(entries: readonly Entry[]): EntryRows {
  const rows = stack(entries.map(({ tensor }) => tensor));
  if (entries.every(({ weights }) => weights === undefined)) return { rows, weights: undefined };
  const weights = entries.flatMap(({ tensor, weights }) => [...(weights ?? new Float32Array(tensor.data.length).fill(1))]);
  return { rows, weights: Float32Array.from(weights) };
}

/** What an encoder made of rows, as the loop takes it: each clip's pieces side by side, its tokens weighed. */
export function encodedCondition({ pieces }: ConditionRole, { weights }: EntryRows, made: TensorData): TensorData {
  const [rows = 0, tokens = 1, ...axes] = made.shape;
  const clips = pieces === 1 ? made : f32([rows / pieces, tokens * pieces, ...axes], floatsOf(made));
  return weights === undefined ? clips : weigh(clips, weights);
}

/** The condition of both halves, of what its encoder made of `rows`. */
export function bothHalves({ unguided }: ConditionRole, encoded: TensorData): TensorData {
  if (typeof unguided === "string") return encoded;
  return stack([encoded, unguided === null ? encoded : filled(encoded, unguided)]);
}

function filled({ dtype, shape }: TensorData, value: number): TensorData {
  return dtype === "i32"
    ? i32(shape, new Int32Array(elements(shape)).fill(value))
    : f32(shape, new Float32Array(elements(shape)).fill(value));
}

/** What is to be given, in words. */
function wantedOf({ from, entry }: ConditionRole): string {
  switch (from) {
    case "text":
      return "a text";
    case "image":
      return isOnePicture(entry.shape) ? `a picture of ${sizeOf(entry.shape)}` : `a tensor, ${describe(entry.dtype, entry.shape)}`;
    case "number":
      return "a number";
    case "class":
      return entry.ids === undefined ? "a class, a whole number" : `a class, a whole number from 0 to ${entry.ids - 1}`;
    case "tensor":
      return `a tensor, ${describe(entry.dtype, entry.shape)}`;
  }
}

function wayOf({ name, from }: ConditionRole): string {
  if (from === "text") return 'give it: `pipeline.sample("…")`, or `mvc sample PACKAGE "…"`';
  return `give it: \`inputs: { ${name}: … }\` in \`pipeline.sample\`, or \`mvc sample … --input ${name}=…\``;
}

/** Weights scale what an encoder makes of each token: the axis behind the batch must be that of the tokens. */
function textEntry(
  { name, entry, encoder, pieces }: ConditionRole,
  text: string,
  read: ReadPrompt | undefined,
  of: "caller" | "model",
): Entry {
  if (read === undefined) throw new Error("conditions: a text without tokenizer");
  const [, length = 0] = entry.shape;
  const { tokens, weights } = read(text, { pieces, length }, of);
  if (weights !== undefined && encoder?.output.shape[1] !== length) {
    const expected = `left out: the model takes "${name}" without an axis of tokens that could be weighed`;
    throw mvcError("option-invalid", { option: "wordWeights", expected, found: JSON.stringify(text) });
  }
  return { tensor: checkTensor(i32(entry.shape, tokens), entry, where), weights };
}

function entryOf(role: ConditionRole, given: ConditionInput): TensorData {
  const { name, from, entry } = role;
  const refuse = () => mvcError("input-invalid", { input: name, expected: wantedOf(role), found: foundOf(given) });
  if (typeof given === "string") throw refuse();
  if (typeof given === "number") {
    if (from === "number" && Number.isFinite(given)) return f32(entry.shape, Float32Array.of(given));
    if (from === "class" && Number.isSafeInteger(given) && Math.abs(given) < 2 ** 31) return i32(entry.shape, Int32Array.of(given));
    throw refuse();
  }
  if (typeof given !== "object" || given === null || from === "text" || from === "number" || from === "class") throw refuse();
  if ("dtype" in given) return given;
  if (from !== "image") throw refuse();
  return pictureTensor(role, given, refuse);
}

/** [1, 3, H, W] or [1, 1, 3, H, W]: one frame. */
const isOnePicture = (shape: readonly number[]) => shape.length === 4 || shape[1] === 1;
const sizeOf = (shape: readonly number[]) => `${shape.at(-1)}x${shape.at(-2)}`;

function pictureTensor({ name, entry }: ConditionRole, picture: Picture, refuse: () => Error): TensorData {
  if (!isPicture(picture) || !isOnePicture(entry.shape) || sizeOf(entry.shape) !== `${picture.width}x${picture.height}`) throw refuse();
  return f32(entry.shape, pictureValues(picture, name));
}

function foundOf(given: unknown): string {
  if (typeof given === "string") return `the text ${JSON.stringify(given)}`;
  if (isTensor(given)) return `a tensor, ${given.dtype} ${shapeText(given.shape)}`;
  const picture = isRecord(given) && ArrayBuffer.isView(given.data) && typeof given.width === "number";
  return picture ? `a picture of ${given.width}x${given.height}` : shown(given);
}
