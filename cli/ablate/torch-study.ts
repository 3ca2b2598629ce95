/** The cells of a study to folders that train.py takes, trained here one after the other, or handed to a scheduler by one file and gathered once they are done. */

import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import type { CellResult } from "../../study/cell.ts";
import { nameOf } from "../../study/state.ts";
import type { Dataset } from "../../training/dataset.ts";
import { shownPath } from "../shown-path.ts";
import { torchFilesOf } from "../torch-files.ts";
import { captionsAsTokens } from "../train/captions-as-tokens.ts";
import type { Prepared } from "../train/prepare.ts";
import { writeTrainerClips } from "../train/torch-folder.ts";
import type { MeasuredCell } from "./cell-result.ts";
import { isOver } from "./failed-cell.ts";
import { type LauncherName, launchers } from "./launch/launch.ts";
import type { Cell, Study } from "./study.ts";
import { studyFiles, writeText } from "./study-folder.ts";
import { failedTraining, gatherTorchCell, leftOf, prepareTorchCell, type TorchCell, trainTorchCell } from "./torch-cell.ts";
import type { VariantOptions } from "./variants.ts";

export interface TorchStudyOptions extends Omit<VariantOptions, "only"> {
  /** The model's. */
  readonly file: string;
  /** The study's. */
  readonly output: string;
  readonly weights?: readonly string[];
  /** What trains the cells, or the command of the Python that does here; null where none is left to be trained here. */
  readonly by: { readonly launch: LauncherName } | { readonly python: string | null };
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

type Common = Pick<TorchCell, "files" | "clips">;

export class TorchStudy {
  readonly #options: TorchStudyOptions;
  readonly #study: Study;
  readonly #dataset: Dataset;
  /** Of the cells that have no result, by variant. */
  readonly #common: ReadonlyMap<string, Common>;
  readonly #cells: readonly Cell[];
  /** Of what is handed to a scheduler: where each stands that is not done. */
  #left: ReadonlyMap<string, string> = new Map();

  /** Emits all code, and writes nothing. Throws MvcError `option-invalid` of a model that no code can be written of. */
  constructor(options: TorchStudyOptions, study: Study, dataset: Dataset) {
    this.#options = options;
    this.#study = study;
    this.#dataset = dataset;
    this.#cells = study.cells().filter((cell) => !isOver(options.output, idOf(cell)));
    const clips = new Map<string, string>();
    const common = new Map<string, Common>();
    for (const cell of study.cells()) {
      const { name } = cell.about;
      if (common.has(name)) continue;
      // The baseline comes first: what takes other tokens than it has clips of its own.
      const tokens = tokensIn(cell.prepared);
      const file = clips.get(tokens) ?? (clips.size === 0 ? studyFiles.clips : `clips-${name}.safetensors`);
      clips.set(tokens, file);
      common.set(name, { files: this.#filesOf(cell), clips: file });
    }
    this.#common = common;
  }

  #filesOf(cell: Cell): ReadonlyMap<string, string> {
    const { file, model, preset, set } = this.#options;
    const { about, prepared } = cell;
    const lengths = this.#study.lengthOf(cell).plans.map(({ name, batch, steps }) => ({ name, batch, steps: steps ?? 0 }));
    const choices = { ...(model && { model }), ...(preset && { preset }), ...(set && { set }), precision: "f32" as const };
    const ablation = about.change === null ? [] : [about.name];
    const unwritable = (why: string) =>
      mvcError("option-invalid", { option: "--engine", expected: `onnx or webgpu, as ${why}`, found: "torch" });
    const emitted = torchFilesOf(file, prepared.program, { ...choices, ablation }, unwritable, lengths);
    // What `prepare` has compiled has no errors.
    if (!emitted.ok) throw new Error(`ablate: ${emitted.diagnostics[0]?.message}`);
    return emitted.files;
  }

  /**
   * Writes the clips, the folders of all cells and the launcher's file.
   * @throws MvcError as `prepareTorchCell`, `writeTrainerClips`
   */
  async prepare(): Promise<void> {
    const { output, by, note, signal } = this.#options;
    if (this.#cells.length > 0) note("by PyTorch each cell trains all of its own stages: none is taken from another");
    for (const { about, prepared } of this.#cells) {
      const path = join(output, this.#commonOf(about.name).clips);
      if (!existsSync(path)) await writeTrainerClips(path, prepared, this.#dataset, { note, signal });
    }
    const left = new Map<string, string>();
    for (const cell of this.#cells) {
      const own = this.#torchCell(cell);
      await prepareTorchCell(own);
      const text = await leftOf(own);
      if (text !== undefined && failedTraining(own) === undefined) left.set(nameOf(idOf(cell)), text);
    }
    if (!("launch" in by)) return;
    this.#left = left;
    const { file, textOf } = launchers[by.launch];
    if (left.size > 0) await writeText(join(output, file), textOf({ study: basename(resolve(output)), cells: [...left.keys()] }));
  }

  /** Whether a cell is a scheduler's, which has not done it. */
  isLeft(cell: Cell): boolean {
    return this.#left.has(nameOf(idOf(cell)));
  }

  /** What a cell came to that is not left. Undefined where it was interrupted. Throws MvcError as `trainTorchCell` and `gatherTorchCell`. */
  async run(cell: Cell, measured: MeasuredCell): Promise<CellResult | undefined> {
    const { by } = this.#options;
    const own = this.#torchCell(cell);
    const python = "python" in by ? by.python : null;
    const failed = python === null ? failedTraining(own) : undefined;
    if (failed !== undefined) throw failed;
    if (python !== null && (await leftOf(own)) !== undefined && (await trainTorchCell(own, measured, python)) === "interrupted")
      return undefined;
    return gatherTorchCell(own, measured);
  }

  /** Of what is left for a scheduler: where each cell stands, and what is done next. Nothing where all are done. */
  lastWords(): string | undefined {
    const { output, by } = this.#options;
    if (!("launch" in by) || this.#left.size === 0) return undefined;
    const lines = [...this.#left].map(([name, text]) => `${name}: ${text}`);
    const command = launchers[by.launch].command(quotedPath(shownPath(output)));
    const count = `${this.#left.size} of ${this.#study.cells().length} cells are to be trained`;
    return [...lines, `${count}: \`${command}\`; then this command again gathers those that are done`].join("\n");
  }

  #torchCell({ about, prepared, seed, ...cell }: Cell): TorchCell {
    const { output, set = {}, weights = [] } = this.#options;
    const { plans } = this.#study.lengthOf({ about, prepared, seed, ...cell });
    return { folder: output, variant: about.name, seed, prepared, plans, set, weights, ...this.#commonOf(about.name) };
  }

  #commonOf(variant: string): Common {
    const common = this.#common.get(variant);
    if (common === undefined) throw new Error(`ablate: no code of ${variant}`);
    return common;
  }
}

const idOf = ({ about, seed }: Cell) => ({ variant: about.name, seed });

/** Models with the same take the same tokens of any captions. */
function tokensIn(prepared: Prepared): string {
  const { tokenizer, training } = prepared;
  const { tensors, metadata } = captionsAsTokens(prepared, () => {})([]);
  return JSON.stringify([
    training.tokenizer,
    tokenizer?.kind === "found" ? tokenizer.text : null,
    tensors.map(({ name }) => name),
    metadata,
  ]);
}

/** As a shell takes it. */
const quotedPath = (path: string) => (/^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
