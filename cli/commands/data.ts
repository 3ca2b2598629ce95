/** `mvc data`: what a data set is, to look at before training; or its clips with captions, as a safetensors file that training reads. */

import { statSync } from "node:fs";
import { extname } from "node:path";
import { mvcError } from "../../runtime/errors.ts";
import { refuseToReplace, tryOutput } from "../../runtime/node/output-file.ts";
import type { ClipSize, Dataset } from "../../training/dataset.ts";
import type { ChoiceOptions } from "../choices.ts";
import { type DatasetOptions, type Listening, requireOptions } from "../data/dataset-options.ts";
import { survey } from "../data/folder/survey.ts";
import { FRAMES, SIZE } from "../data/moving-shapes.ts";
import { openDataset } from "../data/open-dataset.ts";
import { printedDataset, printedSurvey, shownSize } from "../data/print-survey.ts";
import { writeClips, writeSheet } from "../data/write-dataset.ts";
import type { PictureSize } from "../dataset-flags.ts";
import { listeningOnTerminal } from "../listening.ts";
import { reporterOf } from "../reporter.ts";
import { shownPath } from "../shown-path.ts";
import type { Outcome } from "../terminal.ts";
import { captionsAsTokens } from "../train/captions-as-tokens.ts";
import { clipOf, prepare } from "../train/prepare.ts";

export interface DataOptions extends DatasetOptions, Omit<ChoiceOptions, "precision"> {
  /** A model's file, whose training says the clips' size, and for which captions are written as tokens. */
  readonly for?: string;
  readonly frames?: number;
  readonly size?: PictureSize;
  readonly output?: string;
}

/** A clip of more is none of a model. */
const mostPixels = 2 ** 28;

/** A data set by its name, folder or file. Exit code 1 where films of a folder would be refused. */
export async function data(name: string, options: DataOptions): Promise<Outcome> {
  const { output } = options;
  requireModel(options);
  const prepared = options.for === undefined ? undefined : prepare(options.for, { ...options, seed: 0 });
  if (options.for !== undefined && prepared === undefined) return "mistake";
  const { frames = FRAMES } = options;
  const size = prepared === undefined ? { frames, ...(options.size ?? { height: SIZE, width: SIZE }) } : clipOf(prepared);
  const most = Math.floor(mostPixels / (size.height * size.width));
  if (prepared === undefined && (frames < 1 || frames > most)) {
    const expected = `1 to ${most} at ${size.width}x${size.height}`;
    throw mvcError("option-invalid", { option: "--frames", expected, found: String(frames) });
  }
  requireOptions(options);
  const { listening, done } = listeningOnTerminal();
  if (output === undefined) return looked(name, size, options, listening, done);
  refuseToReplace(output, [name]);
  const ending = extname(output).toLowerCase();
  await tryOutput(output);
  try {
    const set = await openDataset(name, size, options, listening);
    const bytes = set.count * size.frames * size.height * size.width * 3;
    if (ending === ".png") {
      const captions = await writeSheet(output, set, listening.signal);
      done();
      reporterOf(output)(`${shownPath(output)}: ${captions.map((caption) => JSON.stringify(caption)).join(", ")}\n`);
    } else {
      await tryOutput(output, bytes);
      await writeClips(output, set, listening, prepared && captionsAsTokens(prepared, (text) => listening.note?.(text)));
      done();
      reporterOf(output)(`${shownPath(output)}: ${set.count} clips of ${shownSize(size)}\n`);
    }
  } finally {
    done();
  }
  return "done";
}

/** Throws MvcError `option-invalid`. */
function requireModel(options: DataOptions): void {
  const { frames, size, model, preset, ablation, set } = options;
  const refuse = (option: string, expected: string, found: unknown) =>
    mvcError("option-invalid", { option, expected, found: typeof found === "string" ? found : JSON.stringify(found) });
  const [given, expected]: [object, string] =
    options.for === undefined
      ? [{ "--model": model, "--preset": preset, "--ablation": ablation, "--set": set }, "given with --for, whose model it is of"]
      : [{ "--frames": frames, "--size": size && `${size.width}x${size.height}` }, "left out beside --for: it is the model's"];
  for (const [option, found] of Object.entries(given)) if (found !== undefined) throw refuse(option, expected, found);
}

async function looked(name: string, size: ClipSize, options: DataOptions, listening: Listening, done: () => void): Promise<Outcome> {
  try {
    if (name !== "moving-shapes" && statSync(name, { throwIfNoEntry: false })?.isDirectory() === true) {
      const found = await survey(name, size, options, listening);
      done();
      process.stdout.write(printedSurvey(found, size, options));
      const { damaged, missing, short, uncaptioned } = found;
      const refused = (problems: readonly unknown[], choice: string | undefined) =>
        problems.length > 0 && (choice ?? "refuse") === "refuse";
      const mistake =
        refused([...damaged, ...missing], options.damaged) || refused(short, options.short) || refused(uncaptioned, options.uncaptioned);
      return mistake ? "mistake" : "done";
    }
    const set = await openDataset(name, size, options, listening);
    const captions = await captionsOf(set);
    done();
    process.stdout.write(printedDataset(set, captions, options));
  } finally {
    done();
  }
  return "done";
}

/** Of the first: clips that are made on the spot take their time. */
async function captionsOf({ count, clip }: Dataset): Promise<readonly string[]> {
  const captions: string[] = [];
  for (let i = 0; i < Math.min(count, 200); i++) captions.push((await clip(i)).caption);
  return captions;
}
