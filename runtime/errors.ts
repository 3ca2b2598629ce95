/** The table of everything that can go wrong for a user at run time, each a typed error with one sentence and a way out. */

import { type ErrorRow, type TrainingFields, trainingRows } from "./training-errors.ts";

/** What each error's sentence needs to know; a code without its row in `table` does not compile. */
interface Fields extends TrainingFields {
  readonly "file-missing": {
    readonly file: string;
    readonly what: string;
    /** Of a package. */
    readonly built?: boolean;
  };
  readonly "file-unreadable": {
    readonly file: string;
    readonly reason: string;
    /** Out of what is wrong with its bytes. */
    readonly way?: string;
  };
  readonly "file-too-large": { readonly file: string; readonly what: string; readonly most: number };
  readonly "not-utf8": { readonly file: string; readonly line: number };
  readonly "not-a-package": { readonly folder: string };
  readonly "manifest-invalid": { readonly reason: string };
  readonly "package-newer": { readonly found: number; readonly known: number };
  readonly "package-older": { readonly found: number; readonly known: number };
  readonly "hash-mismatch": { readonly file: string; readonly expected: string; readonly found: string };
  readonly "weights-invalid": { readonly file: string; readonly reason: string };
  readonly "weights-ambiguous": { readonly file: string; readonly candidates: readonly string[] };
  readonly "weights-foreign": { readonly file: string; readonly model: string; readonly tensors: readonly string[]; readonly way: string };
  readonly "lora-invalid": { readonly file: string; readonly reason: string };
  readonly "weights-float8": { readonly file: string; readonly tensor: string; readonly dtype: string };
  readonly "checkpoint-kind": { readonly file: string; readonly kind: string; readonly way: string };
  readonly "checkpoint-invalid": { readonly file: string; readonly reason: string };
  readonly "checkpoint-refused": { readonly file: string; readonly name: string };
  readonly "checkpoint-tensor": { readonly file: string; readonly tensor: string; readonly what: string };
  readonly "checkpoint-averages": { readonly file: string };
  readonly "checkpoint-incomplete": { readonly file: string; readonly missing: string };
  readonly "weights-mismatch": { readonly file: string; readonly what: string; readonly expected: number; readonly found: number };
  readonly "weights-absent": { readonly graph: string };
  readonly "graph-unknown": { readonly graph: string; readonly known: readonly string[] };
  readonly "target-absent": { readonly graph: string; readonly target: "onnx" | "webgpu" };
  readonly "graph-failed": { readonly graph: string; readonly reason: string };
  readonly "backend-missing": { readonly backend: string; readonly reason: string; readonly hint: string };
  readonly "webgpu-absent": { readonly reason: string; readonly hint: string };
  readonly "adapter-absent": { readonly where: string };
  readonly "limit-too-low": { readonly limit: string; readonly needed: number; readonly found: number; readonly graph: string };
  readonly "device-lost": { readonly reason: string };
  readonly "device-failed": { readonly reason: string };
  readonly "out-of-memory": { readonly what: string; readonly bytes: number };
  readonly "plan-invalid": { readonly file: string; readonly reason: string };
  readonly "tuning-invalid": { readonly file: string; readonly reason: string };
  readonly "tensor-missing": { readonly tensor: string; readonly where: string; readonly expected: string; readonly way?: string };
  readonly "tensor-unknown": { readonly tensor: string; readonly where: string; readonly known: readonly string[] };
  readonly "tensor-dtype": { readonly tensor: string; readonly where: string; readonly expected: string; readonly found: string };
  readonly "tensor-shape": {
    readonly tensor: string;
    readonly where: string;
    readonly expected: string;
    readonly found: string;
    readonly way?: string | undefined;
  };
  readonly "id-out-of-range": { readonly tensor: string; readonly where: string; readonly id: number; readonly ids: number };
  readonly "input-missing": { readonly input: string; readonly expected: string; readonly way: string };
  readonly "input-unknown": { readonly input: string; readonly known: readonly string[] };
  readonly "input-invalid": { readonly input: string; readonly expected: string; readonly found: string };
  readonly "latents-absent": { readonly input: string; readonly graph: string; readonly shape: string };
  readonly "not-samplable": { readonly model: string; readonly reason: string };
  readonly "tokenizer-invalid": { readonly file: string; readonly reason: string };
  readonly "tokenizer-mismatch": { readonly file: string; readonly id: number; readonly tensor: string; readonly ids: number };
  readonly "prompt-too-long": {
    readonly tokens: number;
    readonly limit: number;
    readonly left: readonly string[];
    readonly longPrompt: "error" | "truncate" | "chunk";
    /** That the package was built for. */
    readonly pieces: number;
  };
  readonly "word-weights-invalid": { readonly prompt: string; readonly reason: string };
  readonly "word-unknown": {
    readonly words: readonly string[];
    readonly examples: readonly string[];
    /** How the model's sentences go, and the words that may stand where the unknown ones do. */
    readonly form?:
      | { readonly sentence: string; readonly kinds: readonly (readonly [kind: string, words: readonly string[]])[] }
      | undefined;
  };
  readonly "option-unknown": { readonly option: string; readonly where: string; readonly known: readonly string[] };
  readonly "option-invalid": {
    readonly option: string;
    readonly expected: string;
    readonly found: string;
    /** What to do in place of leaving it out. */
    readonly instead?: string;
  };
  readonly "frames-not-finite": { readonly count: number; readonly total: number };
  readonly "disk-full": { readonly file: string };
  readonly "output-refused": { readonly file: string; readonly reason: string; readonly hint: string };
  readonly "write-failed": { readonly file: string; readonly reason: string };
  readonly aborted: { readonly during: string };
  readonly disposed: { readonly what: string };
}

export type ErrorCode = keyof Fields;

/** The most names that a message lists. */
const LISTED = 12;

/** `"a", "b" and 3 more`. */
export const quoted = (names: readonly string[]): string => {
  const listed = names.slice(0, LISTED).map((name) => `"${name}"`);
  return names.length > LISTED ? `${listed.join(", ")} and ${names.length - LISTED} more` : listed.join(", ");
};
const rebuild = () => "build the package again with `mvc build`";

const table: { readonly [C in ErrorCode]: ErrorRow<Fields[C]> } = {
  ...trainingRows,
  "file-missing": {
    message: (f) => `${f.what} is missing: there is no file ${f.file}`,
    hint: (f) => (f.built ? rebuild() : "check the path"),
  },
  "file-unreadable": {
    message: (f) => `${f.file} cannot be read: ${f.reason}`,
    hint: (f) => f.way ?? "check that it is a file and that you may read it",
  },
  "file-too-large": {
    message: (f) => `${f.file} has more than the ${f.most} bytes that ${f.what} may have`,
    hint: () => "check that it is the file that you mean",
  },
  "not-utf8": {
    message: (f) => `${f.file} is not UTF-8: line ${f.line} has bytes that are no letter`,
    hint: () => "save it as UTF-8, such as with `iconv -f latin1 -t utf-8`",
  },
  "not-a-package": {
    message: (f) => `${f.folder} is not a package: it holds no manifest.json`,
    hint: () => "name the folder that `mvc build … -o DIR` wrote",
  },
  "manifest-invalid": { message: (f) => `manifest.json: ${f.reason}`, hint: rebuild },
  "package-newer": {
    message: (f) => `the package has format version ${f.found}, but this runtime knows versions up to ${f.known}`,
    hint: () => "install a newer mvc, or build the package again with this one",
  },
  "package-older": {
    message: (f) => `the package has format version ${f.found}, but this runtime reads version ${f.known}`,
    hint: () => "build the package again with this mvc: `mvc build`, with the same options and weights",
  },
  "hash-mismatch": {
    message: (f) =>
      `${f.file} is not the file that the package was built with: sha256 is ${f.found.slice(0, 16)}…, expected ${f.expected.slice(0, 16)}…`,
    hint: () => "copy the package again, or build it again with `mvc build`",
  },
  "weights-invalid": {
    message: (f) => `${f.file} is not a sound safetensors file: ${f.reason}`,
    hint: () => "download or write the file again",
  },
  "weights-ambiguous": {
    message: (f) => `${f.file} can be read in several ways: ${f.candidates.join(" or ")}`,
    hint: () => "say which layout it has with `--layout NAME`, or take out of the file what is not meant",
  },
  "weights-foreign": {
    message: (f) => `${f.file} holds no weight of ${f.model}: its tensors are ${quoted(f.tensors)}`,
    hint: (f) => f.way,
  },
  "lora-invalid": {
    message: (f) => `${f.file} cannot be merged as a LoRA: ${f.reason}`,
    hint: () => "give a LoRA file of this model, with keys as kohya's scripts or diffusers write them",
  },
  "weights-float8": {
    message: (f) => `${f.file} has weights of 8 bits or fewer: "${f.tensor}" is ${f.dtype}, which is not read`,
    hint: () => "get the file in f32, f16 or bf16 that it was made of",
  },
  "checkpoint-kind": { message: (f) => `${f.file} is ${f.kind}, and no checkpoint that is read`, hint: (f) => f.way },
  "checkpoint-invalid": {
    message: (f) => `${f.file} is not a sound checkpoint: ${f.reason}`,
    hint: () => "download or write it again",
  },
  "checkpoint-refused": {
    message: (f) => `${f.file} has Python run ${f.name} when it loads it, which no tensor needs: it is refused, and nothing was run`,
    hint: () =>
      "get the weights as safetensors; if you trust whoever made the file, load it in Python and save its state dict with `save_file` of safetensors.torch",
  },
  "checkpoint-tensor": {
    message: (f) => `"${f.tensor}" of ${f.file} is ${f.what}, which is not read`,
    hint: () => "turn it into a dense tensor of f32, f16 or bf16 in Python",
  },
  "checkpoint-averages": {
    message: (f) => `${f.file} has no averaged weights (EMA) beside the plain ones`,
    hint: () => "leave `--ema` out",
  },
  "checkpoint-incomplete": {
    message: (f) => `${f.file} lacks files of the checkpoint: ${f.missing}`,
    hint: () => "download what is missing into the same folder",
  },
  "weights-mismatch": {
    message: (f) => `${f.file} has ${f.found} ${f.what}, but manifest.json says ${f.expected}`,
    hint: () => "copy the package again, or build it again with `mvc build`",
  },
  "weights-absent": {
    message: (f) => `graph "${f.graph}" needs weights, but the package was built without them`,
    hint: () => "build it with `--weights FILE.safetensors`, or with `--init SEED` for random ones",
  },
  "graph-unknown": { message: (f) => `there is no graph "${f.graph}" in the package`, hint: (f) => `its graphs are ${quoted(f.known)}` },
  "target-absent": {
    message: (f) => `graph "${f.graph}" was not built for the target ${f.target}`,
    hint: (f) => `build the package again with \`--target onnx,webgpu\`, or with \`--target ${f.target}\` alone`,
  },
  "graph-failed": { message: (f) => `graph "${f.graph}" failed in the engine: ${f.reason}`, hint: rebuild },
  "backend-missing": {
    message: (f) => `${f.backend} cannot be loaded: ${f.reason}`,
    hint: (f) => f.hint,
  },
  "webgpu-absent": { message: (f) => `WebGPU is not there: ${f.reason}`, hint: (f) => f.hint },
  "adapter-absent": {
    message: (f) => `WebGPU finds no graphics adapter${f.where}`,
    hint: () =>
      "install the graphics driver (on Linux, Vulkan's), or take the CPU: sample with `--backend onnx`, train with `--engine onnx`",
  },
  "limit-too-low": {
    message: (f) => `graph "${f.graph}" needs ${f.limit} of ${f.needed}, but the device grants ${f.found}`,
    hint: () => "build the package for the device: `mvc build --limits FILE.json` with its limits, or use a larger one",
  },
  "device-lost": {
    message: (f) => `the graphics device was lost: ${f.reason}`,
    hint: () => "load the pipeline again; if it happens again, close other programs that use the device",
  },
  "device-failed": {
    message: (f) => `the graphics device refused what it was given: ${f.reason}`,
    hint: () => "bring the graphics driver up to date, or sample with `--backend onnx`",
  },
  "out-of-memory": {
    message: (f) => `the graphics device has no memory for ${f.what} (${(f.bytes / 2 ** 20).toFixed(1)} MiB)`,
    hint: () =>
      "close other programs that use the device; build with `--precision f16`, or sample with `--backend onnx`; train with a smaller `--batch`",
  },
  "plan-invalid": { message: (f) => `${f.file}: ${f.reason}`, hint: rebuild },
  "tuning-invalid": {
    message: (f) => `${f.file} is not what \`mvc tune\` writes: ${f.reason}`,
    hint: () => "delete it, or run `mvc tune` again after that",
  },
  "tensor-missing": {
    message: (f) => `${f.where} needs the tensor "${f.tensor}", which was not given`,
    hint: (f) => f.way ?? `give it as ${f.expected}`,
  },
  "tensor-unknown": { message: (f) => `${f.where} takes no tensor "${f.tensor}"`, hint: (f) => `it takes ${quoted(f.known)}` },
  "tensor-dtype": {
    message: (f) => `"${f.tensor}" of ${f.where} must be ${f.expected}, found ${f.found}`,
    hint: (f) => `give the tensor as ${f.expected}`,
  },
  "tensor-shape": {
    message: (f) => `"${f.tensor}" of ${f.where} must have the shape ${f.expected}, found ${f.found}`,
    hint: (f) => f.way ?? "sizes are fixed when a package is built: reshape the tensor, or build with `--set` for other sizes",
  },
  "id-out-of-range": {
    message: (f) => `"${f.tensor}" of ${f.where} holds the id ${f.id}, but its table has ${f.ids} rows`,
    hint: (f) => `give ids from 0 to ${f.ids - 1}`,
  },
  "input-missing": {
    message: (f) => `the model needs "${f.input}", ${f.expected}, which was not given`,
    hint: (f) => f.way,
  },
  "input-unknown": {
    message: (f) => `the model takes no "${f.input}"`,
    hint: (f) => (f.known.length === 0 ? "leave it out: the model takes none" : `it takes ${quoted(f.known)}`),
  },
  "input-invalid": {
    message: (f) => `"${f.input}" must be ${f.expected}, found ${f.found}`,
    hint: (f) => (f.expected.startsWith("left out") ? `leave "${f.input}" out` : `give "${f.input}" as ${f.expected}`),
  },
  "not-samplable": {
    message: (f) => `${f.model} cannot be sampled: ${f.reason}`,
    hint: () =>
      "build it again with what is missing; of a model that makes no pictures, ask for latents: `sampleLatents`, or `-o latent.safetensors`",
  },
  "latents-absent": {
    message: (f) => `"${f.input}" is given as pictures, but the model names no graph that makes latents of pictures`,
    hint: (f) => `name one, \`sampler ${f.graph}(…) { …, latents: encode }\`, and build again; or give latents, f32 ${f.shape}`,
  },
  "tokenizer-invalid": {
    message: (f) => `${f.file}: ${f.reason}`,
    hint: () => "put the model's own tokenizer there, or name it by `mvc build --tokenizer`, and build again",
  },
  "tokenizer-mismatch": {
    message: (f) => `${f.file} has ids up to ${f.id}, but the table that "${f.tensor}" is looked up in has ${f.ids} rows`,
    hint: (f) => `give the model a vocabulary of ${f.id + 1} or more, or another tokenizer`,
  },
  "prompt-too-long": {
    message: (f) => `the prompt has ${f.tokens} tokens, but the model takes ${f.limit}: ${quoted(f.left)} did not fit`,
    hint: ({ longPrompt, pieces }) => {
      const shorten = "shorten the prompt (the marks of start and end count as tokens)";
      const cut = 'leave its end out: `--long-prompt truncate`, `longPrompt: "truncate"`';
      const more = "a model whose looped graph takes a multiple of the encoder's tokens reads it in pieces (docs/prompts.md)";
      if (longPrompt === "truncate") return "build the model with a longer text: not even the marks of start and end fit";
      if (longPrompt === "chunk") return `${shorten}, or ${cut}; ${more}`;
      return pieces === 1 ? `${shorten}, or ${cut}` : `${shorten}, read it in ${pieces} pieces: \`--long-prompt chunk\`, or ${cut}`;
    },
  },
  "word-weights-invalid": {
    message: (f) => `the weights of words in ${JSON.stringify(f.prompt)} cannot be read: ${f.reason}`,
    hint: () => "`(word:1.3)` weighs a word, `(word)` 1.1, `[word]` 1/1.1; where parentheses are text, write `\\(` and `\\)`",
  },
  "word-unknown": {
    message: (f) => `the model does not know the ${f.words.length === 1 ? "word" : "words"} ${quoted(f.words)}`,
    hint: ({ examples, form }) => {
      if (form === undefined) return `it knows words such as ${quoted(examples)}`;
      const kinds = form.kinds.map(([kind, words]) => `; the ${kind} is one of ${quoted(words)}`);
      return `its prompts go "${form.sentence}"${kinds.join("")}`;
    },
  },
  "option-invalid": {
    message: (f) => `${f.option} must be ${f.expected}, found ${f.found}`,
    hint: (f) => {
      if (f.expected.startsWith("left out")) return `leave ${f.option} out${f.instead === undefined ? "" : `, or ${f.instead}`}`;
      if (f.found === "none") return `give ${f.option}`;
      return f.expected.startsWith("given") ? `give ${f.option} so, or leave it out` : `give ${f.option} another value`;
    },
  },
  "option-unknown": {
    message: (f) => `there is no "${f.option}" in ${f.where}`,
    hint: (f) => `what there may be is ${quoted(f.known)}`,
  },
  "frames-not-finite": {
    message: (f) => `${f.count} of ${f.total} values of the decoded frames are not finite numbers`,
    hint: () => "try fewer guidance or more steps; with `--precision f16`, build with f32",
  },
  "disk-full": {
    message: (f) => `${f.file} was not written: the disk is full`,
    hint: () => "free some space or write to another disk; nothing half-written was left",
  },
  "output-refused": { message: (f) => `${f.file} is not written: ${f.reason}`, hint: (f) => f.hint },
  "write-failed": {
    message: (f) => `${f.file} was not written: ${f.reason}`,
    hint: () => "check that the folder exists and that you may write there",
  },
  aborted: { message: (f) => `stopped during ${f.during}`, hint: () => "nothing was written; run it again" },
  disposed: { message: (f) => `${f.what} was used after it was disposed`, hint: () => "load it again with `loadPipeline`" },
};

/** An error that the user can mend: `message` is one sentence, `hint` the way out. */
export class MvcError extends Error {
  override readonly name = "MvcError";
  readonly code: ErrorCode;
  readonly hint: string;
  /** What the sentence speaks of, by the names of the code. */
  readonly fields: { readonly [name: string]: unknown };

  constructor(code: ErrorCode, message: string, hint: string, fields: { readonly [name: string]: unknown } = {}) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.fields = fields;
  }
}

/** The error of a code, with its sentence and its hint filled in. */
export function mvcError<C extends ErrorCode>(code: C, fields: Fields[C]): MvcError {
  return new MvcError(code, table[code].message(fields), table[code].hint(fields), fields);
}

/** Throws `aborted` when the signal says so; called between steps of long work. */
export function throwIfAborted(signal: AbortSignal | undefined, during: string): void {
  if (signal?.aborted) throw mvcError("aborted", { during });
}

/** Work that cannot be stopped, waited for no longer than until the signal says so: it goes on unheard. Throws `aborted`. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, during: string): Promise<T> {
  if (signal === undefined) return work;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(mvcError("aborted", { during }));
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** The first line of what a thrown thing says, for wrapping it in one of ours: errors of devices are no `Error`s, and anything can be thrown. */
export function reasonOf(thrown: unknown): string {
  const line = textOf(thrown).trim().split("\n", 1)[0] ?? "";
  return line === "" ? "it gave no reason" : line;
}

function textOf(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null) return String(thrown);
  if ("message" in thrown && typeof thrown.message === "string" && thrown.message !== "") return thrown.message;
  if ("name" in thrown && typeof thrown.name === "string" && thrown.name !== "") return thrown.name;
  return thrown.constructor?.name ?? "";
}
